#include "unpack/changes.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "unpack/differ.h"
#include "unpack/event.h"
#include "unpack/visit.h"

/* The notes of an overlay, Documentation/filesystems/overlayfs.rst. */
struct notes {
	const char *opaque, *redirect, *metacopy, *whiteout, *origin;
};

static const struct notes trusted_notes = {"trusted.overlay.opaque", "trusted.overlay.redirect",
	"trusted.overlay.metacopy", "trusted.overlay.whiteout", "trusted.overlay.origin"};
static const struct notes user_notes = {"user.overlay.opaque", "user.overlay.redirect", "user.overlay.metacopy",
	"user.overlay.whiteout", "user.overlay.origin"};
static const struct notes *notes;

static void print_record(char kind, const char *path)
{
	putchar(kind);
	fputs(path, stdout);
	putchar('\0');
}

static void print_attribute(const char *name, bool differs) { print_record(differs ? 'a' : 'e', name); }

/* Whether FD has the attribute; its first byte is then in VALUE, or 0. */
static bool has_note(int fd, const char *path, const char *name, char *value)
{
	char bytes[256];
	ssize_t length = fgetxattr(fd, name, bytes, sizeof bytes);
	if (length < 0 && errno != ENODATA && errno != ENOTSUP && errno != ERANGE)
		event_fail("read an attribute of a changed file", path, errno);
	*value = '\0';
	if (length > 0)
		*value = bytes[0];
	return length >= 0 || errno == ERANGE;
}

/* The letter of the file or directory FD with the notes that it has. */
static char noted(int fd, const char *path, char kind)
{
	char value;
	if (has_note(fd, path, notes->redirect, &value) || has_note(fd, path, notes->metacopy, &value))
		event_fail("a changed file has its content elsewhere, by a note of the overlay", path, 0);
	if (kind == 'd' && has_note(fd, path, notes->opaque, &value) && value == 'y')
		return 'o';
	/* From Linux 6.7 on an empty file may be a whiteout, in a directory that says so. */
	if (kind == 'f' && has_note(fd, path, notes->whiteout, &value))
		return 'w';
	return kind;
}

static void print_noted(int parent, const char *name, const char *path, char kind)
{
	char value;
	int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	/* A directory that its owner can't list fails when it is visited, too. */
	if (fd < 0)
		event_fail("open a changed file", path, errno);
	print_record(noted(fd, path, kind), path);
	if (has_note(fd, path, notes->origin, &value))
		print_record('c', "");
	differ_each(fd, path, print_attribute);
	close(fd);
}

static void print_change(int parent, const char *name, const char *path, const struct stat *st)
{
	if (S_ISDIR(st->st_mode) || S_ISREG(st->st_mode))
		print_noted(parent, name, path, S_ISDIR(st->st_mode) ? 'd' : 'f');
	else if (S_ISCHR(st->st_mode) && st->st_rdev == makedev(0, 0))
		print_record('w', path);
	else
		print_record(S_ISLNK(st->st_mode) ? 'l' : 's', path);
}

/* The box holds a lock on STATE as long as it runs, and we hold it until our caller lets go. */
static int open_locked(const char *state)
{
	int fd = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		event_fail("open the directory of the changes", NULL, errno);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		event_fail("the box of this review still runs", NULL, 0);
	return fd;
}

void changes_print(const char *state, const char *place, bool trusted)
{
	char path[PATH_MAX] = "", byte;
	struct stat st;
	notes = trusted ? &trusted_notes : &user_notes;
	/* Names go to standard output, so errors go to standard error. */
	event_to(stderr);
	int fd = open_locked(state);
	differ_from(place);
	/* Without that directory the box has ended before it had its overlay. */
	if (fstatat(fd, "upper", &st, AT_SYMLINK_NOFOLLOW) == 0)
		visit_below(fd, "upper", path, 0, print_change);
	if (fflush(stdout) != 0)
		event_fail("write", NULL, errno);
	event_print("listed", NULL, NULL);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}
