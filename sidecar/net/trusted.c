#include "net/trusted.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/report.h"

#define INSTALL "on Debian and Ubuntu: sudo apt-get install passt"

/* A directory that others may write to keeps its entries if it is sticky, as /tmp is, and they are not theirs. */
static bool is_trusted(const struct stat *st)
{
	bool has_owner = st->st_uid == 0 || st->st_uid == geteuid();
	bool others = st->st_mode & S_IWOTH || (st->st_mode & S_IWGRP && st->st_gid != 0);
	return has_owner && (!others || (S_ISDIR(st->st_mode) && st->st_mode & S_ISVTX));
}

/* What stands at PATH itself: it has no links. */
static void check_place(const char *path)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		fail("look at", path);
	if (!is_trusted(&st))
		fail_plain_hint("users other than root and you could replace the program", path,
			"install it where they can't write: on Debian and Ubuntu, sudo apt-get install passt");
}

int trusted_open(const char *path)
{
	char real[PATH_MAX];
	if (*path != '/')
		fail_plain_hint("the path of the program must be absolute", path, INSTALL);
	if (!realpath(path, real))
		fail_hint("find the program", path, INSTALL);
	for (char *at = real; (at = strchr(at + 1, '/'));) {
		*at = '\0';
		check_place(real);
		*at = '/';
	}
	check_place(real);
	int fd = open(real, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		fail("open", real);
	return fd;
}
