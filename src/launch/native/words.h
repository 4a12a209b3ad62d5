/* Generated from src/cli/verb.ts and src/host/recorded.ts by scripts/gen.ts; change the lists, not this file. */
#ifndef NSBOX_NATIVE_WORDS_H
#define NSBOX_NATIVE_WORDS_H

#define VERBS \
	".asciz \"run\"\n" \
	".asciz \"plan\"\n" \
	".asciz \"explain\"\n" \
	".asciz \"why\"\n" \
	".asciz \"profile\"\n" \
	".asciz \"bake\"\n" \
	".asciz \"enter\"\n" \
	".asciz \"ps\"\n" \
	".asciz \"changes\"\n" \
	".asciz \"apply\"\n" \
	".asciz \"rootfs\"\n" \
	".asciz \"image\"\n" \
	".asciz \"doctor\"\n" \
	".asciz \"help\"\n"
#define VARIABLES \
	".asciz \"HOME\"\n" \
	".asciz \"NSBOX_CACHE\"\n" \
	".asciz \"XDG_CACHE_HOME\"\n" \
	".asciz \"XDG_CONFIG_HOME\"\n" \
	".asciz \"XDG_RUNTIME_DIR\"\n" \
	".asciz \"XDG_STATE_HOME\"\n"
enum {
	VARIABLE_HOME,
	VARIABLE_NSBOX_CACHE,
	VARIABLE_XDG_CACHE_HOME,
	VARIABLE_XDG_CONFIG_HOME,
	VARIABLE_XDG_RUNTIME_DIR,
	VARIABLE_XDG_STATE_HOME,
	VARIABLES_COUNT
};

#endif
