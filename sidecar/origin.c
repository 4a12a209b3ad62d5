#include "origin.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "cwd.h"
#include "report.h"

static bool moved;

static bool is_relative(const char *path) { return path && path[0] != '/'; }

static const char *first_relative(const struct plan *plan)
{
	if (is_relative(plan->root->path))
		return plan->root->path;
	if (is_relative(plan->root->state))
		return plan->root->state;
	for (size_t i = 0; i < plan->mounts_count; i++) {
		const struct mount *mount = &plan->mounts[i];
		if (is_relative(mount->source))
			return mount->source;
		if (is_relative(mount->lower))
			return mount->lower;
		if (is_relative(mount->state))
			return mount->state;
	}
	return NULL;
}

/* Not inlined: a frame of its size would cost every start a page. */
__attribute__((noinline)) static void enter_directory_of_program(void)
{
	char self[PATH_MAX];
	ssize_t length = readlink("/proc/self/exe", self, sizeof self - 1);
	if (length <= 0)
		fail("read", "/proc/self/exe");
	self[length] = '\0';
	char *slash = strrchr(self, '/');
	slash[slash == self] = '\0';
	if (chdir(self) < 0)
		fail("enter the directory of the program", self);
}

bool origin_is_needed(const struct plan *plan) { return plan->root && first_relative(plan); }

void origin_enter(const struct plan *plan, bool baked)
{
	const char *relative = plan->root ? first_relative(plan) : NULL;
	if (!relative)
		return;
	if (!baked) {
		report_hint("a path that starts with ./ is relative to a baked program: see nsbox bake --relative");
		fail_plain("is relative, and this plan is in no program", relative);
	}
	enter_directory_of_program();
	moved = true;
}

void origin_leave(void)
{
	if (moved && cwd_path())
		(void)!chdir(cwd_path());
}
