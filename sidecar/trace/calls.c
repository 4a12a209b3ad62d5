#include "trace/calls.h"

#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "base/machine.h"

#define NONE NO_ARGUMENT

static const struct call calls[] = {
	{SYS_openat, CALL_OPEN, 0, 1, 2, 0},
	{SYS_openat2, CALL_OPENAT2, 0, 1, 2, 0},
	{SYS_execve, CALL_EXEC, NONE, 0, NONE, 0},
	{SYS_execveat, CALL_EXEC, 0, 1, 4, FLAG_NOFOLLOW | FLAG_EMPTY},
	{SYS_newfstatat, CALL_LOOK, 0, 1, 3, FLAG_NOFOLLOW | FLAG_EMPTY},
	{SYS_statx, CALL_LOOK, 0, 1, 2, FLAG_NOFOLLOW | FLAG_EMPTY},
	{SYS_faccessat, CALL_LOOK, 0, 1, NONE, 0},
	{SYS_faccessat2, CALL_LOOK, 0, 1, 3, FLAG_NOFOLLOW | FLAG_EMPTY},
	{SYS_readlinkat, CALL_LOOK, 0, 1, NONE, NEVER_FOLLOWS},
	{SYS_statfs, CALL_LOOK, NONE, 0, NONE, 0},
	{SYS_chdir, CALL_LOOK, NONE, 0, NONE, 0},
	{SYS_truncate, CALL_LOOK, NONE, 0, NONE, 0},
	{SYS_utimensat, CALL_LOOK, 0, 1, 3, FLAG_NOFOLLOW | FLAG_EMPTY},
	{SYS_fchmodat, CALL_LOOK, 0, 1, NONE, 0},
	{SYS_fchownat, CALL_LOOK, 0, 1, 4, FLAG_NOFOLLOW | FLAG_EMPTY},
	{SYS_getxattr, CALL_LOOK, NONE, 0, NONE, 0},
	{SYS_listxattr, CALL_LOOK, NONE, 0, NONE, 0},
	{SYS_inotify_add_watch, CALL_LOOK, NONE, 1, NONE, 0},
	{SYS_linkat, CALL_LOOK, 0, 1, 4, FLAG_FOLLOW | FLAG_EMPTY},
	{SYS_mkdirat, CALL_MAKE, 0, 1, NONE, 0},
	{SYS_mknodat, CALL_MAKE, 0, 1, NONE, 0},
	{SYS_symlinkat, CALL_MAKE, 1, 2, NONE, 0},
	{SYS_renameat2, CALL_MAKE, 2, 3, NONE, 0},
#ifdef SYS_renameat
	{SYS_renameat, CALL_MAKE, 2, 3, NONE, 0},
#endif
#ifdef SYS_open /* and the other calls that newer architectures don't have */
	{SYS_open, CALL_OPEN, NONE, 0, 1, 0},
	{SYS_creat, CALL_CREAT, NONE, 0, NONE, 0},
	{SYS_stat, CALL_LOOK, NONE, 0, NONE, 0},
	{SYS_lstat, CALL_LOOK, NONE, 0, NONE, NEVER_FOLLOWS},
	{SYS_access, CALL_LOOK, NONE, 0, NONE, 0},
	{SYS_readlink, CALL_LOOK, NONE, 0, NONE, NEVER_FOLLOWS},
	{SYS_chmod, CALL_LOOK, NONE, 0, NONE, 0},
	{SYS_chown, CALL_LOOK, NONE, 0, NONE, 0},
	{SYS_link, CALL_LOOK, NONE, 0, NONE, NEVER_FOLLOWS},
	{SYS_mkdir, CALL_MAKE, NONE, 0, NONE, 0},
	{SYS_mknod, CALL_MAKE, NONE, 0, NONE, 0},
	{SYS_symlink, CALL_MAKE, NONE, 1, NONE, 0},
	{SYS_rename, CALL_MAKE, NONE, 1, NONE, 0},
#endif
	{SYS_setuid, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_setreuid, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_setresuid, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_setfsuid, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_setgid, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_setregid, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_setresgid, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_setfsgid, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_setgroups, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_capset, CALL_IDS, NONE, NONE, NONE, 0},
	{SYS_chroot, CALL_CHROOT, NONE, 0, NONE, 0},
	{SYS_pivot_root, CALL_CHROOT, NONE, 0, NONE, 0},
};
enum { CALLS = sizeof calls / sizeof *calls };

const struct call *call_find(uint64_t number)
{
	for (int i = 0; i < CALLS; i++)
		if ((uint64_t)calls[i].number == number)
			return &calls[i];
	return NULL;
}

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
/* The lower half of an argument: both machines are little-endian. */
#define ARGUMENT(n) (FIELD(args) + (uint32_t)(n)*8)

/* What stands before the calls and behind them, and the most that one call takes. */
enum { MOST_INSTRUCTIONS = 5 + 5 * CALLS };

/*
 * For each call: its number? then stop; where it may be about an open file, only if its flags don't say so, since
 * fstat(3) of some C libraries is such a call.
 */
static unsigned short filter_fill(struct sock_filter *filter)
{
	unsigned short n = 0;
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(arch));
	filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, NATIVE, 1, 0);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | CALLS_FOREIGN);
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, FIELD(nr));
	for (int i = 0; i < CALLS; i++) {
		const struct call *call = &calls[i];
		bool may_be_open = (call->meaning & FLAG_EMPTY) != 0 && call->kind == CALL_LOOK;
		filter[n++] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call->number, 0, may_be_open ? 4 : 1);
		if (may_be_open) {
			filter[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(call->flags));
			filter[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, AT_EMPTY_PATH, 0, 1);
			filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
		}
		filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE | CALLS_OF_OURS);
	}
	filter[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return n;
}

int calls_install_filter(void)
{
	struct sock_filter filter[MOST_INSTRUCTIONS];
	struct sock_fprog program = {.len = filter_fill(filter), .filter = filter};
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
