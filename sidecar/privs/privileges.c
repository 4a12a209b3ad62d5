#include "privs/privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/report.h"

#ifndef PR_CAP_AMBIENT
#define PR_CAP_AMBIENT 47
#define PR_CAP_AMBIENT_RAISE 2
#define PR_CAP_AMBIENT_CLEAR_ALL 4
#endif

static uint64_t forbidden;
static bool shared;

void privileges_forbid(uint64_t capabilities) { forbidden |= capabilities; }

/* EINVAL ends the loop: this kernel knows no higher capability. */
void privileges_bound(const struct process *process)
{
	const uint64_t kept = process->capabilities & ~forbidden;
	for (int n = 0; n < 64; n++) {
		if (kept >> n & 1 || prctl(PR_CAPBSET_DROP, n, 0, 0, 0) == 0)
			continue;
		if (errno == EINVAL)
			return;
		/* Dropping takes cap_setpcap. Without it, a capability that isn't in the set needs no drop. */
		if (prctl(PR_CAPBSET_READ, n, 0, 0, 0) != 0)
			fail("drop from the capability bounding set", word_at(process_capabilities_words, (unsigned)n));
	}
}

/*
 * Whether setgroups(2) failed because the user namespace denies it, as in a box in another box: there no process can
 * drop a group, whatever its capabilities. The groups that stay are the outer world's, and mean what they mean there.
 */
static bool groups_are_fixed(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	return errno == EPERM && syscall(SYS_capget, &header, data) == 0 && (data[0].effective >> CAP_SETGID & 1);
}

/*
 * System calls, since the C library's functions signal all threads, and we may share memory with another process
 * (vfork).
 */
static void set_ids(const struct process *process)
{
	static const char not_mapped[] = "the id is not mapped in the box";
	if ((process->drop_groups || process->groups) &&
		syscall(SYS_setgroups, process->groups_count, process->groups) < 0 && (process->groups || !groups_are_fixed()))
		fail_hint("set supplementary groups", NULL, errno == EINVAL ? not_mapped : NULL);
	if (process->gid >= 0 && syscall(SYS_setresgid, process->gid, process->gid, process->gid) < 0)
		fail_hint("set group id", NULL, errno == EINVAL ? not_mapped : NULL);
	if (process->uid >= 0 && syscall(SYS_setresuid, process->uid, process->uid, process->uid) < 0)
		fail_hint("set user id", NULL, errno == EINVAL ? not_mapped : NULL);
}

/*
 * Sets the permitted, effective, inheritable and ambient set. Root gets its capabilities at execve from the bounding
 * set, and inheritable ones would only leak (CVE-2022-29162). Every other user keeps them by the ambient set alone,
 * which must be inheritable too.
 */
static void set_capabilities(uint64_t kept, uint64_t until_exec)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];
	bool root = geteuid() == 0;
	if (syscall(SYS_capget, &header, data) < 0)
		fail("read capabilities", NULL);
	for (int half = 0; half < 2; half++) {
		data[half].permitted &= (uint32_t)((kept | until_exec) >> 32 * half);
		data[half].effective = data[half].permitted;
		data[half].inheritable = root ? 0 : data[half].permitted & (uint32_t)(kept >> 32 * half);
	}
	if (syscall(SYS_capset, &header, data) < 0)
		fail("set capabilities", NULL);
	/* EINVAL: the ambient set came with Linux 4.3. */
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0 && errno != EINVAL)
		fail("clear ambient capabilities", NULL);
	for (int n = 0; n < 64 && !root; n++)
		if (data[n / 32].inheritable >> n % 32 & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, n, 0, 0) < 0)
			fail("raise ambient capability", NULL);
}

void privileges_pass_on(uint64_t capabilities) { set_capabilities(capabilities, 0); }

static void set_no_new_privs(void)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		fail("set no_new_privs", NULL);
}

void privileges_share_no_new(void)
{
	set_no_new_privs();
	shared = true;
}

void privileges_drop(const struct process *process, uint64_t until_exec)
{
	if (process->uid > 0 && (process->capabilities | until_exec) && prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0)
		fail("keep capabilities", NULL);
	set_ids(process);
	set_capabilities(process->capabilities & ~forbidden, until_exec & ~forbidden);
	if (process->no_new_privs && !shared)
		set_no_new_privs();
}
