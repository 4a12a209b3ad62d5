#include "process/sealed.h"

#include <linux/capability.h>

#include "base/report.h"
#include "fs/base_dir.h"
#include "plan/part.h"
#include "plan/plan_source.h"

/* Whether processes of the box may see ours, and look into them. From a user namespace of their own they can't. */
static bool is_within_reach(const struct plan *plan, bool baked)
{
	unsigned spaces = (unsigned)plan->namespaces;
	bool traces = plan->process->capabilities >> CAP_SYS_PTRACE & 1;
	/* Relative paths start from the directory of our file, which a copy in memory doesn't have. */
	return !(spaces & PLAN_NAMESPACES_USER) && (traces || !(spaces & PLAN_NAMESPACES_PID)) &&
		   !(baked && base_dir_is_needed());
}

static void become_sealed(const struct plan *plan, const char *text, size_t length, const struct invocation *invocation)
{
	int copy = plan_source_copy_program();
	/* A copy in memory has no files beside it. */
	part_add_all(copy, plan);
	plan_source_become_sealed(copy, text, length, invocation->old_mount_api, invocation->extra);
	if (plan->process->pause)
		fail_hint("execute a file in memory", NULL,
			"a box that stays needs a file in memory that can be executed (sysctl vm.memfd_noexec)");
	report_warning(
		"this system executes no file in memory: root in the box may get to write to the program that started it");
}

void sealed_ensure(
	const struct plan *plan, bool baked, const char *text, size_t length, const struct invocation *invocation)
{
	if (plan->process->pause ? baked || !plan_source_is_sealed()
							 : is_within_reach(plan, baked) && !plan_source_is_sealed())
		become_sealed(plan, text, length, invocation);
}
