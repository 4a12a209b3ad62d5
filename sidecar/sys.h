/*
 * System calls that the C library has no wrapper for, and constants that are newer than the kernel headers of the oldest
 * system that builds nsbox. Numbers above 423 are the same on all architectures.
 */
#ifndef NSBOX_SYS_H
#define NSBOX_SYS_H

#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SYS_OPEN_TREE     428
#define SYS_MOVE_MOUNT    429
#define SYS_FSOPEN        430
#define SYS_FSCONFIG      431
#define SYS_FSMOUNT       432
#define SYS_CLONE3        435
#define SYS_CLOSE_RANGE   436
#define SYS_OPENAT2       437
#define SYS_MOUNT_SETATTR 442

#define TREE_CLONE     1u
#define TREE_CLOEXEC   02000000u
#define TREE_RECURSIVE 0x8000u /* AT_RECURSIVE */
#define EMPTY_PATH     0x1000u /* AT_EMPTY_PATH */
#define MOVE_F_EMPTY   0x04u
#define MOVE_T_EMPTY   0x40u

#define FS_CLOEXEC       1u
#define FS_SET_FLAG      0u
#define FS_SET_STRING    1u
#define FS_CMD_CREATE    6u

#define ATTR_RDONLY 0x1u
#define ATTR_NOSUID 0x2u
#define ATTR_NODEV  0x4u
#define ATTR_NOEXEC 0x8u

#define RESOLVE_NO_MAGIC 0x02u
#define RESOLVE_IN_BOX   0x10u /* RESOLVE_IN_ROOT */

struct sys_mount_attr { uint64_t set, clear, propagation, userns; };
struct sys_open_how { uint64_t flags, mode, resolve; };
struct sys_clone_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

static inline int sys_open_tree(int dir, const char *path, unsigned flags)
{
	return (int)syscall(SYS_OPEN_TREE, dir, path, flags);
}
static inline int sys_move_mount(int from, int to)
{
	return (int)syscall(SYS_MOVE_MOUNT, from, "", to, "", MOVE_F_EMPTY | MOVE_T_EMPTY);
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
static inline int sys_close_range(unsigned first, unsigned last) { return (int)syscall(SYS_CLOSE_RANGE, first, last, 0u); }
static inline int sys_pivot_root(const char *to, const char *old) { return (int)syscall(SYS_pivot_root, to, old); }

#endif
