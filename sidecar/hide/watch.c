#include "hide/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sys.h"
#include "hide/failure.h"
#include "hide/guard.h"
#include "hide/notice.h"

enum { READY = 3, BOX = 4, STATUS = 5 };

/* Milliseconds between two looks where a path has lost its mount and is free, or a directory isn't watched. */
enum { WAIT_LOST = 50, WAIT_BLIND = 500 };
/* At most one part in so many of the time goes into looking when a box makes files without a pause. */
enum { SHARE = 10 };

static int box, mounts, root;
static struct guard *guards;
static unsigned count;

/*
 * Whether the box sees something at the path. A directory or socket that is being removed, and is found until then, has
 * no name left.
 */
static bool is_there(const char *path)
{
	struct stat st;
	int directory = notice_way(root, path, &(bool){false});
	bool found = directory >= 0 && fstatat(directory, strrchr(path, '/') + 1, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!found && errno != ENOENT && errno != ENOTDIR && errno != ELOOP && errno != EACCES)
		failure("look for what is hidden", path, NULL, errno);
	if (directory >= 0)
		close(directory);
	return found && st.st_nlink > 0;
}

/*
 * The kernel takes a mount away some milliseconds before it removes the file below or renames another over it, so the
 * box may see the old file, too. A directory is empty then. What is hidden and was moved is hidden in its new place.
 */
static bool is_lost(const struct guard *guard)
{
	if (guard->state == GUARD_IN_PLACE)
		return false;
	if (guard->keeps || (guard->state == GUARD_GONE && !guard->may_go))
		return true;
	return is_there(guard->path);
}

static void end_for_lost(void)
{
	for (unsigned i = 0; i < count; i++)
		if (is_lost(&guards[i])) {
			failure_report(guards[i].keeps ? "ended the box: the host replaced or removed what is kept"
										   : "ended the box: the host replaced or removed what is hidden",
				guards[i].path,
				"the box may have seen the file for a moment; a rule for its directory, and --changes review, outlast that",
				0);
			/* The sidecar would do so, too, but that takes longer. */
			syscall(SYS_PIDFD_SEND_SIGNAL, box, SIGKILL, NULL, 0);
			_exit(1);
		}
}

/* A mount that was lost before we looked is in no list. */
static void look_for_missing(const char *path)
{
	if (is_there(path))
		failure("the host replaced it while the box started", path, NULL, 0);
}

static void watch_directories(void)
{
	const char *last = "";
	size_t length = 0;
	bool movable = false;
	for (unsigned i = 0; i < count; i++) {
		size_t own = (size_t)(strrchr(guards[i].path, '/') - guards[i].path);
		if (i == 0 || own != length || strncmp(guards[i].path, last, length) != 0)
			close(notice_way(root, guards[i].path, &movable));
		guards[i].movable = movable && !guards[i].keeps;
		last = guards[i].path;
		length = own;
	}
}

static int64_t nanoseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* Nobody who reads the end of the command's output should have to wait for us. */
static void let_go(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		failure("open", "/dev/null", NULL, errno);
	for (int fd = 0; fd <= STDERR_FILENO; fd++)
		if (dup2(null, fd) < 0)
			failure("release standard descriptors", NULL, NULL, errno);
	close(null);
	close(BOX);
}

static int signals_of_directories(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	int fd = sigprocmask(SIG_BLOCK, &set, NULL) < 0 ? -1 : signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		failure("wait for a signal", NULL, NULL, errno);
	return fd;
}

/* Milliseconds to rest after a look that took so many nanoseconds. */
static int rest_after(int64_t time) { return (int)(time * SHARE / 1000000) + 1; }

/*
 * A change of mounts is looked at at once, and one of directories when we have rested: a box may make files without a
 * pause. What is newly lost may come back within microseconds, so then there is no rest.
 */
static _Noreturn void look_forever(int signals)
{
	struct signalfd_siginfo info;
	bool lost = false;
	int rest = 0;
	for (;;) {
		struct pollfd polls[] = {{mounts, POLLPRI, 0}, {signals, POLLIN, 0}};
		int wait = rest ? rest : lost ? WAIT_LOST : notice_is_blind() ? WAIT_BLIND : -1;
		bool rested = poll(polls, rest ? 1 : 2, wait) == 0 && rest;
		rest = 0;
		if (rested)
			continue;
		(void)!read(signals, &info, sizeof info);
		int64_t begin = nanoseconds();
		bool before = lost;
		lost = guard_look(mounts, guards, count);
		if (lost)
			end_for_lost();
		if (lost == before)
			rest = rest_after(nanoseconds() - begin);
	}
}

_Noreturn void watch_box(char *const *paths)
{
	failure_to(READY);
	close(STATUS);
	prctl(PR_SET_DUMPABLE, 0);
	root = openat(BOX, "root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* It serves as a pidfd from Linux 5.1 on. */
	box = openat(BOX, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	mounts = openat(BOX, "mountinfo", O_RDONLY | O_CLOEXEC);
	if (root < 0 || mounts < 0)
		failure("open the box's root directory and mounts", NULL, NULL, errno);
	int signals = signals_of_directories();
	guards = guard_find(mounts, paths, look_for_missing, &count);
	watch_directories();
	let_go();
	if (write(READY, "", 1) != 1)
		_exit(1);
	look_forever(signals);
}
