#include "fs/hide.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "fs/inroot.h"
#include "fs/mask.h"
#include "fs/tree.h"
#include "base/hide_report.h"
#include "plan/part.h"
#include "privs/privileges.h"

/* The host's /proc/net/unix, and nsbox-hide. */
static int list = -1, program = -1;

void hide_open(const struct plan *plan)
{
	static const char path[] = "/proc/net/unix";
	for (size_t i = 0; i < plan->mounts_count; i++) {
		bool sockets = plan->mounts[i].type == MOUNT_SOCKETS;
		if (program < 0 && (sockets || plan->mounts[i].type == MOUNT_HIDE))
			program = part_open(HELPER_PART_HIDE);
		if (list < 0 && sockets && (list = open(path, O_RDONLY | O_CLOEXEC)) < 0)
			fail("open", path);
	}
}

/* Becomes nsbox-hide. The descriptors FDS stay open. */
static _Noreturn void become_hide(const struct mount *mount, const int fds[4])
{
	bool sockets = mount->type == MOUNT_SOCKETS;
	char descriptors[64], how[4] = "", *name = how;
	size_t count = sockets ? mount->allowed_count : mount->patterns_count;
	char **words = calloc(count + 5, sizeof *words);
	snprintf(descriptors, sizeof descriptors, HIDE_DESCRIPTORS, fds[0], fds[1], fds[2], fds[3], list);
	for (int i = 0; i < 4; i++)
		fcntl(fds[i], F_SETFD, 0);
	fcntl(list, F_SETFD, 0);
	privileges_pass_on(1u << CAP_SYS_ADMIN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH);
	if (tree_is_old())
		*name++ = 'o';
	if (mount->required)
		*name++ = 'r';
	if (sockets)
		*name++ = 's';
	if (words) {
		memcpy(words, (char *[]){"nsbox-hide", descriptors, how, (char *)mount->from}, 4 * sizeof *words);
		if (count)
			memcpy(words + 4, sockets ? mount->allowed : mount->patterns, count * sizeof *words);
		descriptor_execute(program, words, (char *[]){NULL});
	}
	_exit(STATUS_FAILED);
}

void hide_matches(const struct mount *mount)
{
	struct hide_report report = {.what = "nsbox-hide failed"};
	int ends[2], status, top = inroot_find(mount->target, O_DIRECTORY, NULL);
	if (top < 0 && !mount->required && mask_is_out_of_reach(errno))
		return;
	if (top < 0)
		fail("open", mount->target);
	int file = mask_mounted_cover(mount->type == MOUNT_SOCKETS ? COVER_SOCKET
								  : mount->closed              ? COVER_CLOSED
															   : COVER_FILE),
		directory = mask_mounted_cover(COVER_DIRECTORY);
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("make pipe", NULL);
	pid_t pid = sys_fork();
	if (pid == 0)
		become_hide(mount, (int[]){top, file, directory, ends[1]});
	if (pid < 0)
		fail("make a process", NULL);
	close(ends[1]);
	/* A report fits in one write. */
	(void)!read(ends[0], &report, sizeof report);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	close(ends[0]);
	close(top);
	if (!status)
		return;
	const char *path = *report.path ? report.path : mount->target, *hint = *report.hint ? report.hint : NULL;
	errno = report.number;
	if (errno)
		fail_hint(report.what, path, hint);
	fail_plain_hint(report.what, path, hint);
}
