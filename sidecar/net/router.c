#include "net/router.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "net/confine.h"
#include "net/veth.h"

enum { TUN_MAJOR = 10, TUN_MINOR = 200 };

#define TUN_DIRECTORY "/dev/net"
#define TUN TUN_DIRECTORY "/tun"

/* What the process says when the namespace is there. */
struct made {
	int number;
	bool v6;
};

bool router_is_user0(void) { return geteuid() == 0; }

static uint64_t bit(unsigned capability) { return UINT64_C(1) << capability; }

static bool get_capabilities(struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3])
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	return syscall(SYS_capget, &header, data) == 0;
}

/* Root of a container may lack them; then the box's user namespace is what allows it to do the same. */
static bool has_privileges(void)
{
	const uint64_t wanted = bit(CAP_SYS_ADMIN) | bit(CAP_NET_ADMIN) | bit(CAP_SETUID) | bit(CAP_SETGID);
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	return router_is_user0() && get_capabilities(data) && (data[0].effective & wanted) == wanted;
}

/* Where the system lets only privileged processes make user namespaces, one of nobody's is made with a privilege. */
static void take_nobody_but_admin(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {
		{.permitted = 1u << CAP_SYS_ADMIN, .effective = 1u << CAP_SYS_ADMIN}};
	if (prctl(PR_SET_KEEPCAPS, 1) < 0)
		fail("keep capabilities", NULL);
	confine_become_nobody();
	if (syscall(SYS_capset, &header, data) < 0)
		fail("drop capabilities", NULL);
}

static void write_map(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || !descriptor_write(fd, text, strlen(text)))
		fail("write", path);
	close(fd);
}

/* Our own id alone, as root: pasta mounts as it. */
static void map_id(void)
{
	char uid[64], gid[64];
	snprintf(uid, sizeof uid, "0 %u 1", (unsigned)geteuid());
	snprintf(gid, sizeof gid, "0 %u 1", (unsigned)getegid());
	if (unshare(CLONE_NEWUSER) < 0)
		fail("make a user namespace for pasta", NULL);
	if (prctl(PR_SET_DUMPABLE, 1) < 0) /* /proc/self belongs to root otherwise */
		fail("set up a process", NULL);
	write_map("/proc/self/uid_map", uid);
	write_map("/proc/self/setgroups", "deny");
	write_map("/proc/self/gid_map", gid);
}

static bool write_setting(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done = fd >= 0 && write(fd, text, 1) == 1;
	descriptor_close(fd);
	return done;
}

/*
 * Nobody else is on pasta's device, so the kernel needn't look for others with its addresses there, for seconds in
 * which it sends nothing. False: it has no IPv6, or /proc/sys is read-only, as in containers. Then the box has none.
 */
static bool forward_v6(void)
{
	return write_setting("/proc/sys/net/ipv6/conf/default/accept_dad", "0") &&
		   write_setting("/proc/sys/net/ipv6/conf/all/accept_dad", "0") &&
		   write_setting("/proc/sys/net/ipv6/conf/all/forwarding", "1");
}

/* Our number as this /proc has it. */
static int own_number(void)
{
	char text[16];
	ssize_t length = readlink("/proc/self", text, sizeof text - 1);
	if (length <= 0)
		fail("read link", "/proc/self");
	text[length] = '\0';
	return atoi(text);
}

static _Noreturn void hold(int channel, int box, int parent, bool is_root)
{
	if (is_root) {
		take_nobody_but_admin();
		map_id();
	} else
		veth_join_user(box);
	veth_leave();
	const struct made made = {own_number(), forward_v6()};
	char byte;
	if (prctl(PR_SET_DUMPABLE, 1) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
		write(channel, &made, sizeof made) != sizeof made)
		_exit(STATUS_FAILED);
	while (read(channel, &byte, 1) < 0 && errno == EINTR)
		;
	_exit(0);
}

void router_start(struct router *router, int box)
{
	int ends[2], ready[2], parent = getpid();
	struct made made;
	*router = (struct router){.is_root = has_privileges()};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0 || pipe2(ready, O_CLOEXEC) < 0)
		fail("make a socket", NULL);
	if (router->is_root && fchown(ready[1], NOBODY, NOBODY) < 0 && errno != EINVAL)
		fail("give a pipe to", "nobody");
	router->pid = sys_fork();
	if (router->pid < 0)
		fail_hint("start a process", NULL, report_process_hint());
	if (router->pid == 0) {
		close(ends[0]);
		hold(ends[1], box, parent, router->is_root);
	}
	close(ends[1]);
	ssize_t got;
	while ((got = read(ends[0], &made, sizeof made)) < 0 && errno == EINTR)
		;
	if (got != sizeof made)
		report_give_up(STATUS_FAILED); /* It has said why. */
	router->number = made.number;
	router->v6 = made.v6;
	router->channel = ends[0];
	router->told = ready[0];
	router->ready = ready[1];
}

int router_open(const struct router *router)
{
	char name[32];
	snprintf(name, sizeof name, "/proc/%d/ns/net", router->number);
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fail("open", name);
	return fd;
}

void router_end(struct router *router)
{
	close(router->channel);
	close(router->told);
	close(router->ready);
	waitpid(router->pid, NULL, 0);
}

/* A device node for nobody, in a mount namespace of our own. Where there can't be one, pasta says what it lacks. */
static void make_tun(void)
{
	struct stat st;
	const mode_t all = S_IROTH | S_IWOTH;
	if (stat(TUN, &st) == 0 && (st.st_mode & all) == all)
		return;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_PRIVATE | MS_REC, NULL) < 0)
		fail("make a mount namespace", NULL);
	if (mount("tmpfs", TUN_DIRECTORY, "tmpfs", MS_NOEXEC | MS_NOSUID, "mode=755") < 0)
		return;
	if (mknod(TUN, S_IFCHR | 0600, makedev(TUN_MAJOR, TUN_MINOR)) < 0)
		umount2(TUN_DIRECTORY, MNT_DETACH);
	else if (chown(TUN, NOBODY, NOBODY) < 0 && errno != EINVAL)
		fail("give away", TUN);
}

void router_become_user(const struct router *router)
{
	if (!router->is_root)
		return;
	make_tun();
	confine_become_nobody();
}
