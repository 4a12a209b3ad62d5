#include "fs/tree_old.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "plan/contract.h"
#include "base/descriptor.h"
#include "base/mountinfo.h"
#include "base/report.h"
#include "base/sys.h"
#include "fs/inroot.h"

enum { STAGE_MAX = PATH_MAX + 16 };

static char *stage;
/* Nothing is mounted below the staged tree: then we needn't read all of /proc/self/mountinfo for it. */
static bool alone;

void old_stage_at(const char *path)
{
	stage = malloc(STAGE_MAX);
	if (!stage)
		fail("allocate", NULL);
	snprintf(stage, STAGE_MAX, "%s", path);
}

/*
 * MNT_EXPIRE is the first of two steps by which an unused mount expires. EAGAIN: it is marked now, and a second call
 * would unmount it, which never comes. EBUSY: it is in use, as by a mount below.
 */
static bool nothing_below(void) { return umount2(stage, MNT_EXPIRE) < 0 && errno == EAGAIN; }

static int open_stage(void) { return open(stage, O_PATH | O_CLOEXEC); }

/* A file can't be mounted on a directory, so there is a staging file beside the staging directory. */
static int is_directory_fd(int fd)
{
	int as_directory = openat(fd, ".", O_PATH | O_CLOEXEC | O_DIRECTORY);
	if (as_directory >= 0)
		close(as_directory);
	return as_directory >= 0 || errno != ENOTDIR;
}

static void stage_for(bool directory)
{
	char *last = strrchr(stage, '/') + 1;
	snprintf(last, STAGE_MAX - (size_t)(last - stage), directory ? "stage" : "stage-file");
}

static int stage_bind(int fd, unsigned long recursive)
{
	char from[DESCRIPTOR_NAME];
	stage_for(is_directory_fd(fd));
	if (mount(descriptor_name(fd, from), stage, NULL, MS_BIND | recursive, NULL) < 0)
		return -1;
	alone = nothing_below();
	return open_stage();
}

int old_bind(int opened)
{
	int tree = stage_bind(opened, MS_REC), number = errno;
	close(opened);
	errno = number;
	return tree;
}

int old_bind_alone(int fd)
{
	int tree = stage_bind(fd, 0);
	return tree < 0 && errno == EINVAL ? stage_bind(fd, MS_REC) : tree;
}

/* The kernel reads one page of parameters. */
enum { PARAMETERS_MAX = 4096 };

int old_mount(const char *type, const char *target, const struct setting *settings)
{
	char *data = calloc(1, PARAMETERS_MAX);
	const char *source = type;
	size_t length = 0;
	unsigned long flags = 0;
	if (!data)
		return -1;
	for (; settings->key && length < PARAMETERS_MAX; settings++) {
		if (strcmp(settings->key, "source") == 0) {
			source = settings->value;
			continue;
		}
		/* A flag, and for many file systems no parameter. */
		if (strcmp(settings->key, "ro") == 0) {
			flags = MS_RDONLY;
			continue;
		}
		length += (size_t)snprintf(data + length, PARAMETERS_MAX - length, "%s%s%s%s", length ? "," : "", settings->key,
			settings->value ? "=" : "", settings->value ? settings->value : "");
	}
	int done = -1;
	errno = E2BIG;
	if (length < PARAMETERS_MAX)
		done = mount(source, target, type, flags, data);
	int number = errno;
	free(data);
	errno = number;
	return done;
}

int old_new(const char *type, const struct setting *settings)
{
	stage_for(true);
	alone = true;
	return old_mount(type, stage, settings) < 0 ? -1 : open_stage();
}

static unsigned long flags_for(unsigned options)
{
	return (options & ROOT_OPTIONS_RO ? MS_RDONLY : 0) | (options & ROOT_OPTIONS_NOSUID ? MS_NOSUID : 0) |
		   (options & ROOT_OPTIONS_NODEV ? MS_NODEV : 0) | (options & ROOT_OPTIONS_NOEXEC ? MS_NOEXEC : 0);
}

struct restriction {
	int tree;
	unsigned long flags;
};

/*
 * A remount sets all flags, and in a user namespace the kernel refuses to clear one, so the present ones are passed
 * again. The mount is opened inside of the tree, never by its path on the host, which a link could lead elsewhere.
 */
static int restrict_one(const struct mountinfo *info, void *with)
{
	const struct restriction *restriction = with;
	char name[DESCRIPTOR_NAME];
	if (info->covered || (info->flags & restriction->flags) == restriction->flags)
		return 0;
	int fd = *info->inside ? inroot_open(restriction->tree, info->inside, O_NOFOLLOW) : dup(restriction->tree);
	if (fd < 0)
		return 1;
	int done =
		mount(NULL, descriptor_name(fd, name), NULL, MS_REMOUNT | MS_BIND | info->flags | restriction->flags, NULL);
	descriptor_close(fd);
	return done < 0;
}

static int count_open(const struct mountinfo *info, void *with)
{
	const struct restriction *restriction = with;
	errno = EBUSY;
	return !info->covered && (info->flags & restriction->flags) != restriction->flags;
}

static int remount(int tree, unsigned long flags, unsigned long dropped)
{
	char name[DESCRIPTOR_NAME];
	long now = descriptor_mount_flags(tree);
	if (now < 0)
		return -1;
	/*
	 * ST_ and MS_ flags of the same name are equal. Without a flag for access times, those stay as they are (Linux
	 * 3.17).
	 */
	unsigned long kept = ((unsigned long)now & (ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC)) |
						 (now & STATVFS_NOSYMFOLLOW ? MOUNT_NOSYMFOLLOW : 0);
	return mount(NULL, descriptor_name(tree, name), NULL, MS_REMOUNT | MS_BIND | (kept & ~dropped) | flags, NULL);
}

int old_restrict(int tree, unsigned options)
{
	struct restriction restriction = {tree, flags_for(options)};
	if (alone)
		return remount(tree, restriction.flags, 0);
	/*
	 * A second reading finds mounts that were moved in the source meanwhile, and so were missed. No path leads to a
	 * covered mount: neither we nor the box, which may not unmount, can reach it.
	 */
	if (mountinfo_below(stage, restrict_one, &restriction) != 0)
		return -1;
	return mountinfo_below(stage, count_open, &restriction) == 0 ? 0 : -1;
}

int old_set_readonly(int tree, bool readonly) { return remount(tree, readonly ? MS_RDONLY : 0, MS_RDONLY); }

void old_discard(void) { umount2(stage, MNT_DETACH); }

int old_attach(int target)
{
	char name[DESCRIPTOR_NAME];
	return mount(stage, descriptor_name(target, name), NULL, MS_MOVE, NULL);
}
