#include "fs/mount_point.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "fs/clean_path.h"
#include "fs/make_hint.h"
#include "fs/rollback.h"

/* mkdirat(2) ignores the set-id bits and the sticky bit. */
static int set_special_bits(int parent, const char *name, mode_t mode)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int done = fd < 0 ? -1 : fchmod(fd, mode);
	descriptor_close(fd);
	return done;
}

int mount_point_make(int parent, const char *name, bool is_last, bool directory, mode_t mode, const char *path)
{
	rollback_begin();
	int done = directory ? mkdirat(parent, name, mode)
						 : openat(parent, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_WRONLY, 0644);
	if (done < 0) {
		rollback_done();
		if (errno == EEXIST)
			return -1;
		fail_hint("make mount point", path, make_hint(parent, clean_path(path)));
	}
	if (!directory)
		close(done);
	rollback_remember(parent, name, directory);
	if (is_last)
		report_made(path);
	if (directory && (mode & 07000) && set_special_bits(parent, name, mode) < 0)
		fail("set the mode", path);
	int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail("open", path);
	return fd;
}
