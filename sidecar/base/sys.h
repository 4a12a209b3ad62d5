/*
 * System calls that the C library has no wrapper for, and constants that are newer than the kernel headers of the
 * oldest system that builds nsbox. Numbers above 423 are the same on all architectures.
 */
#ifndef NSBOX_BASE_SYS_H
#define NSBOX_BASE_SYS_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_PIDFD_SEND_SIGNAL 424
#define SYS_OPEN_TREE 428
#define SYS_MOVE_MOUNT 429
#define SYS_FSOPEN 430
#define SYS_FSCONFIG 431
#define SYS_FSMOUNT 432
#define SYS_PIDFD_OPEN 434
#define SYS_CLONE3 435
#define SYS_CLOSE_RANGE 436
#define SYS_OPENAT2 437
#define SYS_MOUNT_SETATTR 442
#define SYS_LANDLOCK_CREATE 444
#define SYS_LANDLOCK_ADD_RULE 445
#define SYS_LANDLOCK_RESTRICT 446

#define INTO_CGROUP UINT64_C(0x200000000) /* CLONE_INTO_CGROUP */

#define TREE_CLONE 1u
#define TREE_CLOEXEC ((unsigned)O_CLOEXEC)
#define TREE_RECURSIVE 0x8000u /* AT_RECURSIVE */
#define TREE_NO_AUTOMOUNT 0x800u /* AT_NO_AUTOMOUNT */
#define EMPTY_PATH 0x1000u /* AT_EMPTY_PATH */
#define MOVE_F_EMPTY 0x04u
#define MOVE_T_EMPTY 0x40u

#define FS_CLOEXEC 1u
#define FS_SET_FLAG 0u
#define FS_SET_STRING 1u
#define FS_CMD_CREATE 6u

#define ATTR_RDONLY 0x1u
#define ATTR_NOSUID 0x2u
#define ATTR_NODEV 0x4u
#define ATTR_NOEXEC 0x8u
#define ATTR_IDMAP 0x100000u /* MOUNT_ATTR_IDMAP */

#define FILE_NOEXEC_SEAL 8u /* MFD_NOEXEC_SEAL */
#define FILE_EXEC 16u /* MFD_EXEC */

#define SYS_PROC_MAGIC 0x9fa0 /* PROC_SUPER_MAGIC */

#define MOUNT_NOSYMFOLLOW 0x100u /* MS_NOSYMFOLLOW */
#define STATVFS_NOSYMFOLLOW 0x2000u /* ST_NOSYMFOLLOW */

#define RESOLVE_NO_MAGIC 0x02u
#define RESOLVE_NO_LINKS 0x04u /* RESOLVE_NO_SYMLINKS */
#define RESOLVE_DOWN 0x08u /* RESOLVE_BENEATH */
#define RESOLVE_IN_BOX 0x10u /* RESOLVE_IN_ROOT */

struct sys_mount_attr {
	uint64_t set, clear, propagation, userns;
};
/* struct statx, with names for the members that we read. */
struct sys_statx {
	uint32_t mask, before_inode[7];
	uint64_t inode, before_device[12];
	uint32_t device_major, device_minor;
	uint64_t mount_id, rest[13];
};
_Static_assert(sizeof(struct sys_statx) == 256, "struct statx");
#define WANT_INODE 0x100u
#define WANT_MOUNT_ID 0x1000u
/* The layout of Linux 6.12, which added SCOPED. */
struct sys_landlock_ruleset {
	uint64_t fs, net, scoped;
};
struct sys_open_how {
	uint64_t flags, mode, resolve;
};
struct sys_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

/*
 * Whether an error number means that the call isn't there: an older kernel and newer seccomp filters of container
 * engines return ENOSYS, older filters EPERM or EINVAL. Use it only for calls that don't return these themselves.
 */
static inline bool sys_is_refused(int number) { return number == ENOSYS || number == EPERM || number == EINVAL; }

static inline int sys_open_tree(int dir, const char *path, unsigned flags)
{
	return (int)syscall(SYS_OPEN_TREE, dir, path, flags);
}
static inline int sys_move_mount(int from, int to)
{
	return (int)syscall(SYS_MOVE_MOUNT, from, "", to, "", MOVE_F_EMPTY | MOVE_T_EMPTY);
}
/* Mounts onto NAME in the directory DIR; a symbolic link there is not followed. */
static inline int sys_move_mount_at(int from, int dir, const char *name)
{
	return (int)syscall(SYS_MOVE_MOUNT, from, "", dir, name, MOVE_F_EMPTY);
}
static inline int sys_fsopen(const char *type) { return (int)syscall(SYS_FSOPEN, type, FS_CLOEXEC); }
static inline int sys_fsconfig(int fs, unsigned command, const char *key, const char *value)
{
	return (int)syscall(SYS_FSCONFIG, fs, command, key, value, 0);
}
static inline int sys_fsmount(int fs, unsigned attrs) { return (int)syscall(SYS_FSMOUNT, fs, FS_CLOEXEC, attrs); }
static inline int sys_mount_setattr(int fd, unsigned flags, struct sys_mount_attr *attr)
{
	return (int)syscall(SYS_MOUNT_SETATTR, fd, "", EMPTY_PATH | flags, attr, sizeof *attr);
}
static inline int sys_openat2(int dir, const char *path, struct sys_open_how *how)
{
	return (int)syscall(SYS_OPENAT2, dir, path, how, sizeof *how);
}
static inline int sys_close_range(unsigned first, unsigned last)
{
	return (int)syscall(SYS_CLOSE_RANGE, first, last, 0u);
}
static inline int sys_statx(int fd, struct sys_statx *out)
{
	return (int)syscall(SYS_statx, fd, "", EMPTY_PATH, WANT_INODE | WANT_MOUNT_ID, out);
}
/*
 * fork(2) for a process with one thread. musl's serves programs with threads: locks, handlers and two more calls for
 * the signal mask.
 */
static inline int sys_fork(void) { return (int)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }
static inline int sys_pidfd_open(int pid) { return (int)syscall(SYS_PIDFD_OPEN, pid, 0u); }
static inline int sys_pivot_root(const char *to, const char *old) { return (int)syscall(SYS_pivot_root, to, old); }

#endif
