/*
 * Unpacks layers of images, and lists, verifies, merges and removes their trees. It runs in a box whose root holds only
 * this program, /target and the lower layers: the archive may be a stranger's.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include "unpack/archive.h"
#include "unpack/changes.h"
#include "unpack/decode.h"
#include "unpack/differ.h"
#include "unpack/event.h"
#include "unpack/flatten.h"
#include "unpack/iso.h"
#include "unpack/layers.h"
#include "unpack/mtree.h"
#include "unpack/nested.h"
#include "unpack/options.h"
#include "unpack/place.h"
#include "unpack/squashfs.h"
#include "unpack/stream.h"
#include "unpack/tree.h"

/* The dictionary of the largest zstd window, 128 MiB, and what else is needed. */
#define MAX_MEMORY (UINT64_C(192) << 20)

#define TARGET "/target"
#define LOWER "/lower"

static int open_target(void)
{
	int fd = open(TARGET, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		event_fail("open the directory", TARGET, errno);
	return fd;
}

static void seek_input(const struct options *o)
{
	if (o->offset && lseek(STDIN_FILENO, (off_t)o->offset, SEEK_SET) < 0)
		event_fail("an offset needs a regular file on standard input", NULL, errno);
}

static void open_layer(const struct options *o, const char *lower)
{
	const struct place_options how = {
		.keep_owners = o->keep_owners,
		.whiteouts = o->whiteouts,
		.max_bytes = o->max_bytes,
		.max_entries = o->max_entries,
	};
	/* Until we end, whoever cleans up sees that the directory is in use. */
	if (flock(open_target(), LOCK_EX | LOCK_NB) < 0)
		event_fail(errno == EWOULDBLOCK ? "another process unpacks into it" : "lock the directory", TARGET,
			errno == EWOULDBLOCK ? 0 : errno);
	place_open(&how, TARGET, lower);
}

static void layer(const struct options *o)
{
	struct stream_result result = {.digest = ""};
	seek_input(o);
	open_layer(o, LOWER);
	if (o->format == FORMAT_SQUASHFS || (o->format == FORMAT_AUTO && squashfs_is_at(STDIN_FILENO, o->offset))) {
		squashfs_place(STDIN_FILENO, o->offset);
	} else {
		enum stream_kind kind = o->format == FORMAT_CPIO  ? STREAM_CPIO
								: o->format == FORMAT_TAR ? STREAM_PLAIN
														  : STREAM_AUTO;
		stream_open(kind, o->size, o->max_bytes);
		archive_place();
		stream_close(&result);
	}
	struct place_total total = place_finish();
	event_done(
		*result.digest ? result.digest : NULL, result.bytes ? result.bytes : total.bytes, total.entries, total.size);
}

static void flatten(const struct options *o)
{
	open_layer(o, NULL);
	flatten_place(LOWER);
	struct place_total total = place_finish();
	event_done(NULL, total.bytes, total.entries, total.size);
}

static void classify(const struct options *o)
{
	struct stream_result result;
	seek_input(o);
	stream_open(STREAM_HEAD, o->size, o->max_bytes);
	const char *kind = archive_classify();
	stream_close(&result);
	event_print("kind", "kind", kind);
}

static int read_image(void *image, void *bytes, size_t size, uint64_t offset)
{
	return pread(*(int *)image, bytes, size, (off_t)offset) == (ssize_t)size ? 0 : -1;
}

static void print_volume(const char *id) { event_print("volume", "id", id); }

static void iso(const struct options *o)
{
	(void)o;
	int fd = STDIN_FILENO;
	off_t size = lseek(fd, 0, SEEK_END);
	if (size < 0)
		event_fail("an ISO image has to be a regular file", NULL, errno);
	const struct iso_source source = {read_image, &fd, (uint64_t)size};
	const struct iso_visitor visitor = {print_volume, event_file};
	const char *wrong = iso_walk(&source, &visitor);
	if (wrong)
		event_fail(wrong, NULL, 0);
}

static void nested(const struct options *o) { nested_print(STDIN_FILENO, o->offset); }

static uint64_t cat_left;

static void cat_bytes(const void *bytes, size_t length)
{
	if (length > cat_left)
		event_failf(NULL, "file is too large when it is uncompressed");
	cat_left -= length;
	for (const char *at = bytes; length > 0;) {
		ssize_t done = write(STDOUT_FILENO, at, length);
		if (done < 0 && errno != EINTR)
			event_fail("write", NULL, errno);
		if (done > 0) {
			at += done;
			length -= (size_t)done;
		}
	}
}

static void cat(const struct options *o)
{
	struct input in;
	int number;
	/* The file goes to standard output, so errors go to standard error. */
	event_to(stderr);
	cat_left = o->max_bytes;
	seek_input(o);
	input_open(&in, STDIN_FILENO, o->size);
	const char *wrong = decode(&in, cat_bytes, false, &number);
	if (wrong)
		event_fail(wrong, NULL, number);
}

/* Locks NAME if it exists. False: somebody holds a lock on it. The lock lasts until the descriptor is closed. */
static bool lock_existing(int directory, const char *name, int *fd)
{
	*fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	return *fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) == 0;
}

/*
 * Removes one tree, unless somebody holds a lock on it or on its directory fs: a box that runs, or a process that
 * unpacks. It gets another name first, so that no half of it is ever found by its own.
 */
static void remove_tree(int target, const char *name)
{
	char fs[PATH_MAX], aside[32];
	unsigned long long number;
	int own, inner;
	if (!*name || strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strlen(name) > NAME_MAX)
		event_fail("is not a name in the directory", name, 0);
	snprintf(fs, sizeof fs, "%s/fs", name);
	bool free = lock_existing(target, name, &own) && lock_existing(target, fs, &inner);
	if (free) {
		if (getrandom(&number, sizeof number, 0) != sizeof number)
			event_fail("read a random number", NULL, errno);
		snprintf(aside, sizeof aside, "gone-%016llx", number);
		int moved = renameat(target, name, target, aside);
		if ((moved < 0 && errno != ENOENT) || (moved == 0 && tree_remove(target, aside) < 0))
			event_fail("remove", name, errno);
		if (inner >= 0)
			close(inner);
	}
	if (own >= 0)
		close(own);
	event_print(free ? "removed" : "in-use", "name", name);
}

static void remove_trees(const struct options *o)
{
	int target = open_target();
	for (int i = 0; i < o->name_count; i++)
		remove_tree(target, o->names[i]);
}

static void lock(const struct options *o)
{
	char byte;
	if (o->name_count != 1 || strchr(o->names[0], '/'))
		event_fail("lock takes the name of one file", NULL, 0);
	int fd = openat(open_target(), o->names[0], O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		event_fail("open", o->names[0], errno);
	while (flock(fd, LOCK_EX) < 0)
		if (errno != EINTR)
			event_fail("lock", o->names[0], errno);
	event_print("locked", NULL, NULL);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
}

static void verify(const struct options *o)
{
	(void)o;
	layers_open(TARGET "/fs", LOWER);
	mtree_verify(TARGET "/mtree");
}

static void changes(const struct options *o)
{
	bool trusted = o->name_count == 1 && strcmp(o->names[0], "trusted") == 0;
	if (o->name_count != 1 || (!trusted && strcmp(o->names[0], "user") != 0))
		event_fail("changes takes the kind of the overlay's attributes: trusted or user", NULL, 0);
	changes_print(LOWER "/0", LOWER "/1", trusted);
}

static void bring_attributes(const struct options *o)
{
	(void)o;
	differ_bring(LOWER "/0", TARGET);
}

static const struct {
	const char *name;
	void (*run)(const struct options *options);
} commands[] = {
	{"nested", nested},
	{"layer", layer},
	{"flatten", flatten},
	{"classify", classify},
	{"iso", iso},
	{"cat", cat},
	{"remove", remove_trees},
	{"verify", verify},
	{"lock", lock},
	{"changes", changes},
	{"attributes", bring_attributes},
};

int main(int argc, char **argv)
{
	struct options options;
	struct rlimit limit;
	/* libarchive converts names between the locale's encoding and UTF-8, which must be the same. */
	setlocale(LC_CTYPE, "C.UTF-8");
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	/* An archive that makes a reader ask for more is an error. */
	limit.rlim_cur = limit.rlim_max = MAX_MEMORY;
	setrlimit(RLIMIT_DATA, &limit);
	options_read(&options, argc, argv);
	for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
		if (strcmp(options.command, commands[i].name) == 0) {
			commands[i].run(&options);
			return 0;
		}
	event_fail("unknown command", options.command, 0);
}
