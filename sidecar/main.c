/*
 * nsbox-sidecar: carries a plan out. It decides nothing: the plan has all decisions, and the phases below are all that
 * it does, in their order.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/descriptor.h"
#include "base/host.h"
#include "base/line.h"
#include "base/report.h"
#include "fs/base_dir.h"
#include "fs/cwd.h"
#include "fs/filesystem.h"
#include "fs/hide.h"
#include "fs/inherited.h"
#include "fs/inroot.h"
#include "fs/mask.h"
#include "fs/mount.h"
#include "fs/overlay.h"
#include "fs/own.h"
#include "fs/own_ancestors.h"
#include "fs/rollback.h"
#include "fs/root.h"
#include "fs/staging.h"
#include "fs/take_back.h"
#include "fs/tree.h"
#include "fs/view.h"
#include "namespaces/net.h"
#include "namespaces/uts.h"
#include "plan/invocation.h"
#include "plan/plan.h"
#include "plan/plan_source.h"
#include "privs/cgroup.h"
#include "privs/idmap.h"
#include "privs/landlock.h"
#include "privs/limits.h"
#include "privs/privileges.h"
#include "process/caller_descriptors.h"
#include "process/die_with_parent.h"
#include "process/enter.h"
#include "process/exec.h"
#include "process/exec_filtered.h"
#include "process/foreground.h"
#include "process/helper.h"
#include "process/init.h"
#include "process/release.h"
#include "process/sealed.h"
#include "process/spawn.h"
#include "process/supervise.h"
#include "process/watchdog.h"

static const struct plan *decode(const char *text, size_t length)
{
	static struct arena arena;
	struct plan_error error;
	const struct plan *plan;
	if (!plan_decode(text, length, &arena, &plan, &error))
		fail_plain(error.message, *error.pointer ? error.pointer : NULL);
	return plan;
}

static void cut_propagation(void)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		fail_hint("make mounts private", "/",
			errno != EINVAL
				? NULL
				: "the root directory here is no mount point (a chroot): bind it onto itself first, mount --rbind DIR DIR");
}

static void build_root(const struct plan *plan, bool old_mount_api)
{
	report_phase(STEP_PROPAGATION);
	cut_propagation();
	report_phase(STEP_SOURCES);
	tree_set_up(old_mount_api);
	if (old_mount_api)
		inroot_force_walk();
	mounts_raise_limit(plan);
	mask_set_one_id(plan->idmap && plan->idmap->by == IDMAP_BY_SELF);
	/* Open all files of the host that the box needs, before the first mount hides some of them. */
	root_open_sources(plan->root);
	mounts_open_sources(plan);
	own_ancestors_find(plan);
	report_phase(STEP_ROOT);
	staging_open(mounts_need_scratch(plan));
	report_on_failure(root_unseal);
	int root = root_attach(plan->root);
	report_phase(STEP_MOUNTS);
	mounts_apply(plan);
	own_protect(plan);
	view_seal_all();
	inherited_renew();
	root_seal(plan->root, root);
	report_phase(STEP_SWITCH_ROOT);
	root_switch(root);
}

/* Sets up a new box; a command that enters one does without. */
static void make_box(const struct plan *plan, const struct invocation *invocation, int link)
{
	if (plan->idmap) {
		report_phase(STEP_ID_MAPS);
		idmap_get(plan->idmap, link);
	}
	/*
	 * Now, while the host's /proc is there: the box may have no /proc, and the settings in its own one are read-only.
	 */
	if (plan->ping || plan->low_ports) {
		report_phase(STEP_NETWORK_SETTINGS);
		net_open_up(plan->ping, plan->low_ports);
	}
	mode_t caller_mask = umask(0);
	/* Mount points in a root of the caller's own stay. */
	rollback_set_flags(plan->take_back ? 0 : CHANNEL_MADE_STAYS);
	build_root(plan, invocation->old_mount_api);
	umask(caller_mask);
	rollback_send_transient(link);
}

/* The box's end of the socket to the supervisor. */
static int channel = -1;

/*
 * Sends the supervisor a failure's status and the files that were made: it removes them, since it may still write
 * there.
 */
static void inform_supervisor(int status)
{
	rollback_send_rest(channel);
	channel_send(channel, CHANNEL_FAILED, status);
}

/* Waits for the watchdog, so that no code runs in the box unwatched. */
static void wait_for_watchdog(int link)
{
	char go;
	if (recv(link, &go, 1, 0) != 1)
		_exit(STATUS_FAILED);
}

/* The first process in the box, until it becomes the command or its init. */
static _Noreturn void run_inside(
	const struct plan *plan, const struct invocation *invocation, const sigset_t *mask, int link, bool watched)
{
	report_on_failure(NULL);
	channel = link;
	report_to(inform_supervisor);
	die_with_parent(link);
	if (watched)
		wait_for_watchdog(link);
	spawn_enter_cgroup(plan->enter ? 0 : (unsigned)plan->namespaces);
	if (plan->enter) {
		enter_join();
		inherited_renew_entered();
	} else {
		make_box(plan, invocation, link);
	}
	/* Some open descriptors are directories of the host, through which a process could walk out of the box. */
	descriptor_keep(link);
	descriptor_close_others();
	mounts_restore_limit();
	if (plan->hostname) {
		report_phase(STEP_HOSTNAME);
		uts_set_name(plan->hostname);
	}
	if (plan->loopback) {
		report_phase(STEP_LOOPBACK);
		net_raise_loopback();
	}
	report_phase(STEP_LIMITS);
	limits_apply(plan->process);
	report_phase(STEP_LANDLOCK);
	/* Before the fork of the command, since init must be in the same Landlock domain to signal it. */
	landlock_apply(plan->process->landlock);
	report_phase(STEP_PRIVILEGES);
	privileges_bound(plan->process);
	if (release_is_needed(plan))
		release_await(link);
	if (plan->supervision && plan->supervision->init)
		init_run(plan->process, invocation->extra, mask, link);
	exec_command(plan->process, invocation->extra, mask);
}

/* A start from one phase to the next. The socket's ends: ours, and that of the box. */
struct start {
	const struct plan *plan;
	const struct invocation *invocation;
	struct box box;
	sigset_t mask;
	int pair[2];
	bool watched;
};

static struct box describe_box(const struct plan *plan, const struct supervision *supervision)
{
	bool own_pids = plan->namespaces & PLAN_NAMESPACES_PID;
	return (struct box){.init = supervision->init,
		.new_session = plan->process->new_session,
		.own_group = plan->enter && !plan->process->new_session,
		.entered = plan->enter,
		.parent = -1,
		.verbose = supervision->verbose,
		.first = !plan->enter && own_pids,
		.seen = plan->enter || !own_pids,
		.timeout = supervision->timeout,
		.grace = supervision->grace,
		.filtered = plan->process->seccomp,
		.memory = plan->cgroup ? plan->cgroup->memory : 0,
		.quiet = supervision->quiet || supervision->errors == SUPERVISION_ERRORS_STATUS};
}

/* All that has to be there before there is a box. */
static void prepare(struct start *start)
{
	static const struct supervision none = {.status_fd = -1, .gate_fd = -1};
	const struct plan *plan = start->plan;
	const struct supervision *supervision = plan->supervision ? plan->supervision : &none;
	sigset_t all;
	start->box = describe_box(plan, supervision);
	report_phase(STEP_DESCRIPTORS);
	caller_descriptors_keep((int)supervision->status_fd, "use as status descriptor",
		"nothing is open under that number; in a shell: --status-fd 3 ... 3>FILE");
	caller_descriptors_keep((int)supervision->gate_fd, "use as gate", "nothing is open under that number");
	caller_descriptors_pass(plan->process);
	caller_descriptors_close();
	helpers_open(plan);
	hide_open(plan);
	if (start->invocation->text && !plan->enter)
		plan_source_keep(start->invocation->text, start->invocation->length);
	free(start->invocation->text);
	if (supervision->init && !(plan->namespaces & PLAN_NAMESPACES_PID))
		fail_plain("an init needs a pid namespace of its own", "/supervision/init");
	if (supervision->die_with_parent)
		start->box.parent = die_with_parent_watch();
	/* With SIGCHLD ignored, the kernel would reap our child, and its status would be lost. */
	if (signal(SIGCHLD, SIG_DFL) == SIG_IGN)
		exec_ignore_children();
	sigfillset(&all);
	if (sigprocmask(SIG_SETMASK, &all, &start->mask) < 0)
		fail("block signals", NULL);
	memcpy(&start->box.blocked, &start->mask, sizeof start->box.blocked);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, start->pair) < 0)
		fail("socketpair", NULL);
	start->box.channel = start->pair[0];
	if (exec_filtered_is_needed(plan->process))
		exec_filtered_set_up(plan->process);
	start->watched = watchdog_is_wanted(&start->box);
	supervise_set_up(&start->box);
	if (start->watched) {
		report_phase(STEP_WATCHDOG);
		watchdog_start(&start->box);
	}
}

/* The first process of the box, whose number is 0 in that process itself. */
static int start_box(const struct plan *plan, bool old_mount_api)
{
	if (plan->enter) {
		report_phase(STEP_ENTER);
		enter_open(plan->enter, plan->namespaces);
		inherited_open();
		return enter_spawn();
	}
	/* Each layer of an image takes a descriptor, as long as the box runs. */
	if (plan->root->image)
		mounts_raise_limit(plan);
	overlay_lock(plan);
	filesystem_open_all(plan->root, old_mount_api);
	take_back_lock_root(plan);
	if (plan->cgroup) {
		report_phase(STEP_CONTROL_GROUP);
		cgroup_make(plan->cgroup);
	}
	report_phase(STEP_NAMESPACES);
	return spawn_box(plan->namespaces, cgroup_descriptor());
}

/* Step by step, gives the box's first process what it waits for: a watchdog, its id maps, helpers and the gate. */
static void release(struct start *start)
{
	const struct plan *plan = start->plan;
	struct box *box = &start->box;
	/* The box prints the phases from now on. */
	report_step(STEP_WATCHDOG);
	if (start->watched) {
		watchdog_watch(box);
		(void)!write(box->channel, "g", 1);
	}
	report_step(STEP_ID_MAPS);
	/*
	 * Without an init, the closed channel reports the execve. An init's end needs no channel, and each wake-up takes
	 * time.
	 */
	bool maps = plan->idmap && plan->idmap->by != IDMAP_BY_SELF;
	if (!box->init || maps)
		close(start->pair[1]);
	int number, process = maps ? supervise_await_process(box, &number) : -1;
	if (process >= 0) {
		idmap_write_for(plan->idmap, process, number, helper_run);
		filesystem_map_ids(plan->root, plan->idmap, process);
		if (plan->root && plan->root->scratch)
			take_back_as(openat(process, "ns/user", O_RDONLY | O_CLOEXEC));
		close(process);
		(void)!write(box->channel, "g", 1);
	}
	filesystem_close_all(plan->root);
	report_step(STEP_HELPERS);
	if (release_is_needed(plan))
		release_start(plan, box, &start->mask);
}

static _Noreturn void run(const struct plan *plan, const struct invocation *invocation)
{
	struct start start = {.plan = plan, .invocation = invocation};
	prepare(&start);
	start.box.pid = start_box(plan, invocation->old_mount_api);
	if (start.box.own_group)
		foreground_lead(start.box.pid);
	if (start.box.pid == 0) {
		report_phase(plan->enter ? STEP_ENTER : STEP_BOX);
		close(start.pair[0]);
		run_inside(plan, invocation, &start.mask, start.pair[1], start.watched);
	}
	base_dir_leave();
	release(&start);
	report_step(STEP_SUPERVISE);
	supervise(&start.box);
}

/* Prints the plan of a baked program. */
static int print_plan(const char *text, size_t length)
{
	line_begin(1);
	line_add_bytes(text, length);
	line_add("\n");
	if (!line_end())
		fail("write", "the plan");
	return 0;
}

int main(int argc, char **argv)
{
	size_t length;
	struct invocation invocation = {.plan_fd = -1};
	/* Before Linux 5.18 argc may be 0, and the environment follows the NULL. */
	if (argc < 1)
		invocation_refuse("no name of the program", "");
	report_phase(STEP_READ_PLAN);
	/* A setuid program would carry out any user's plan with another user's privileges. */
	if (getauxval(AT_SECURE))
		fail_plain("nsbox is not made to be setuid or to have file capabilities", NULL);
	const char *segment = plan_source_segment(&length);
	/* A program that is executed by descriptor is named by its number. */
	prctl(PR_SET_NAME, "nsbox");
	/*
	 * A program with the plan at its end, but in no segment, gets no argument: only src/launch/native/entry.c makes it.
	 */
	char *text = segment || argc > 1 ? NULL : plan_source_trailer(&length);
	bool baked = segment || text;
	if (segment && argc == 2 && strcmp(argv[1], "--nsbox-plan") == 0)
		return print_plan(segment, length);
	if (baked) {
		invocation.extra = argc > 1 ? argv + 1 : NULL;
	} else {
		invocation = invocation_read(argv);
		text = invocation_text(&invocation, &length);
	}
	const struct plan *plan = decode(segment ? segment : text, length);
	if (invocation.check)
		return 0;
	report_set_up(plan);
	sealed_ensure(plan, baked, segment ? segment : text, length, &invocation);
	if (baked)
		free(text);
	else
		invocation.text = text, invocation.length = length;
	if (plan->no_follow)
		host_refuse_links();
	cwd_note(plan);
	base_dir_enter(baked);
	run(plan, &invocation);
}
