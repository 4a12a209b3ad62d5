/* Generated from src/cli/verb.ts by scripts/gen.ts; change the list, not this file. */
#ifndef NSBOX_PROCESS_VERBS_H
#define NSBOX_PROCESS_VERBS_H

/* Each with its NUL; the last one is empty. */
static const char verb_names[] =
	"run\0plan\0explain\0why\0profile\0bake\0enter\0ps\0changes\0apply\0rootfs\0image\0doctor\0help\0";

#endif
