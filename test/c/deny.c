/*
 * Runs a command as if the kernel lacked some system calls: `deny CALL[/SIZE][=ERRNO]... -- COMMAND ARG...`. A filter
 * returns ENOSYS, as an older kernel would, or another error number. With SIZE it does so only if that is the second
 * argument, for calls that take a structure which is shorter in an older kernel.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Most have the same number on all architectures. */
static const struct {
	const char *name;
	unsigned number;
} calls[] = {
	{"pidfd_send_signal", 424},
	{"open_tree", 428},
	{"move_mount", 429},
	{"fsopen", 430},
	{"fsconfig", 431},
	{"fsmount", 432},
	{"pidfd_open", 434},
	{"execveat", SYS_execveat},
	{"clone3", 435},
	{"close_range", 436},
	{"openat2", 437},
	{"faccessat2", 439},
	{"mount_setattr", 442},
	{"pivot_root", SYS_pivot_root},
	{"mount", SYS_mount},
	{"clone", SYS_clone},
	{"unshare", SYS_unshare},
	{"statx", SYS_statx},
};

static unsigned number_of(const char *name)
{
	for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	fprintf(stderr, "deny: no call %s\n", name);
	exit(2);
}

int main(int argc, char **argv)
{
	static struct sock_filter code[64] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))};
	unsigned short length = 1;
	int at = 1;
	for (; at < argc && strcmp(argv[at], "--") != 0 && length < 60; at++) {
		char *number = strchr(argv[at], '='), *size = strchr(argv[at], '/');
		unsigned error = number ? (unsigned)atoi(number + 1) : ENOSYS, wanted = size ? (unsigned)atoi(size + 1) : 0;
		argv[at][strcspn(argv[at], "/=")] = '\0';
		code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number_of(argv[at]), 0, size ? 4 : 1);
		if (size) {
			code[length++] =
				(struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]));
			code[length++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, wanted, 0, 1);
		}
		code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error);
		if (size)
			code[length++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	}
	code[length++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	if (at + 1 >= argc)
		return 2;
	/* no_new_privs would change more than the denied calls, so it is set only if the filter can't be loaded without. */
	struct sock_fprog program = {length, code};
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0 &&
		(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)) {
		perror("deny");
		return 2;
	}
	execvp(argv[at + 1], argv + at + 1);
	perror(argv[at + 1]);
	return 127;
}
