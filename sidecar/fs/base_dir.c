#include "fs/base_dir.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/report.h"
#include "fs/cwd.h"
#include "plan/plan.h"

static bool moved;

/* Never inlined: its large frame would cost every start a page. */
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

bool base_dir_is_needed(void) { return plan_first_relative() != NULL; }

void base_dir_enter(bool baked)
{
	const char *relative = plan_first_relative();
	if (!relative)
		return;
	if (!baked)
		fail_plain_hint("a relative path only makes sense in a baked program", relative,
			"a path that starts with ./ is relative to a baked program: see nsbox bake --relative");
	enter_directory_of_program();
	moved = true;
}

void base_dir_leave(void)
{
	if (moved && cwd_path())
		(void)!chdir(cwd_path());
}
