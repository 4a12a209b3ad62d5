#include "net/filter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "base/machine.h"

enum { RELAY = 1 << CONFINE_RELAY, LOOKUP = 1 << CONFINE_LOOKUP, SOCKETS = 1 << CONFINE_SOCKETS, ALL = 7 };

/*
 * A call is allowed if the bits MASK of argument ARGUMENT are VALUE; always where MASK is 0. Of arguments, the lower
 * half counts: all that are compared here are ints to the kernel.
 */
struct allowed {
	int number;
	uint8_t tasks, argument;
	uint32_t mask, value;
};

#define ANY 0, 0, 0
#define WRITING (O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND)

static const struct allowed calls[] = {
	{SYS_read, RELAY | LOOKUP, ANY},
	{SYS_write, RELAY | LOOKUP, ANY},
	{SYS_close, ALL, ANY},
	{SYS_recvfrom, ALL, ANY},
	{SYS_sendto, ALL, ANY},
	{SYS_recvmsg, ALL, ANY},
	{SYS_sendmsg, ALL, ANY},
	{SYS_socket, ALL, 0, UINT32_MAX, AF_INET},
	{SYS_socket, ALL, 0, UINT32_MAX, AF_INET6},
	{SYS_exit_group, ALL, ANY},
	{SYS_exit, ALL, ANY},
	{SYS_rt_sigreturn, ALL, ANY},
	{SYS_restart_syscall, ALL, ANY},
	{SYS_rt_sigaction, ALL, ANY},
	{SYS_rt_sigprocmask, ALL, ANY},
	{SYS_clock_gettime, ALL, ANY},
	{SYS_brk, ALL, ANY},
	{SYS_munmap, ALL, ANY},
	{SYS_mremap, ALL, ANY},
	{SYS_madvise, ALL, ANY},
	{SYS_mmap, ALL, 2, PROT_EXEC, 0},
	/* Connections. */
	{SYS_connect, RELAY | LOOKUP, ANY},
	{SYS_getsockname, RELAY | LOOKUP, ANY},
	{SYS_getsockopt, RELAY | LOOKUP, ANY},
	{SYS_setsockopt, RELAY | LOOKUP, ANY},
	{SYS_fcntl, RELAY | LOOKUP, ANY},
	{SYS_ppoll, RELAY | LOOKUP, ANY},
	{SYS_accept4, RELAY, ANY},
	{SYS_getpeername, RELAY, ANY},
	{SYS_shutdown, RELAY, ANY},
	{SYS_splice, RELAY, ANY},
	{SYS_pipe2, RELAY, ANY},
	{SYS_dup3, RELAY, ANY},
	{SYS_epoll_ctl, RELAY, ANY},
	{SYS_epoll_pwait, RELAY, ANY},
	/* Names, as musl's getaddrinfo(3) looks them up. */
	{SYS_bind, LOOKUP, ANY},
	{SYS_openat, LOOKUP, 2, WRITING, 0},
	{SYS_readv, LOOKUP, ANY},
	{SYS_lseek, LOOKUP, ANY},
	{SYS_clone, LOOKUP, 0, UINT32_MAX, SIGCHLD},
	{SYS_setitimer, LOOKUP, ANY},
	{SYS_prctl, LOOKUP, 0, UINT32_MAX, PR_SET_PDEATHSIG},
#ifdef SYS_open /* and the other calls that newer architectures don't have */
	{SYS_open, LOOKUP, 1, WRITING, 0},
	{SYS_poll, RELAY | LOOKUP, ANY},
	{SYS_dup2, RELAY, ANY},
	{SYS_epoll_wait, RELAY, ANY},
#endif
};
enum { CALLS = sizeof calls / sizeof *calls };

#define FIELD(name) ((uint32_t)offsetof(struct seccomp_data, name))
/* The lower half of an argument: both machines are little-endian. */
#define ARGUMENT(n) (FIELD(args) + (uint32_t)(n)*8)

#define LOAD(offset) ((struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset))
#define RETURN(action) ((struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action))
#define EQUAL(value, yes, no) ((struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no))

static unsigned short filter_fill(enum confine_task task, struct sock_filter *filter)
{
	unsigned short n = 0;
	filter[n++] = LOAD(FIELD(arch));
	filter[n++] = EQUAL(NATIVE, 1, 0);
	filter[n++] = RETURN(SECCOMP_RET_KILL_PROCESS);
	filter[n++] = LOAD(FIELD(nr));
	for (int i = 0; i < CALLS; i++) {
		const struct allowed *call = &calls[i];
		if (!(call->tasks & (1u << task)))
			continue;
		filter[n++] = EQUAL((uint32_t)call->number, 0, call->mask ? 5 : 1);
		if (call->mask) {
			filter[n++] = LOAD(ARGUMENT(call->argument));
			filter[n++] = (struct sock_filter)BPF_STMT(BPF_ALU | BPF_AND | BPF_K, call->mask);
			filter[n++] = EQUAL(call->value, 0, 1);
		}
		filter[n++] = RETURN(SECCOMP_RET_ALLOW);
		if (call->mask)
			filter[n++] = LOAD(FIELD(nr));
	}
	filter[n++] = RETURN(SECCOMP_RET_ERRNO | EPERM);
	return n;
}

bool filter_install(enum confine_task task)
{
	struct sock_filter filter[5 + 6 * CALLS];
	struct sock_fprog program = {.len = filter_fill(task, filter), .filter = filter};
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
