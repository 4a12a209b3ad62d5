/*
 * Feeds arbitrary text to the decoder, and reads every byte of the plans that it accepts:
 *   clang -g -O1 -std=c11 -D_GNU_SOURCE -fsanitize=fuzzer,address,undefined sidecar/plan/plan_fuzz.c -o plan_fuzz
 *   ./plan_fuzz -max_len=65536 CORPUS test/fixtures/plans
 * It includes the sources, so that the arena can give each piece its own bounds.
 */
#define ARENA_CHUNK 0
#include "base/arena.c"
#include "plan/json_pointer.c"
#include "plan/json.c"
#include "plan/plan.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile size_t seen;

static void read_strings(char *const *strings, size_t count)
{
	for (size_t n = 0; n < count; n++)
		seen += strlen(strings[n]);
	if (strings && strings[count])
		abort();
}

static void read_text(const char *text)
{
	if (text)
		seen += strlen(text);
}

static void read_plan(const struct plan *plan)
{
	if (!plan->root == !plan->enter || !plan->process || !(plan->namespaces & PLAN_NAMESPACES_MOUNT) ||
		plan->process->argv_count == 0)
		abort();
	read_strings(plan->process->argv, plan->process->argv_count);
	if (plan->process->env) {
		read_strings(plan->process->env->set, plan->process->env->set_count);
		read_strings(plan->process->env->unset, plan->process->env->unset_count);
	}
	for (size_t n = 0; n < plan->mounts_count; n++) {
		if (!plan->mounts[n].target || plan->mounts[n].target[0] != '/' || plan->mounts[n].type > MOUNT_FILE)
			abort();
		read_text(plan->mounts[n].source);
		read_text(plan->mounts[n].lower);
		read_text(plan->mounts[n].state);
		read_text(plan->mounts[n].to);
	}
	read_text(plan->hostname);
	read_text(plan->process->program);
	read_text(plan->process->cwd);
	if (!plan->root)
		return;
	read_text(plan->root->path);
	read_text(plan->root->state);
	for (size_t n = 0; n < plan->root->lowers_count; n++)
		read_text(plan->root->lowers[n]);
	for (size_t n = 0; n < plan->root->filesystems_count; n++)
		read_text(plan->root->filesystems[n].path);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct plan_error error = {{1}, {0}};
	const struct plan *plan;
	if (plan_decode((const char *)data, size, &arena, &plan, &error))
		read_plan(plan);
	else if (!error.message[0] || !memchr(error.pointer, 0, sizeof error.pointer))
		abort();
	arena_free(&arena);
	return 0;
}
