#include "fs/staging.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <sys/mount.h>

#include "plan/contract.h"
#include "base/descriptor.h"
#include "base/report.h"
#include "fs/tree.h"

static const char candidates[][6] = {"/tmp", "/run", "/mnt", "/var", "/usr", "/etc", "/bin", "/dev", "/proc"};
enum { LAST_CANDIDATE = sizeof candidates / sizeof *candidates - 1 };

static int target = -1, scratch = -1;

int staging_target(void) { return target; }
int staging_scratch(void) { return scratch; }

static int make_directory(const char *name)
{
	if (mkdirat(scratch, name, 0700) < 0)
		return -1;
	return openat(scratch, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

/* mount(2) takes paths, so the staging directory is named by its path on the host. */
static int set_up_staging(const char *tmpfs)
{
	char stage[PATH_MAX + 16];
	int file = openat(scratch, "stage-file", O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	int directory = make_directory("stage");
	if (file < 0 || directory < 0)
		return -1;
	close(file);
	close(directory);
	snprintf(stage, sizeof stage, "%s/stage", tmpfs);
	tree_stage_at(stage);
	return make_directory("root");
}

/* Without a limit, so that df(1), which leaves out what has no size, doesn't show what is hidden. Only we write there.
 */
static int open_scratch_old(const char *tmpfs)
{
	if (mount("nsbox", tmpfs, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=0") < 0)
		return -1;
	/* Recursive binds of the host leave an unbindable mount out, so they show the host's directory below it. */
	if (mount(NULL, tmpfs, NULL, MS_UNBINDABLE, NULL) < 0)
		return -1;
	scratch = open(tmpfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return scratch;
}

/* Mounts a second tmpfs for files that are bound, since the first one is unbindable. */
static int set_up_files(const char *tmpfs)
{
	char files[PATH_MAX + 16];
	int directory = make_directory("files");
	if (directory < 0)
		return -1;
	close(directory);
	snprintf(files, sizeof files, "%s/files", tmpfs);
	if (mount("nsbox", files, "tmpfs", MS_NOSUID | MS_NODEV, "mode=0700,size=0") < 0)
		return -1;
	return open(files, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int open_scratch_new(void)
{
	scratch = tree_new("tmpfs", ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV,
		(struct setting[]){{"source", "nsbox"}, {"mode", "0700"}, {"size", "0"}, {NULL, NULL}});
	return scratch < 0 ? -1 : tree_attach(scratch, target);
}

/* Never inlined: its large frame would cost every start two pages. */
__attribute__((noinline)) static void open_old(bool with_files)
{
	char link[DESCRIPTOR_NAME], tmpfs[PATH_MAX];
	if (!descriptor_path(target, tmpfs))
		fail("read", descriptor_name(target, link));
	if (open_scratch_old(tmpfs) < 0)
		fail("mount tmpfs", tmpfs);
	close(target);
	target = set_up_staging(tmpfs);
	if (target < 0)
		fail("make staging directory", tmpfs);
	if (!with_files)
		return;
	int files = set_up_files(tmpfs);
	if (files < 0)
		fail("mount tmpfs", tmpfs);
	close(scratch);
	scratch = files;
}

void staging_open(bool with_files)
{
	size_t candidate = 0;
	while ((target = open(candidates[candidate], O_PATH | O_DIRECTORY | O_CLOEXEC)) < 0 && candidate < LAST_CANDIDATE)
		candidate++;
	if (target < 0)
		fail("find a directory to put the root together on", "/tmp");
	if (tree_is_old())
		open_old(with_files);
	/* The root is mounted on top of this tmpfs, which stays reachable by its descriptor. */
	else if (with_files && open_scratch_new() < 0)
		fail_hint("mount tmpfs", candidates[candidate], tree_hint());
}
