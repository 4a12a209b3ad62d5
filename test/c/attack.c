/*
 * Tries to leave or to misuse the box that it runs in, and prints a line for each attempt: "NAME closed", "NAME open"
 * or "NAME n/a". Each attempt is a process of its own, and stops at the proof that it could go on: it opens files of
 * the kernel but doesn't write to them, and passes arguments that a call refuses only after it has checked the
 * permission.
 *
 * attack [--port N] [--abstract NAME]     N, NAME: sockets of the host that must be out of reach attack --only START
 * only attempts whose names start with START
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/time.h>
#include <sys/timex.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum verdict { CLOSED, OPEN, NOT_HERE };

static int port;
static const char *abstract, *only = "";

/*
 * Whether the kernel refused permission, or has no such call. It checks permission first, so other errors mean that it
 * is open.
 */
static enum verdict permitted(long result)
{
	if (result >= 0)
		return OPEN;
	return errno == EPERM || errno == EACCES || errno == ENOSYS || errno == EROFS || errno == ENOENT ||
				   errno == EAFNOSUPPORT
			   ? CLOSED
			   : OPEN;
}

#define CALL(name, ...) \
	static enum verdict name(void) \
	{ \
		errno = 0; \
		return permitted(syscall(__VA_ARGS__)); \
	}

static enum verdict opens(const char *path, int flags)
{
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? NOT_HERE : CLOSED;
	return open(path, flags | O_CLOEXEC | O_NONBLOCK) >= 0 ? OPEN : CLOSED;
}

#define WRITE(name, path) \
	static enum verdict name(void) { return opens(path, O_WRONLY); }

/* Whether a file or directory isn't empty. */
static enum verdict tells(const char *path)
{
	char byte;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return errno == ENOENT ? NOT_HERE : CLOSED;
	if (read(fd, &byte, 1) == 1)
		return OPEN;
	DIR *directory = fdopendir(fd);
	int count = 0;
	while (directory && readdir(directory))
		count++;
	return count > 2 ? OPEN : CLOSED;
}

#define READ(name, path) \
	static enum verdict name(void) { return tells(path); }

/* Namespaces. */
CALL(unshare_user, SYS_unshare, CLONE_NEWUSER)
CALL(unshare_mount, SYS_unshare, CLONE_NEWNS)
CALL(unshare_pid, SYS_unshare, CLONE_NEWPID)
CALL(unshare_net, SYS_unshare, CLONE_NEWNET)
CALL(unshare_uts, SYS_unshare, CLONE_NEWUTS)
CALL(unshare_ipc, SYS_unshare, CLONE_NEWIPC)
CALL(unshare_cgroup, SYS_unshare, CLONE_NEWCGROUP)

static enum verdict clone_user(void)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
	return permitted(pid);
}

static enum verdict clone3_user(void)
{
	uint64_t args[8] = {CLONE_NEWUSER, 0, 0, 0, SIGCHLD};
	long pid = syscall(435, args, sizeof args);
	if (pid == 0)
		_exit(0);
	return permitted(pid);
}

static enum verdict enter(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return CLOSED;
	return permitted(setns(fd, 0));
}

static enum verdict setns_mount(void) { return enter("/proc/1/ns/mnt"); }
static enum verdict setns_user(void) { return enter("/proc/1/ns/user"); }
static enum verdict setns_pid(void) { return enter("/proc/1/ns/pid"); }
static enum verdict setns_own(void) { return enter("/proc/self/ns/uts"); }

static enum verdict writes(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? OPEN : CLOSED;
}

static enum verdict uid_map(void) { return writes("/proc/self/uid_map", "0 0 1"); }

static enum verdict setgroups_allow(void)
{
	return geteuid() == 0 ? NOT_HERE : writes("/proc/self/setgroups", "allow");
}

static enum verdict setgroups_call(void)
{
	gid_t group = 0;
	return geteuid() == 0 ? NOT_HERE : permitted(syscall(SYS_setgroups, 1, &group));
}

/* Mounts, by both interfaces. */
static enum verdict mount_tmpfs(void) { return permitted(mount("none", "/", "tmpfs", MS_REMOUNT, NULL)); }
static enum verdict mount_bind(void) { return permitted(mount("/", "/", NULL, MS_BIND, NULL)); }
static enum verdict remount_writable(void)
{
	return permitted(mount(NULL, "/proc/sys", NULL, MS_REMOUNT | MS_BIND, NULL));
}
static enum verdict unmask(void) { return permitted(umount2("/proc/sys", MNT_DETACH)); }
static enum verdict shared(void) { return permitted(mount(NULL, "/", NULL, MS_SHARED | MS_REC, NULL)); }
CALL(pivot, SYS_pivot_root, "/", "/")
CALL(open_tree, 428, AT_FDCWD, "/", 1)
CALL(fsopen, 430, "tmpfs", 0)
CALL(fspick, 433, AT_FDCWD, "/", 0)
CALL(fsmount, 432, -1, 0, 0)
CALL(move_mount, 429, AT_FDCWD, "/proc", AT_FDCWD, "/", 0)

static enum verdict mount_setattr(void)
{
	uint64_t attributes[4] = {0, 1};
	return permitted(syscall(442, AT_FDCWD, "/proc/sys", 0, attributes, sizeof attributes));
}

/* The root. */
static enum verdict chroot_escape(void)
{
	struct stat before, after;
	int top = open("/", O_RDONLY | O_DIRECTORY), above = open("/tmp", O_RDONLY | O_DIRECTORY);
	char name[] = "/tmp/attack-XXXXXX";
	if (stat("/", &before) < 0 || !mkdtemp(name))
		return NOT_HERE;
	int done = chroot(name);
	/* After a successful chroot the path leads elsewhere. */
	unlinkat(above, name + sizeof "/tmp/" - 1, AT_REMOVEDIR);
	if (done < 0)
		return CLOSED;
	fchdir(top);
	for (int i = 0; i < 64; i++)
		chdir("..");
	chroot(".");
	return stat("/", &after) == 0 && after.st_ino == before.st_ino && after.st_dev == before.st_dev ? CLOSED : OPEN;
}

static enum verdict leads_elsewhere(const char *path)
{
	struct stat ours, theirs;
	if (stat(path, &theirs) < 0 || stat("/", &ours) < 0)
		return CLOSED;
	return theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev ? CLOSED : OPEN;
}

static enum verdict root_of_init(void) { return leads_elsewhere("/proc/1/root"); }
static enum verdict dotdot(void) { return leads_elsewhere("/../../../.."); }

static enum verdict descriptors_of(const char *path)
{
	char name[300];
	struct stat st;
	DIR *directory = opendir(path);
	for (struct dirent *entry; directory && (entry = readdir(directory));) {
		snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		/* The directory that we list is open in this process, too. */
		if (entry->d_name[0] != '.' && atoi(entry->d_name) > 2 && atoi(entry->d_name) != dirfd(directory) &&
			stat(name, &st) == 0 && !S_ISSOCK(st.st_mode))
			return OPEN;
	}
	return CLOSED;
}

static enum verdict descriptors_init(void) { return descriptors_of("/proc/1/fd"); }
static enum verdict descriptors_own(void) { return descriptors_of("/proc/self/fd"); }

static enum verdict handle(void)
{
	struct {
		unsigned bytes;
		int type;
		unsigned char text[8];
	} file = {8, 1, {2}};
	return permitted(syscall(SYS_open_by_handle_at, AT_FDCWD, &file, O_RDONLY));
}

/* Devices. */
static enum verdict node(mode_t type, dev_t number)
{
	static const char *const places[] = {"/tmp", "/dev", "/dev/shm", "/", "/var/tmp", "/root", "."};
	char name[64];
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		snprintf(name, sizeof name, "%s/attack-%d", places[i], getpid());
		if (mknod(name, type | 0666, number) < 0)
			continue;
		int fd = open(name, O_RDONLY | O_NONBLOCK);
		/* ENXIO: the device was allowed, but this machine has no such disk. */
		int found = fd >= 0 || errno == ENXIO || errno == EBUSY || errno == ENODEV;
		unlink(name);
		if (found)
			return OPEN;
	}
	return CLOSED;
}

static enum verdict node_disk(void) { return node(S_IFBLK, makedev(8, 0)); }
static enum verdict node_virtual_disk(void) { return node(S_IFBLK, makedev(254, 0)); }
static enum verdict node_memory(void) { return node(S_IFCHR, makedev(1, 1)); }
static enum verdict node_log(void) { return node(S_IFCHR, makedev(1, 11)); }
READ(dev_mem, "/dev/mem")
READ(dev_kmsg, "/dev/kmsg")
WRITE(dev_fuse, "/dev/fuse")
WRITE(dev_kvm, "/dev/kvm")
WRITE(dev_tun, "/dev/net/tun")
READ(dev_disk, "/dev/sda")

/* Files of the kernel. */
WRITE(core_pattern, "/proc/sys/kernel/core_pattern")
WRITE(modprobe, "/proc/sys/kernel/modprobe")
WRITE(hostname_file, "/proc/sys/kernel/hostname")
WRITE(last_pid, "/proc/sys/kernel/ns_last_pid")
WRITE(drop_caches, "/proc/sys/vm/drop_caches")
WRITE(sysrq, "/proc/sysrq-trigger")
WRITE(affinity, "/proc/irq/default_smp_affinity")
WRITE(uevent_helper, "/sys/kernel/uevent_helper")
WRITE(power, "/sys/power/state")
WRITE(huge_pages, "/sys/kernel/mm/transparent_hugepage/enabled")
WRITE(cgroup_procs, "/sys/fs/cgroup/cgroup.procs")
WRITE(release_agent, "/sys/fs/cgroup/memory/release_agent")
READ(kcore, "/proc/kcore")
READ(keys, "/proc/keys")
READ(timers, "/proc/timer_list")
READ(firmware, "/sys/firmware")
READ(acpi, "/proc/acpi")

static enum verdict addresses(void)
{
	char address[17] = "";
	int fd = open("/proc/kallsyms", O_RDONLY | O_CLOEXEC);
	return fd >= 0 && read(fd, address, 16) == 16 && strspn(address, "0") != 16 ? OPEN : CLOSED;
}

/* Other processes. */
WRITE(memory_of_init, "/proc/1/mem")
READ(environment_of_init, "/proc/1/environ")
WRITE(program_of_init, "/proc/1/exe")
WRITE(own_program, "/proc/self/exe")
/* Lowers oom_score_adj: with a lower one the kernel would kill other processes for the box's memory. */
static enum verdict score_of_init(void) { return writes("/proc/1/oom_score_adj", "-999"); }
static enum verdict score(void) { return writes("/proc/self/oom_score_adj", "-999"); }

static enum verdict trace_init(void) { return permitted(ptrace(PTRACE_SEIZE, 1, NULL, NULL)); }

static enum verdict memory_by_call(void)
{
	char byte;
	struct {
		void *base;
		size_t length;
	} ours = {&byte, 1}, theirs = {(void *)0x400000, 1};
	return permitted(syscall(SYS_process_vm_readv, 1, &ours, 1UL, &theirs, 1UL, 0UL));
}

/* A process without a parent in this pid namespace, other than process 1, would be one of the host's. */
static enum verdict sees_outside(void)
{
	char name[32];
	for (int pid = 2; pid < 400; pid++) {
		snprintf(name, sizeof name, "/proc/%d/root", pid);
		if (leads_elsewhere(name) == OPEN)
			return OPEN;
	}
	return CLOSED;
}

/* Calls that reach deep into the kernel. */
CALL(keyctl, SYS_keyctl, 0, -3, 0)
CALL(add_key, SYS_add_key, "user", "nsbox", "x", 1UL, -2)
CALL(request_key, SYS_request_key, "user", "nsbox", NULL, 0)
CALL(bpf, SYS_bpf, 0, NULL, 0)

/* Counts events of this process alone, outside of the kernel: perf_event_paranoid allows that to everybody. */
static enum verdict perf(void)
{
	struct {
		uint32_t type, size;
		uint64_t config, rest[3], flags, more[8];
	} event = {.type = 1, .size = sizeof event, .flags = 1 << 5};
	return permitted(syscall(SYS_perf_event_open, &event, 0, -1, -1, 0UL));
}

CALL(userfault, SYS_userfaultfd, 1)
CALL(uring, 425, 1, NULL)
CALL(init_module, SYS_init_module, NULL, 0UL, NULL)
CALL(finit_module, SYS_finit_module, -1, "", 0)
CALL(delete_module, SYS_delete_module, "nsbox-none", O_NONBLOCK)
CALL(kexec, SYS_kexec_load, 0UL, 0UL, NULL, 0UL)
CALL(swap, SYS_swapon, "/nowhere/at/all", 0)
CALL(account, SYS_acct, "/proc")
/* Q_GETQUOTA of user 0, quotactl_fd(2) */
static enum verdict quota(void)
{
	uint64_t answer[16];
	return permitted(syscall(443, open("/", O_RDONLY | O_DIRECTORY), 0x80000700, 0, answer));
}

/* Sets values that are set already: no argument makes the kernel fail only after the permission check. */
static enum verdict set_time(void)
{
	struct timezone zone;
	return syscall(SYS_gettimeofday, NULL, &zone) < 0 ? CLOSED : permitted(syscall(SYS_settimeofday, NULL, &zone));
}

static enum verdict set_clock(void)
{
	struct timex clock = {0};
	if (syscall(SYS_clock_adjtime, 0, &clock) < 0)
		return CLOSED;
	clock.modes = ADJ_MAXERROR;
	return permitted(syscall(SYS_clock_adjtime, 0, &clock));
}

CALL(reboot, SYS_reboot, 1, 2, 3, NULL)
CALL(set_name, SYS_sethostname, (void *)-1L, 1UL)
CALL(set_domain, SYS_setdomainname, (void *)-1L, 1UL)
CALL(log_read, SYS_syslog, 10, NULL, 0)
CALL(hang_up, SYS_vhangup)
CALL(fanotify, SYS_fanotify_init, 0, 0)
#ifdef SYS_uselib
CALL(uselib, SYS_uselib, "/nowhere")
#else
static enum verdict uselib(void) { return NOT_HERE; }
#endif
CALL(personality, SYS_personality, 0x0440000UL)
CALL(move_pages, SYS_move_pages, 1, 0UL, NULL, NULL, NULL, 0)
#if defined(__x86_64__)
CALL(iopl, SYS_iopl, 3)
CALL(ioperm, SYS_ioperm, 0UL, 1UL, 1)
CALL(x32, 0x40000000 + 39)

static enum verdict int80(void)
{
	long result;
	/* personality(2) of i386 */
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(136L), "b"(0x0440000L) : "memory", "r8", "r9", "r10", "r11");
	return result >= 0 ? OPEN : CLOSED;
}
#endif

/* Privileges. */
static enum verdict become_root(void)
{
	return geteuid() == 0 ? NOT_HERE : syscall(SYS_setuid, 0) == 0 ? OPEN : CLOSED;
}

static enum verdict setuid_program(void)
{
	int status;
	if (geteuid() == 0 || access("/bin/setuid-program", X_OK) < 0)
		return NOT_HERE;
	pid_t child = fork();
	if (child == 0) {
		execl("/bin/setuid-program", "setuid-program", "--who", NULL);
		_exit(1);
	}
	return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? OPEN : CLOSED;
}

static enum verdict all_capabilities(void)
{
	struct {
		uint32_t version;
		int pid;
	} header = {0x20080522, 0};
	uint32_t all[6] = {~0u, ~0u, ~0u, 0x1ff, 0x1ff, 0x1ff};
	return permitted(syscall(SYS_capset, &header, all));
}

/* Terminal, network. */
static enum verdict push(unsigned long request)
{
	char text[] = "x";
	int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (fd < 0 && (fd = isatty(0) ? 0 : -1) < 0)
		return NOT_HERE;
	return permitted(syscall(SYS_ioctl, fd, request, text));
}

static enum verdict terminal_input(void) { return push(TIOCSTI); }
static enum verdict terminal_input_wide(void) { return push(TIOCSTI | 0x100000000UL); }
static enum verdict console_paste(void) { return push(0x541c | 0x700000000UL); }
CALL(vsock, SYS_socket, 40, SOCK_STREAM, 0)
CALL(crypto, SYS_socket, 38, SOCK_SEQPACKET, 0)
CALL(bluetooth, SYS_socket, 31, SOCK_RAW, 1)
CALL(can, SYS_socket, 29, SOCK_RAW, 1)
CALL(raw_socket, SYS_socket, AF_INET, SOCK_RAW, 1)
CALL(packet_socket, SYS_socket, 17, SOCK_RAW, 0x300)

/*
 * Nodes in /dev and in descriptors 0 to 2 are the host's own. Setting the mode and times that they have changes
 * nothing.
 */
static const char *const devices[] = {
	"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/console"};
enum { DEVICES = sizeof devices / sizeof *devices };

static bool is_shared(const struct stat *st)
{
	return S_ISCHR(st->st_mode) && (major(st->st_rdev) == 1 || st->st_rdev == makedev(5, 0));
}

static bool changes_mode(const char *path, const struct stat *st) { return chmod(path, st->st_mode & 07777) == 0; }
static bool changes_owner(const char *path, const struct stat *st) { return chown(path, st->st_uid, st->st_gid) == 0; }
static bool changes_times(const char *path, const struct stat *st)
{
	const struct timespec times[2] = {st->st_atim, st->st_mtim};
	return utimensat(AT_FDCWD, path, times, 0) == 0;
}

static enum verdict any_device(bool (*changes)(const char *path, const struct stat *st))
{
	enum verdict verdict = NOT_HERE;
	char link[32];
	struct stat st;
	for (int i = 0; i < DEVICES + 3; i++) {
		snprintf(link, sizeof link, "/dev/fd/%d", i - DEVICES);
		const char *path = i < DEVICES ? devices[i] : link;
		if (i < DEVICES ? stat(path, &st) < 0 : fstat(i - DEVICES, &st) < 0 || !is_shared(&st))
			continue;
		if (changes(path, &st))
			return OPEN;
		verdict = CLOSED;
	}
	return verdict;
}

static enum verdict device_mode(void) { return any_device(changes_mode); }
static enum verdict device_owner(void) { return any_device(changes_owner); }
static enum verdict device_times(void) { return any_device(changes_times); }

static enum verdict device_inherited(void)
{
	enum verdict verdict = NOT_HERE;
	struct stat st;
	for (int fd = 0; fd < 3; fd++) {
		if (fstat(fd, &st) < 0 || !is_shared(&st))
			continue;
		const struct timespec times[2] = {st.st_atim, st.st_mtim};
		if (fchmod(fd, st.st_mode & 07777) == 0 || fchown(fd, st.st_uid, st.st_gid) == 0 || futimens(fd, times) == 0)
			return OPEN;
		verdict = CLOSED;
	}
	return verdict;
}

static enum verdict loopback(void)
{
	struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	if (!port)
		return NOT_HERE;
	return connect(fd, (struct sockaddr *)&to, sizeof to) == 0 ? OPEN : CLOSED;
}

static enum verdict abstract_socket(void)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (!abstract)
		return NOT_HERE;
	strncpy(to.sun_path + 1, abstract, sizeof to.sun_path - 2);
	return connect(fd, (struct sockaddr *)&to,
			   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(abstract))) == 0
			   ? OPEN
			   : CLOSED;
}

#define TRY(name) \
	{ \
#name, name \
	}
static const struct {
	const char *name;
	enum verdict (*run)(void);
} attempts[] = {
	TRY(unshare_user),
	TRY(unshare_mount),
	TRY(unshare_pid),
	TRY(unshare_net),
	TRY(unshare_uts),
	TRY(unshare_ipc),
	TRY(unshare_cgroup),
	TRY(clone_user),
	TRY(clone3_user),
	TRY(setns_mount),
	TRY(setns_user),
	TRY(setns_pid),
	TRY(setns_own),
	TRY(uid_map),
	TRY(setgroups_allow),
	TRY(setgroups_call),
	TRY(mount_tmpfs),
	TRY(mount_bind),
	TRY(remount_writable),
	TRY(unmask),
	TRY(shared),
	TRY(pivot),
	TRY(open_tree),
	TRY(fsopen),
	TRY(fspick),
	TRY(fsmount),
	TRY(move_mount),
	TRY(mount_setattr),
	TRY(chroot_escape),
	TRY(root_of_init),
	TRY(dotdot),
	TRY(descriptors_init),
	TRY(descriptors_own),
	TRY(handle),
	TRY(node_disk),
	TRY(node_virtual_disk),
	TRY(node_memory),
	TRY(node_log),
	TRY(dev_mem),
	TRY(dev_kmsg),
	TRY(dev_fuse),
	TRY(dev_kvm),
	TRY(dev_tun),
	TRY(dev_disk),
	TRY(core_pattern),
	TRY(modprobe),
	TRY(hostname_file),
	TRY(last_pid),
	TRY(drop_caches),
	TRY(sysrq),
	TRY(affinity),
	TRY(uevent_helper),
	TRY(power),
	TRY(huge_pages),
	TRY(cgroup_procs),
	TRY(release_agent),
	TRY(kcore),
	TRY(keys),
	TRY(timers),
	TRY(firmware),
	TRY(acpi),
	TRY(addresses),
	TRY(memory_of_init),
	TRY(environment_of_init),
	TRY(program_of_init),
	TRY(own_program),
	TRY(score_of_init),
	TRY(score),
	TRY(trace_init),
	TRY(memory_by_call),
	TRY(sees_outside),
	TRY(keyctl),
	TRY(add_key),
	TRY(request_key),
	TRY(bpf),
	TRY(perf),
	TRY(userfault),
	TRY(uring),
	TRY(init_module),
	TRY(finit_module),
	TRY(delete_module),
	TRY(kexec),
	TRY(swap),
	TRY(account),
	TRY(quota),
	TRY(set_time),
	TRY(set_clock),
	TRY(reboot),
	TRY(set_name),
	TRY(set_domain),
	TRY(log_read),
	TRY(hang_up),
	TRY(fanotify),
	TRY(uselib),
	TRY(personality),
	TRY(move_pages),
#if defined(__x86_64__)
	TRY(iopl),
	TRY(ioperm),
	TRY(x32),
	TRY(int80),
#endif
	TRY(become_root),
	TRY(setuid_program),
	TRY(all_capabilities),
	TRY(terminal_input),
	TRY(terminal_input_wide),
	TRY(console_paste),
	TRY(device_mode),
	TRY(device_owner),
	TRY(device_times),
	TRY(device_inherited),
	TRY(vsock),
	TRY(crypto),
	TRY(bluetooth),
	TRY(can),
	TRY(raw_socket),
	TRY(packet_socket),
	TRY(loopback),
	TRY(abstract_socket),
};

/* An attempt whose process the kernel kills has failed. */
static enum verdict in_child(enum verdict (*run)(void))
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		alarm(5);
		_exit(run());
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return CLOSED;
	return (enum verdict)WEXITSTATUS(status);
}

int main(int argc, char **argv)
{
	static const char *const words[] = {"closed", "open", "n/a"};
	if (argc == 2 && strcmp(argv[1], "--who") == 0)
		return geteuid() == 0 ? 0 : 1;
	for (int i = 1; i + 1 < argc; i += 2) {
		if (strcmp(argv[i], "--port") == 0)
			port = atoi(argv[i + 1]);
		else if (strcmp(argv[i], "--only") == 0)
			only = argv[i + 1];
		else
			abstract = argv[i + 1];
	}
	/* Close inherited descriptors, since some attempts look for descriptors of other processes. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
		if (strncmp(attempts[i].name, only, strlen(only)) == 0)
			printf("%s %s\n", attempts[i].name, words[in_child(attempts[i].run)]);
	return 0;
}
