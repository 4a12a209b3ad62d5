#include "fs/cwd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "fs/inroot.h"
#include "plan/plan.h"

static const struct plan *plan;
static const char *path; /* the directory of the host, or NULL if it has no path */
static int reason; /* errno of looking for it on the host, or 0 */
static struct stat host; /* that directory on the host */
static struct stat shown; /* the directory in its place in the box */
static bool has_shown;

static bool is_of_host(const struct process *process) { return process->cwd_of_host || process->cwd_of_caller; }

void cwd_note(const struct plan *box_plan)
{
	const struct process *process = box_plan->process;
	plan = box_plan;
	if (!is_of_host(process))
		return;
	char *here = getcwd(NULL, 0);
	reason = here ? 0 : errno;
	path = process->cwd_of_caller ? here : process->cwd;
	/* ".", since the path may lead through directories that we may not enter, or be covered by another mount. */
	if (path && stat(here && strcmp(here, path) == 0 ? "." : path, &host) < 0)
		reason = errno;
	else if (path)
		reason = 0;
}

const char *cwd_path(void) { return path; }

void cwd_note_view(const struct stat *before, int fd)
{
	if (!path || reason || !(is_same_file(before, &host) || (has_shown && is_same_file(before, &shown))))
		return;
	has_shown = fstat(fd, &shown) == 0;
}

/* Notes the directory INSIDE of an overlay, if nothing else is mounted there. */
static void note_in_overlay(int top, const char *inside)
{
	enum { OVERLAY = 0x794c7630 };
	struct statfs fs;
	int fd = inroot_open(top, inside, O_DIRECTORY);
	/* Kept open, since overlayfs may give a directory another inode number once it is closed everywhere. */
	if (fd >= 0 && fstatfs(fd, &fs) == 0 && (long)fs.f_type == OVERLAY && fstat(fd, &shown) == 0) {
		has_shown = true;
		descriptor_keep(fd);
	} else {
		descriptor_close(fd);
	}
}

void cwd_note_overlay(int top, const struct root *root, bool whole)
{
	struct stat below;
	/* Another root than the host's may have other directories with the same names. */
	if (path && !reason && plan_shows_host(root) && (whole || (stat("/", &below) == 0 && below.st_dev == host.st_dev)))
		note_in_overlay(top, path);
}

/* Length of the text of DIRECTORY if it is BELOW or a directory above it, else -1. */
static ptrdiff_t length_above(const char *directory, const char *below)
{
	size_t length = strlen(directory);
	while (length > 0 && directory[length - 1] == '/')
		length--;
	return strncmp(below, directory, length) == 0 && (below[length] == '/' || below[length] == '\0') ? (ptrdiff_t)length
																									 : -1;
}

void cwd_note_overlay_of(int top, int lower, const char *lower_path)
{
	struct stat below;
	ptrdiff_t length = path && !reason ? length_above(lower_path, path) : -1;
	const char *inside = length < 0 ? NULL : path[length] ? path + length : "/";
	int fd = inside ? inroot_open(lower, inside, O_DIRECTORY) : -1;
	if (fd >= 0 && fstat(fd, &below) == 0 && is_same_file(&below, &host))
		note_in_overlay(top, inside);
	descriptor_close(fd);
}

/* As text only: good enough for hints. */
static bool covers(const char *directory, const char *below) { return length_above(directory, below) >= 0; }

static bool hides(const struct mount *mount)
{
	switch ((enum mount_type)mount->type) {
	case MOUNT_DIR:
	case MOUNT_SYMLINK:
	case MOUNT_HIDE:
	case MOUNT_SOCKETS:
	case MOUNT_PROTECT:
	case MOUNT_STASH:
	case MOUNT_PIN: return false;
	case MOUNT_BIND:
	case MOUNT_TMPFS:
	case MOUNT_PROC:
	case MOUNT_DEV:
	case MOUNT_OVERLAY:
	case MOUNT_MASK:
	case MOUNT_VIEW:
	case MOUNT_SYSFS:
	case MOUNT_CGROUP:
	case MOUNT_FILE: return true;
	}
	return true;
}

/* The same where TARGET leads through a link (/var/run), once the box has its root. */
static bool covers_by_link(const char *target)
{
	struct stat mounted, above;
	char *text = strdup(path);
	bool found = false;
	if (text && stat(target, &mounted) == 0)
		for (char *end = text + strlen(text); !found && end > text; end = strrchr(text, '/')) {
			*end = '\0';
			found = stat(text, &above) == 0 && is_same_file(&mounted, &above);
		}
	free(text);
	return found;
}

static const struct mount *hiding_mount(void)
{
	const struct mount *found = NULL;
	for (size_t i = 0; i < plan->mounts_count; i++) {
		const struct mount *mount = &plan->mounts[i];
		if (hides(mount) && (covers(mount->target, path) || covers_by_link(mount->target)))
			found = mount;
	}
	return found;
}

/* A path, quoted as one word of a shell. */
static const char *shell_word(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+,:@%";
	/* A hint has two such words, and is printed once. */
	static char *words[2];
	static unsigned count;
	char *word, *end;
	if (strspn(text, plain) == strlen(text) || !(word = malloc(strlen(text) * 4 + 3)))
		return text;
	words[count++ % 2] = end = word;
	*end++ = '\'';
	for (; *text; text++) {
		if (*text == '\'')
			end = stpcpy(end, "'\\'");
		*end++ = *text;
	}
	stpcpy(end, "'");
	return words[(count - 1) % 2];
}

static const char elsewhere[] = "--cwd / starts in the root directory of the box";

static const char *hint_text(const char *of, const char *hiding, const char *way)
{
	char *text;
	int done = *way ? asprintf(&text, "%s%s hides it: %s %s%s, or start in the root directory of the box by --cwd /",
						  of, shell_word(hiding), way, shell_word(path), *way == 'p' ? " after that" : "")
					: asprintf(&text, "%s%s hides it: %s", of, shell_word(hiding), elsewhere);
	return done < 0 ? elsewhere : text;
}

/* Directories that are emptied for their own sake, also where a home directory lies in them. */
static bool is_scratch(const char *directory)
{
	return strcmp(directory, "/tmp") == 0 || strcmp(directory, "/var/tmp") == 0 || strcmp(directory, "/dev/shm") == 0;
}

/* The user's hint. It doesn't suggest --bind for what was hidden on purpose. */
static const char *hint_for(const struct mount *mount)
{
	const char *target = mount->target, *home = getenv("HOME");
	if (!path)
		return elsewhere;
	bool with_home =
		home && home[0] == '/' && home[1] && covers(target, home) && covers(home, path) && !is_scratch(target);
	switch ((enum mount_type)mount->type) {
	case MOUNT_TMPFS: return hint_text("--tmpfs ", target, with_home ? "" : "put --bind");
	case MOUNT_MASK:
		return hint_text(
			mount->closed ? "--hide " : "--mask ", target, with_home || strcmp(target, path) == 0 ? "" : "put --bind");
	case MOUNT_DEV: return hint_text("the box's own ", target, "add --bind");
	case MOUNT_PROC:
	case MOUNT_SYSFS:
	case MOUNT_CGROUP: return hint_text("the box's own ", target, "");
	case MOUNT_BIND:
	case MOUNT_OVERLAY:
	case MOUNT_DIR:
	case MOUNT_SYMLINK:
	case MOUNT_HIDE:
	case MOUNT_SOCKETS:
	case MOUNT_PROTECT:
	case MOUNT_VIEW:
	case MOUNT_STASH:
	case MOUNT_PIN:
	case MOUNT_FILE: break;
	}
	return hint_text("what is mounted on ", target, "put --bind");
}

/* Fails. NUMBER is the errno of entering the directory, or 0 if the box has another directory in its place. */
static _Noreturn void refuse(int number)
{
	const struct mount *mount = path ? hiding_mount() : NULL;
	report_step(STEP_CWD);
	const char *hint = plan->process->cwd_of_caller
						   ? "nsbox bake --cwd DIR makes a program that starts in a directory of the box"
						   : "--cwd DIR names a directory of the box to start in";
	if (reason == ENOENT)
		fail_plain_hint("the caller's directory is gone", path, hint);
	if (!path && reason)
		fail_plain_hint("the path of the caller's directory is too long", NULL, hint);
	errno = reason;
	if (reason)
		fail_hint("the caller's directory", path, hint);
	if (mount && (mount->type != MOUNT_BIND || number != EACCES))
		fail_plain_hint("the box does not show the caller's directory", path, hint_for(mount));
	if (number == EACCES)
		hint = "the box's user may not enter it: --cwd DIR names another directory of the box";
	errno = number;
	if (number && number != ENOENT)
		fail_hint("the caller's directory", path, hint);
	fail_plain_hint("the box does not show the caller's directory", path, hint);
}

/* DIRECTORY is what --cwd, or a plan, names. */
static _Noreturn void refuse_named(int number, const char *directory)
{
	const char *hint = number == ENOENT
						   ? "--cwd names a directory of the box, as the box sees it; --dir makes one that is missing"
					   : number == EACCES ? "the user of the box may not enter it"
										  : NULL;
	errno = number;
	fail_hint("change to directory", directory, hint);
}

/*
 * Enters a directory below the root. The links in /proc aren't followed, so no path leads through a descriptor of ours
 * (CVE-2024-21626). 0, or -1 with errno.
 */
static int enter(const char *directory, bool of_host, char now[PATH_MAX])
{
	struct stat found;
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int fd = root < 0 ? -1 : inroot_open(root, directory, O_DIRECTORY);
	int done = fd < 0 ? -1 : of_host ? fstat(fd, &found) : 0;
	/* "/" needs no check: the box's root takes the place of the host's. */
	if (done == 0 && of_host && strcmp(directory, "/") != 0 && !is_same_file(&found, &host) &&
		!(has_shown && is_same_file(&found, &shown))) {
		errno = 0;
		done = -1;
	}
	if (done == 0)
		done = fchdir(fd);
	/*
	 * The kernel's name for a directory outside of the root starts with "(unreachable)"; getcwd(3) only fails with
	 * ENOENT.
	 */
	if (done == 0 && (syscall(SYS_getcwd, now, PATH_MAX) < 0 || now[0] != '/'))
		fail_plain("is not in the box", directory);
	/* The execve closes the two. */
	return done;
}

/*
 * Sets PWD as every shell does: it stays if it is another name of the caller's directory. After --cwd it is the place
 * that was named. A PWD of the plan stays as it is.
 */
static void follow(const struct process *process, char **environment, const char *now)
{
	const char *named = is_of_host(process) ? NULL : process->cwd;
	char *entry;
	struct stat here, there;
	while (*environment && strncmp(*environment, "PWD=", 4) != 0)
		environment++;
	for (size_t i = 0; process->env && i < process->env->set_count; i++)
		if (strncmp(process->env->set[i], "PWD=", 4) == 0)
			return;
	if (!*environment || strcmp(*environment + 4, now) == 0 || (named && strcmp(*environment + 4, named) == 0))
		return;
	if (!named && (*environment)[4] == '/' && stat(*environment + 4, &there) == 0 && stat(".", &here) == 0 &&
		is_same_file(&here, &there))
		return;
	if (asprintf(&entry, "PWD=%s", now) < 0)
		fail("allocate", NULL);
	*environment = entry;
}

void cwd_enter(const struct process *process, char **environment)
{
	char now[PATH_MAX];
	bool of_host = is_of_host(process);
	const char *directory = of_host ? path : process->cwd ? process->cwd : "/";
	errno = 0;
	if (!directory || (of_host && reason) || enter(directory, of_host, now) < 0) {
		int number = errno;
		if (!process->cwd_fallback && of_host)
			refuse(number);
		if (!process->cwd_fallback)
			refuse_named(number, directory);
		if (enter(process->cwd_fallback, false, now) < 0 && enter("/", false, now) < 0)
			fail("change to directory", "/");
	}
	follow(process, environment, now);
}
