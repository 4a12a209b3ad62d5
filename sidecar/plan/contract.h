/* Generated from src/plan/schema.ts by scripts/gen.ts; change the table, not this file. */
#ifndef NSBOX_PLAN_CONTRACT_H
#define NSBOX_PLAN_CONTRACT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plan/field.h"

#define NSBOX_CONTRACT 2

extern const char contract_words[];

enum plan_namespaces_word {
	PLAN_NAMESPACES_USER = 1u << 0,
	PLAN_NAMESPACES_MOUNT = 1u << 1,
	PLAN_NAMESPACES_PID = 1u << 2,
	PLAN_NAMESPACES_IPC = 1u << 3,
	PLAN_NAMESPACES_UTS = 1u << 4,
	PLAN_NAMESPACES_CGROUP = 1u << 5,
	PLAN_NAMESPACES_NET = 1u << 6,
};
#define plan_namespaces_words (contract_words + 0)

enum idmap_by_word {
	IDMAP_BY_SELF = 0,
	IDMAP_BY_PARENT = 1,
	IDMAP_BY_HELPER = 2,
};
#define idmap_by_words (contract_words + 35)

enum filesystem_type_word {
	FILESYSTEM_TYPE_SQUASHFS = 0,
	FILESYSTEM_TYPE_EROFS = 1,
	FILESYSTEM_TYPE_EXT4 = 2,
};
#define filesystem_type_words (contract_words + 55)

enum helper_part_word {
	HELPER_PART_NET = 0,
	HELPER_PART_HIDE = 1,
	HELPER_PART_TRACE = 2,
};
#define helper_part_words (contract_words + 76)

enum helper_ends_word {
	HELPER_ENDS_NOTHING = 0,
	HELPER_ENDS_BOX = 1,
};
#define helper_ends_words (contract_words + 92)

#define process_capabilities_words (contract_words + 105)

enum process_landlock_word {
	PROCESS_LANDLOCK_ABSTRACT = 1u << 0,
	PROCESS_LANDLOCK_SIGNALS = 1u << 1,
	PROCESS_LANDLOCK_TRACE = 1u << 2,
};
#define process_landlock_words (contract_words + 527)

enum process_reset_signals_word {
	PROCESS_RESET_SIGNALS_PIPE = 1u << 0,
	PROCESS_RESET_SIGNALS_XFSZ = 1u << 1,
};
#define process_reset_signals_words (contract_words + 551)

enum limit_resource_word {
	LIMIT_RESOURCE_AS = 0,
	LIMIT_RESOURCE_CORE = 1,
	LIMIT_RESOURCE_CPU = 2,
	LIMIT_RESOURCE_DATA = 3,
	LIMIT_RESOURCE_FSIZE = 4,
	LIMIT_RESOURCE_LOCKS = 5,
	LIMIT_RESOURCE_MEMLOCK = 6,
	LIMIT_RESOURCE_MSGQUEUE = 7,
	LIMIT_RESOURCE_NICE = 8,
	LIMIT_RESOURCE_NOFILE = 9,
	LIMIT_RESOURCE_NPROC = 10,
	LIMIT_RESOURCE_RSS = 11,
	LIMIT_RESOURCE_RTPRIO = 12,
	LIMIT_RESOURCE_RTTIME = 13,
	LIMIT_RESOURCE_SIGPENDING = 14,
	LIMIT_RESOURCE_STACK = 15,
};
#define limit_resource_words (contract_words + 562)

enum supervision_errors_word {
	SUPERVISION_ERRORS_STDERR = 0,
	SUPERVISION_ERRORS_STATUS = 1,
};
#define supervision_errors_words (contract_words + 662)

enum root_options_word {
	ROOT_OPTIONS_RO = 1u << 0,
	ROOT_OPTIONS_NOSUID = 1u << 1,
	ROOT_OPTIONS_NODEV = 1u << 2,
	ROOT_OPTIONS_NOEXEC = 1u << 3,
};
#define root_options_words (contract_words + 677)

enum root_type {
	ROOT_DIRECTORY = 0,
	ROOT_LAYERS = 1,
	ROOT_EMPTY = 2,
};
struct root {
	unsigned type; /* enum root_type */
	const char *path;
	bool view;
	uint64_t options;
	char **lowers; size_t lowers_count;
	struct filesystem *filesystems; size_t filesystems_count;
	const char *state;
	const char *scratch;
	const char *image;
	int64_t size;
	unsigned mode;
};

enum mount_type {
	MOUNT_BIND = 0,
	MOUNT_TMPFS = 1,
	MOUNT_PROC = 2,
	MOUNT_DEV = 3,
	MOUNT_OVERLAY = 4,
	MOUNT_DIR = 5,
	MOUNT_SYMLINK = 6,
	MOUNT_MASK = 7,
	MOUNT_HIDE = 8,
	MOUNT_SOCKETS = 9,
	MOUNT_PROTECT = 10,
	MOUNT_VIEW = 11,
	MOUNT_STASH = 12,
	MOUNT_PIN = 13,
	MOUNT_SYSFS = 14,
	MOUNT_CGROUP = 15,
	MOUNT_FILE = 16,
};
struct mount {
	unsigned type; /* enum mount_type */
	const char *source;
	const char *target;
	uint64_t options;
	bool optional;
	int64_t size;
	unsigned mode;
	const char *lower;
	const char *state;
	const char *to;
	bool kernel;
	bool closed;
	const char *from;
	char **patterns; size_t patterns_count;
	bool required;
	char **allowed; size_t allowed_count;
	const char *text;
};

struct supervision {
	bool init; /* Run an init as process 1 that reaps and forwards signals; without it the command is process 1. */
	int64_t timeout; /* Milliseconds after which the command gets TERM; 0 is no limit. */
	int64_t grace; /* Milliseconds after TERM until all that is left is killed. */
	bool die_with_parent; /* Kill the box when the process that started nsbox ends. */
	int64_t status_fd; /* Descriptor to which events are written as JSON lines. */
	int64_t gate_fd; /* Descriptor on which the box waits when all is set up, before its command is executed ("ready" on the status descriptor): one byte lets it go on, and its end without one ends the box. */
	bool verbose; /* Print each phase with its time on stderr. */
	bool quiet; /* Print no warnings and no hints. */
	unsigned errors; /* Where a failure of nsbox itself is reported: on stderr, or on the status descriptor alone. */
};

struct limit {
	unsigned resource; /* Which limit. */
	int64_t soft; /* Soft limit; -1 is no limit. */
	int64_t hard; /* Hard limit; absent: as it is. */
};

struct env {
	bool inherit; /* Start from the environment of the sidecar. */
	char **pass; size_t pass_count; /* Names of variables to take from it where it is not inherited. */
	char **unset; size_t unset_count; /* Variables to remove from it. */
	char **set; size_t set_count; /* NAME=VALUE entries to add, in order. */
};

struct seccomp {
	const char *from; /* What the filter was made from: "default", "default with user namespaces" or a file; each also "with fake root", or "and fake root". */
	const char *filter; /* Array of struct sock_filter, as this machine has it; seccomp(2). */
};

struct process {
	char **argv; size_t argv_count; /* The command and its arguments. */
	const char *program; /* What to execute, where it is not argv[0]. Without a slash it is looked for in the PATH of the box. */
	struct env *env; /* Environment. */
	const char *cwd; /* Working directory in the box; absent: "/". */
	bool cwd_of_host; /* cwd is a directory of the host: the command starts there only if the box shows that very directory. */
	bool cwd_of_caller; /* The same for the directory that the plan is run from; cwd is then absent. */
	const char *cwd_fallback; /* Where the command starts if the box doesn't show that directory, or "/" if it lacks this one too; absent: that is an error. */
	int64_t uid; /* User id in the box; absent: as it is. */
	int64_t gid; /* Group id in the box; absent: as it is. */
	bool drop_groups; /* Drop all supplementary groups. */
	uint32_t *groups; size_t groups_count; /* Supplementary groups in the box, in place of all others. */
	uint64_t capabilities; /* Capabilities that the command may have at most; absent: none. */
	bool no_new_privs; /* Set no_new_privs: setuid programs and file capabilities give nothing. */
	struct seccomp *seccomp; /* The filter of system calls; absent: none. */
	uint64_t landlock; /* What Landlock closes: abstract Unix sockets that others listen on and signals to processes outside the box (both from Linux 6.12 on), and tracing of processes that this command did not start ("trace", from Linux 5.19 on). */
	struct limit *limits; size_t limits_count; /* Resource limits, setrlimit(2). */
	uint32_t *keep_fds; size_t keep_fds_count; /* Open descriptors of the caller that the command gets too, under the same numbers, each named once. */
	uint64_t reset_signals; /* Signals whose disposition goes back to the default. */
	bool new_session; /* Run in a session of its own, setsid(2). */
	bool pause; /* Execute nothing: a process with the privileges of a command waits in its place, so that the box stays for commands that enter it. */
};

struct cgroup {
	int64_t memory; /* Bytes of memory, and no swap; absent: no limit. */
	int64_t cpu_quota; /* Microseconds of processor time in each period, of all processors together; absent: no limit. */
	int64_t cpu_period; /* Microseconds of a period. */
	int64_t pids; /* Processes and threads, the init of the box among them; absent: no limit. */
};

struct helper {
	const char *program; /* File on the host to execute. It gets the environment of the sidecar, a session of its own, standard error, descriptor 3, to which it writes a byte when it is ready, descriptor 4, the directory of the first process of the box in /proc, and, where there is one, the status descriptor as 5. */
	unsigned part; /* In place of program: a program of nsbox itself, which the sidecar has in its own executable, or beside it as nsbox-PART. */
	char **argv; size_t argv_count; /* Its name and its arguments. */
	unsigned ends; /* What its end ends, once it is ready. */
};

struct inner {
	const char *path; /* Path of the file from the top; no link is followed. */
	unsigned type; /* Which file system is in it. */
};

struct filesystem {
	const char *path; /* File on the host. */
	unsigned type; /* Which file system is in it; ext4 also reads ext2 and ext3. */
	int64_t offset; /* Byte of the file where it begins; absent: its first. */
	int64_t size; /* Its bytes; 0 or absent: all to the file's end. */
	struct inner *inner; /* The file system that shows is one in a file of this one. */
};

struct idrange {
	int64_t inside; /* First id in the box. */
	int64_t outside; /* First id outside of it. */
	int64_t count; /* Number of ids. */
};

struct idmap {
	unsigned by; /* What writes the maps: the box itself (its own id only), the process that made it (privileged), or newuidmap and newgidmap. */
	struct idrange *uid; size_t uid_count; /* User id ranges. */
	struct idrange *gid; size_t gid_count; /* Group id ranges. */
	bool setgroups; /* Leave setgroups(2) allowed in the box; never with "self". */
};

struct enter {
	int64_t pid; /* A process of the box, by its number outside. */
	int64_t started; /* When it was started, in ticks since the boot: field 22 of /proc/PID/stat, proc(5). A process that got the number later is not entered. */
};

struct plan {
	int64_t contract; /* Number of this contract. */
	const char *name; /* What nsbox ps and nsbox enter call the box. Two boxes may have the same. */
	uint64_t namespaces; /* Namespaces that are the box's own, made or entered; "mount" always is. */
	struct idmap *idmap; /* Id maps of the new user namespace. */
	struct enter *enter; /* The running box that the command is started in; then nothing is made, the command leads a process group of its own, and root, mounts, idmap, hostname, loopback, ping and lowPorts are absent. */
	struct root *root; /* What the box sees as its root directory; there unless enter is. */
	struct mount *mounts; size_t mounts_count; /* What is mounted or made in the root, in this order. */
	char **own; size_t own_count; /* Directories of nsbox itself on the host. Where the box could write to one, or to a directory above it, it becomes read-only and can't be moved; a missing one is made, empty. */
	bool take_back; /* Remove what was made for this box in its root, such as mount points, when the box has ended and nobody uses it. */
	bool no_follow; /* Refuse paths of the host with a symbolic link in them. */
	const char *hostname; /* Host name of the new uts namespace. */
	bool loopback; /* Bring up lo in the new net namespace. */
	bool ping; /* Let all groups that are mapped in the box open ICMP sockets in the new net namespace, as ping does: net.ipv4.ping_group_range. */
	bool low_ports; /* Let everybody listen on ports below 1024 in the new net namespace: net.ipv4.ip_unprivileged_port_start. */
	struct cgroup *cgroup; /* A control group (version 2) of its own for the box, made where the caller may make one. */
	struct helper *helpers; size_t helpers_count; /* Programs that are started outside of the box, in this order, when its namespaces are there. The command is not executed before all of them are ready; they end with the box. */
	struct process *process; /* The command and what it gets. */
	struct supervision *supervision; /* How the box is watched and reported. */
};

#ifdef NSBOX_CONTRACT_FIELDS

enum { PLAN_OBJECT = 0 };

static const struct field contract_fields[] = {
	/* plan */
	{"contract", KIND_INT, offsetof(struct plan, contract), .required = true, .min = 2LL, .max = 2LL, .absent = 0LL},
	{"name", KIND_STRING, offsetof(struct plan, name), .min = 1, .max = 64, .path = false, .host = false},
	{"namespaces", KIND_FLAGS, offsetof(struct plan, namespaces), .required = true, .of = 0},
	{"idmap", KIND_OBJECT, offsetof(struct plan, idmap), .of = 2},
	{"enter", KIND_OBJECT, offsetof(struct plan, enter), .of = 1},
	{"root", KIND_VARIANT, offsetof(struct plan, root), .of = 0},
	{"mounts", KIND_VARIANTS, offsetof(struct plan, mounts), .max = 100000, .of = 1},
	{"own", KIND_STRINGS, offsetof(struct plan, own), .min = 0, .max = 0, .path = true, .host = false, .assignment = false},
	{"takeBack", KIND_BOOL, offsetof(struct plan, take_back), .required = false},
	{"noFollow", KIND_BOOL, offsetof(struct plan, no_follow), .required = false},
	{"hostname", KIND_STRING, offsetof(struct plan, hostname), .min = 1, .max = 64, .path = false, .host = false},
	{"loopback", KIND_BOOL, offsetof(struct plan, loopback), .required = false},
	{"ping", KIND_BOOL, offsetof(struct plan, ping), .required = false},
	{"lowPorts", KIND_BOOL, offsetof(struct plan, low_ports), .required = false},
	{"cgroup", KIND_OBJECT, offsetof(struct plan, cgroup), .of = 7},
	{"helpers", KIND_OBJECTS, offsetof(struct plan, helpers), .min = 0, .max = 16, .of = 6},
	{"process", KIND_OBJECT, offsetof(struct plan, process), .required = true, .of = 8},
	{"supervision", KIND_OBJECT, offsetof(struct plan, supervision), .of = 12},
	/* enter */
	{"pid", KIND_INT, offsetof(struct enter, pid), .required = true, .min = 1LL, .max = 4194304LL, .absent = 0LL},
	{"started", KIND_INT, offsetof(struct enter, started), .required = true, .min = 0LL, .max = 9007199254740991LL, .absent = 0LL},
	/* idmap */
	{"by", KIND_ENUM, offsetof(struct idmap, by), .required = true, .of = 35, .absent = 0},
	{"uid", KIND_OBJECTS, offsetof(struct idmap, uid), .required = true, .min = 1, .max = 340, .of = 3},
	{"gid", KIND_OBJECTS, offsetof(struct idmap, gid), .required = true, .min = 1, .max = 340, .of = 3},
	{"setgroups", KIND_BOOL, offsetof(struct idmap, setgroups), .required = false},
	/* idrange */
	{"inside", KIND_INT, offsetof(struct idrange, inside), .required = true, .min = 0LL, .max = 4294967294LL, .absent = 0LL},
	{"outside", KIND_INT, offsetof(struct idrange, outside), .required = true, .min = 0LL, .max = 4294967294LL, .absent = 0LL},
	{"count", KIND_INT, offsetof(struct idrange, count), .required = true, .min = 1LL, .max = 4294967295LL, .absent = 0LL},
	/* filesystem */
	{"path", KIND_STRING, offsetof(struct filesystem, path), .required = true, .min = 0, .max = 0, .path = false, .host = true},
	{"type", KIND_ENUM, offsetof(struct filesystem, type), .required = true, .of = 55, .absent = 0},
	{"offset", KIND_INT, offsetof(struct filesystem, offset), .min = 0LL, .max = 9007199254740991LL, .absent = 0LL},
	{"size", KIND_INT, offsetof(struct filesystem, size), .min = 0LL, .max = 9007199254740991LL, .absent = 0LL},
	{"inner", KIND_OBJECT, offsetof(struct filesystem, inner), .of = 5},
	/* inner */
	{"path", KIND_STRING, offsetof(struct inner, path), .required = true, .min = 1, .max = 0, .path = false, .host = false},
	{"type", KIND_ENUM, offsetof(struct inner, type), .required = true, .of = 55, .absent = 0},
	/* helper */
	{"program", KIND_STRING, offsetof(struct helper, program), .min = 0, .max = 0, .path = false, .host = true},
	{"part", KIND_ENUM, offsetof(struct helper, part), .of = 76, .absent = -1},
	{"argv", KIND_STRINGS, offsetof(struct helper, argv), .required = true, .min = 1, .max = 0, .path = false, .host = false, .assignment = false},
	{"ends", KIND_ENUM, offsetof(struct helper, ends), .of = 92, .absent = 0},
	/* cgroup */
	{"memory", KIND_INT, offsetof(struct cgroup, memory), .min = 1LL, .max = 9007199254740991LL, .absent = 0LL},
	{"cpuQuota", KIND_INT, offsetof(struct cgroup, cpu_quota), .min = 1000LL, .max = 8192000000LL, .absent = 0LL},
	{"cpuPeriod", KIND_INT, offsetof(struct cgroup, cpu_period), .min = 1000LL, .max = 1000000LL, .absent = 100000LL},
	{"pids", KIND_INT, offsetof(struct cgroup, pids), .min = 1LL, .max = 4194304LL, .absent = 0LL},
	/* process */
	{"argv", KIND_STRINGS, offsetof(struct process, argv), .required = true, .min = 1, .max = 0, .path = false, .host = false, .assignment = false},
	{"program", KIND_STRING, offsetof(struct process, program), .min = 1, .max = 0, .path = false, .host = false},
	{"env", KIND_OBJECT, offsetof(struct process, env), .of = 10},
	{"cwd", KIND_STRING, offsetof(struct process, cwd), .min = 0, .max = 0, .path = true, .host = false},
	{"cwdOfHost", KIND_BOOL, offsetof(struct process, cwd_of_host), .required = false},
	{"cwdOfCaller", KIND_BOOL, offsetof(struct process, cwd_of_caller), .required = false},
	{"cwdFallback", KIND_STRING, offsetof(struct process, cwd_fallback), .min = 0, .max = 0, .path = true, .host = false},
	{"uid", KIND_INT, offsetof(struct process, uid), .min = 0LL, .max = 4294967294LL, .absent = -1LL},
	{"gid", KIND_INT, offsetof(struct process, gid), .min = 0LL, .max = 4294967294LL, .absent = -1LL},
	{"dropGroups", KIND_BOOL, offsetof(struct process, drop_groups), .required = false},
	{"groups", KIND_IDS, offsetof(struct process, groups), .min = 1, .max = 65536},
	{"capabilities", KIND_FLAGS, offsetof(struct process, capabilities), .of = 105},
	{"noNewPrivs", KIND_BOOL, offsetof(struct process, no_new_privs), .required = false},
	{"seccomp", KIND_OBJECT, offsetof(struct process, seccomp), .of = 9},
	{"landlock", KIND_FLAGS, offsetof(struct process, landlock), .of = 527},
	{"limits", KIND_OBJECTS, offsetof(struct process, limits), .min = 0, .max = 16, .of = 11},
	{"keepFds", KIND_IDS, offsetof(struct process, keep_fds), .min = 1, .max = 256},
	{"resetSignals", KIND_FLAGS, offsetof(struct process, reset_signals), .of = 551},
	{"newSession", KIND_BOOL, offsetof(struct process, new_session), .required = false},
	{"pause", KIND_BOOL, offsetof(struct process, pause), .required = false},
	/* seccomp */
	{"from", KIND_STRING, offsetof(struct seccomp, from), .required = true, .min = 1, .max = 0, .path = false, .host = false},
	{"filter", KIND_BASE64, offsetof(struct seccomp, filter), .required = true, .min = 8, .max = 32768},
	/* env */
	{"inherit", KIND_BOOL, offsetof(struct env, inherit), .required = false},
	{"pass", KIND_STRINGS, offsetof(struct env, pass), .min = 0, .max = 0, .path = false, .host = false, .assignment = false},
	{"unset", KIND_STRINGS, offsetof(struct env, unset), .min = 0, .max = 0, .path = false, .host = false, .assignment = false},
	{"set", KIND_STRINGS, offsetof(struct env, set), .min = 0, .max = 0, .path = false, .host = false, .assignment = true},
	/* limit */
	{"resource", KIND_ENUM, offsetof(struct limit, resource), .required = true, .of = 562, .absent = 0},
	{"soft", KIND_INT, offsetof(struct limit, soft), .required = true, .min = -1LL, .max = 9007199254740991LL, .absent = 0LL},
	{"hard", KIND_INT, offsetof(struct limit, hard), .min = -1LL, .max = 9007199254740991LL, .absent = -2LL},
	/* supervision */
	{"init", KIND_BOOL, offsetof(struct supervision, init), .required = false},
	{"timeout", KIND_INT, offsetof(struct supervision, timeout), .min = 0LL, .max = 2199023255552LL, .absent = 0LL},
	{"grace", KIND_INT, offsetof(struct supervision, grace), .min = 0LL, .max = 2199023255552LL, .absent = 0LL},
	{"dieWithParent", KIND_BOOL, offsetof(struct supervision, die_with_parent), .required = false},
	{"statusFd", KIND_INT, offsetof(struct supervision, status_fd), .min = 0LL, .max = 1048576LL, .absent = -1LL},
	{"gateFd", KIND_INT, offsetof(struct supervision, gate_fd), .min = 3LL, .max = 1048576LL, .absent = -1LL},
	{"verbose", KIND_BOOL, offsetof(struct supervision, verbose), .required = false},
	{"quiet", KIND_BOOL, offsetof(struct supervision, quiet), .required = false},
	{"errors", KIND_ENUM, offsetof(struct supervision, errors), .of = 662, .absent = 0},
	/* root_directory */
	{"path", KIND_STRING, offsetof(struct root, path), .required = true, .min = 0, .max = 0, .path = false, .host = true},
	{"view", KIND_BOOL, offsetof(struct root, view), .required = false},
	{"options", KIND_FLAGS, offsetof(struct root, options), .of = 677},
	/* root_layers */
	{"lowers", KIND_STRINGS, offsetof(struct root, lowers), .required = true, .min = 0, .max = 500, .path = false, .host = true, .assignment = false},
	{"filesystems", KIND_OBJECTS, offsetof(struct root, filesystems), .min = 0, .max = 64, .of = 4},
	{"state", KIND_STRING, offsetof(struct root, state), .min = 0, .max = 0, .path = false, .host = true},
	{"scratch", KIND_STRING, offsetof(struct root, scratch), .min = 0, .max = 0, .path = false, .host = true},
	{"image", KIND_STRING, offsetof(struct root, image), .min = 1, .max = 0, .path = false, .host = false},
	{"options", KIND_FLAGS, offsetof(struct root, options), .of = 677},
	/* root_empty */
	{"size", KIND_INT, offsetof(struct root, size), .min = 0LL, .max = 9007199254740991LL, .absent = 0LL},
	{"mode", KIND_MODE, offsetof(struct root, mode), .absent = 00755},
	{"options", KIND_FLAGS, offsetof(struct root, options), .of = 677},
	/* mount_bind */
	{"source", KIND_STRING, offsetof(struct mount, source), .required = true, .min = 0, .max = 0, .path = false, .host = true},
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"options", KIND_FLAGS, offsetof(struct mount, options), .of = 677},
	{"optional", KIND_BOOL, offsetof(struct mount, optional), .required = false},
	/* mount_tmpfs */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"size", KIND_INT, offsetof(struct mount, size), .min = 0LL, .max = 9007199254740991LL, .absent = 0LL},
	{"mode", KIND_MODE, offsetof(struct mount, mode), .absent = 01777},
	{"options", KIND_FLAGS, offsetof(struct mount, options), .of = 677},
	/* mount_proc */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"options", KIND_FLAGS, offsetof(struct mount, options), .of = 677},
	/* mount_dev */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	/* mount_overlay */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"lower", KIND_STRING, offsetof(struct mount, lower), .required = true, .min = 0, .max = 0, .path = false, .host = true},
	{"state", KIND_STRING, offsetof(struct mount, state), .min = 0, .max = 0, .path = false, .host = true},
	{"options", KIND_FLAGS, offsetof(struct mount, options), .of = 677},
	/* mount_dir */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"mode", KIND_MODE, offsetof(struct mount, mode), .absent = 00755},
	/* mount_symlink */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"to", KIND_STRING, offsetof(struct mount, to), .required = true, .min = 1, .max = 0, .path = false, .host = false},
	/* mount_mask */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"kernel", KIND_BOOL, offsetof(struct mount, kernel), .required = false},
	{"optional", KIND_BOOL, offsetof(struct mount, optional), .required = false},
	{"closed", KIND_BOOL, offsetof(struct mount, closed), .required = false},
	/* mount_hide */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"from", KIND_STRING, offsetof(struct mount, from), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"patterns", KIND_STRINGS, offsetof(struct mount, patterns), .required = true, .min = 1, .max = 4096, .path = false, .host = false, .assignment = false},
	{"closed", KIND_BOOL, offsetof(struct mount, closed), .required = false},
	{"required", KIND_BOOL, offsetof(struct mount, required), .required = false},
	/* mount_sockets */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"from", KIND_STRING, offsetof(struct mount, from), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"allowed", KIND_STRINGS, offsetof(struct mount, allowed), .min = 0, .max = 4096, .path = true, .host = false, .assignment = false},
	/* mount_protect */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"kernel", KIND_BOOL, offsetof(struct mount, kernel), .required = false},
	{"optional", KIND_BOOL, offsetof(struct mount, optional), .required = false},
	/* mount_view */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	/* mount_stash */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	/* mount_pin */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"from", KIND_STRING, offsetof(struct mount, from), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	{"optional", KIND_BOOL, offsetof(struct mount, optional), .required = false},
	/* mount_sysfs */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	/* mount_cgroup */
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
	/* mount_file */
	{"source", KIND_STRING, offsetof(struct mount, source), .min = 0, .max = 0, .path = false, .host = true},
	{"text", KIND_STRING, offsetof(struct mount, text), .min = 0, .max = 0, .path = false, .host = false},
	{"target", KIND_STRING, offsetof(struct mount, target), .required = true, .min = 0, .max = 0, .path = true, .host = false},
};

static const struct object contract_objects[] = {
	{0, 18, sizeof(struct plan)}, /* plan */
	{18, 2, sizeof(struct enter)}, /* enter */
	{20, 4, sizeof(struct idmap)}, /* idmap */
	{24, 3, sizeof(struct idrange)}, /* idrange */
	{27, 5, sizeof(struct filesystem)}, /* filesystem */
	{32, 2, sizeof(struct inner)}, /* inner */
	{34, 4, sizeof(struct helper)}, /* helper */
	{38, 4, sizeof(struct cgroup)}, /* cgroup */
	{42, 20, sizeof(struct process)}, /* process */
	{62, 2, sizeof(struct seccomp)}, /* seccomp */
	{64, 4, sizeof(struct env)}, /* env */
	{68, 3, sizeof(struct limit)}, /* limit */
	{71, 9, sizeof(struct supervision)}, /* supervision */
	{80, 3, sizeof(struct root)}, /* root_directory */
	{83, 6, sizeof(struct root)}, /* root_layers */
	{89, 3, sizeof(struct root)}, /* root_empty */
	{92, 4, sizeof(struct mount)}, /* mount_bind */
	{96, 4, sizeof(struct mount)}, /* mount_tmpfs */
	{100, 2, sizeof(struct mount)}, /* mount_proc */
	{102, 1, sizeof(struct mount)}, /* mount_dev */
	{103, 4, sizeof(struct mount)}, /* mount_overlay */
	{107, 2, sizeof(struct mount)}, /* mount_dir */
	{109, 2, sizeof(struct mount)}, /* mount_symlink */
	{111, 4, sizeof(struct mount)}, /* mount_mask */
	{115, 5, sizeof(struct mount)}, /* mount_hide */
	{120, 3, sizeof(struct mount)}, /* mount_sockets */
	{123, 3, sizeof(struct mount)}, /* mount_protect */
	{126, 1, sizeof(struct mount)}, /* mount_view */
	{127, 1, sizeof(struct mount)}, /* mount_stash */
	{128, 3, sizeof(struct mount)}, /* mount_pin */
	{131, 1, sizeof(struct mount)}, /* mount_sysfs */
	{132, 1, sizeof(struct mount)}, /* mount_cgroup */
	{133, 3, sizeof(struct mount)}, /* mount_file */
};

static const struct variants contract_variants[] = {
	{701, 13, sizeof(struct root), offsetof(struct root, type)}, /* root */
	{725, 16, sizeof(struct mount), offsetof(struct mount, type)}, /* mount */
};

const char contract_words[] =
	"user\0mount\0pid\0ipc\0uts\0cgroup\0net\0" "\0"
	"self\0parent\0helper\0" "\0"
	"squashfs\0erofs\0ext4\0" "\0"
	"net\0hide\0trace\0" "\0"
	"nothing\0box\0" "\0"
	"chown\0dac_override\0dac_read_search\0fowner\0fsetid\0kill\0setgid\0setuid\0setpcap\0linux_immutable\0net_bind_service\0net_broadcast\0net_admin\0net_raw\0ipc_lock\0ipc_owner\0sys_module\0sys_rawio\0sys_chroot\0sys_ptrace\0sys_pacct\0sys_admin\0sys_boot\0sys_nice\0sys_resource\0sys_time\0sys_tty_config\0mknod\0lease\0audit_write\0audit_control\0setfcap\0mac_override\0mac_admin\0syslog\0wake_alarm\0block_suspend\0audit_read\0perfmon\0bpf\0checkpoint_restore\0" "\0"
	"abstract\0signals\0trace\0" "\0"
	"PIPE\0XFSZ\0" "\0"
	"as\0core\0cpu\0data\0fsize\0locks\0memlock\0msgqueue\0nice\0nofile\0nproc\0rss\0rtprio\0rttime\0sigpending\0stack\0" "\0"
	"stderr\0status\0" "\0"
	"ro\0nosuid\0nodev\0noexec\0" "\0"
	"directory\0layers\0empty\0" "\0"
	"bind\0tmpfs\0proc\0dev\0overlay\0dir\0symlink\0mask\0hide\0sockets\0protect\0view\0stash\0pin\0sysfs\0cgroup\0file\0" "\0";

#endif

#endif
