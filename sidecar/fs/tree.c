#include "fs/tree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plan/contract.h"
#include "base/descriptor.h"
#include "base/host.h"
#include "base/report.h"
#include "base/sys.h"
#include "fs/tree_old.h"

/* The plan's options have the same bits as the kernel's attributes. */
_Static_assert(ROOT_OPTIONS_RO == ATTR_RDONLY && ROOT_OPTIONS_NOSUID == ATTR_NOSUID, "mount options");
_Static_assert(ROOT_OPTIONS_NODEV == ATTR_NODEV && ROOT_OPTIONS_NOEXEC == ATTR_NOEXEC, "mount options");

static bool old;

/*
 * A seccomp filter may refuse only some of the calls. With these arguments every call fails, and sys_is_refused knows
 * from the error whether it was refused.
 */
static bool filter_refuses(void)
{
	enum { NO_COMMAND = 99 };
	if (prctl(PR_GET_SECCOMP) == 0)
		return false;
	return (sys_open_tree(-1, NULL, TREE_CLONE) < 0 && sys_is_refused(errno)) ||
		   (sys_fsopen(NULL) < 0 && sys_is_refused(errno)) ||
		   (syscall(SYS_FSCONFIG, INT_MAX, NO_COMMAND, NULL, NULL, 0) < 0 && sys_is_refused(errno)) ||
		   (sys_fsmount(-1, 0) < 0 && sys_is_refused(errno)) ||
		   (syscall(SYS_MOVE_MOUNT, -1, NULL, -1, NULL, 0u) < 0 && sys_is_refused(errno));
}

void tree_set_up(bool force_old)
{
	/*
	 * mount_setattr is the youngest of the calls (Linux 5.12): a kernel that has it has the others. It succeeds without
	 * a look at the descriptor if nothing is to be changed.
	 */
	struct sys_mount_attr nothing = {0};
	old = force_old || (sys_mount_setattr(-1, 0, &nothing) < 0 && sys_is_refused(errno)) || filter_refuses();
}

bool tree_is_old(void) { return old; }
void tree_stage_at(const char *path) { old_stage_at(path); }

int tree_open(const char *path)
{
	if (old)
		return open(path, O_PATH | O_CLOEXEC);
	return sys_open_tree(AT_FDCWD, path, TREE_CLONE | TREE_CLOEXEC | TREE_RECURSIVE);
}

int tree_open_unnamed(const char *path)
{
	if (old)
		return open(path, O_PATH | O_CLOEXEC);
	return sys_open_tree(AT_FDCWD, path, TREE_CLONE | TREE_CLOEXEC | TREE_RECURSIVE | TREE_NO_AUTOMOUNT);
}

int tree_open_at(int fd)
{
	if (old)
		return descriptor_copy(fd);
	return sys_open_tree(fd, "", TREE_CLONE | TREE_CLOEXEC | TREE_RECURSIVE | EMPTY_PATH);
}

int tree_of(int opened) { return old ? old_bind(opened) : opened; }

int tree_alone(int fd)
{
	if (old)
		return old_bind_alone(fd);
	int tree = sys_open_tree(fd, "", TREE_CLONE | TREE_CLOEXEC | EMPTY_PATH);
	/* EINVAL: in a user namespace the kernel doesn't clone a mount without locked mounts below it (MNT_LOCKED). */
	return tree < 0 && errno == EINVAL ? tree_open_at(fd) : tree;
}

/* Stores the kernel's own text about the failure for tree_hint, such as "e overlay: ...". */
static char kernel_words[300];

static void keep_reason(int fs)
{
	int number = errno;
	ssize_t length = read(fs, kernel_words, sizeof kernel_words - 1);
	kernel_words[length > 0 ? length : 0] = '\0';
	kernel_words[strcspn(kernel_words, "\n")] = '\0';
	errno = number;
}

const char *tree_hint(void) { return strlen(kernel_words) > 2 ? kernel_words + 2 : NULL; }

static int configure(int fs, const struct setting *settings)
{
	for (; settings->key; settings++)
		if (sys_fsconfig(fs, settings->value ? FS_SET_STRING : FS_SET_FLAG, settings->key, settings->value) < 0)
			return -1;
	return sys_fsconfig(fs, FS_CMD_CREATE, NULL, NULL);
}

int tree_restrict(int tree, unsigned options)
{
	struct sys_mount_attr attr = {.set = options};
	if (!options)
		return 0;
	return old ? old_restrict(tree, options) : sys_mount_setattr(tree, TREE_RECURSIVE, &attr);
}

int tree_new(const char *type, unsigned options, const struct setting *settings)
{
	if (old) {
		int staged = old_new(type, settings);
		if (staged >= 0 && tree_restrict(staged, options) < 0)
			fail("set mount options", type);
		return staged;
	}
	kernel_words[0] = '\0';
	int fs = sys_fsopen(type);
	if (fs < 0)
		return -1;
	int tree = configure(fs, settings) < 0 ? -1 : sys_fsmount(fs, options);
	if (tree < 0)
		keep_reason(fs);
	descriptor_close(fs);
	return tree;
}

static bool is_long(const struct setting *settings)
{
	enum { VALUE_MAX = 255 };
	for (; settings->key; settings++)
		if (settings->value && strlen(settings->value) > VALUE_MAX)
			return true;
	return false;
}

/* Mounts on a tmpfs of our own by mount(2), and copies the mount from there as a tree. */
int tree_new_long(const char *type, unsigned options, const struct setting *settings, int target)
{
	if (old || !is_long(settings))
		return tree_new(type, options, settings);
	static const char name[] = "/stage";
	char path[DESCRIPTOR_NAME + sizeof name];
	int stage = tree_new("tmpfs", 0, (struct setting[]){{"source", "nsbox"}, {"mode", "0700"}, {NULL, NULL}});
	if (stage < 0 || tree_attach(stage, target) < 0 || mkdirat(stage, "stage", 0700) < 0)
		return -1;
	descriptor_name(stage, path);
	memcpy(path + strlen(path), name, sizeof name);
	int tree = old_mount(type, path, settings) < 0 ? -1 : sys_open_tree(stage, "stage", TREE_CLONE | TREE_CLOEXEC);
	if (tree >= 0 && (umount2(path, MNT_DETACH) < 0 || tree_restrict(tree, options) < 0))
		fail("set mount options", type);
	descriptor_close(stage);
	return tree;
}

void tree_discard(int tree)
{
	if (old)
		old_discard();
	close(tree);
}

int tree_set_readonly(int tree, bool readonly)
{
	struct sys_mount_attr attr = {.set = readonly ? ATTR_RDONLY : 0, .clear = readonly ? 0 : ATTR_RDONLY};
	return old ? old_set_readonly(tree, readonly) : sys_mount_setattr(tree, 0, &attr);
}

int tree_attach(int tree, int target) { return old ? old_attach(target) : sys_move_mount(tree, target); }

int tree_attach_at(int tree, int directory, const char *name)
{
	if (!old)
		return sys_move_mount_at(tree, directory, name);
	int target = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	int done = target < 0 ? -1 : old_attach(target);
	descriptor_close(target);
	return done;
}

int tree_open_host(const char *path)
{
	char name[DESCRIPTOR_NAME];
	if (!host_refuses_links())
		return tree_open(path);
	int fd = host_open(path, O_PATH), opened = fd < 0 ? -1 : tree_open(descriptor_name(fd, name));
	descriptor_close(fd);
	return opened;
}
