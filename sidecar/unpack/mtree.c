#include "unpack/mtree.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack/event.h"
#include "unpack/layers.h"
#include "unpack/name.h"
#include "unpack/visit.h"

enum { BUFFER = 256 << 10 };

static FILE *list;
static bool stale;

void mtree_create(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0 || !(list = fdopen(fd, "w")))
		event_fail("make a file", path, errno);
}

void mtree_add(const char *path, const char digest[DIGEST_TEXT])
{
	fprintf(list, "%s  ", digest);
	for (; *path; path++)
		if (*path == '\n' || *path == '\\')
			fputs(*path == '\n' ? "\\n" : "\\\\", list);
		else
			putc(*path, list);
	putc('\n', list);
}

void mtree_is_stale(void) { stale = true; }

/* The digest of a file's content. False with errno. */
static bool digest_of(int fd, char digest[DIGEST_TEXT])
{
	static unsigned char buffer[BUFFER];
	SHA256_CTX sha;
	ssize_t got;
	SHA256_Init(&sha);
	while ((got = read(fd, buffer, sizeof buffer)) > 0)
		SHA256_Update(&sha, buffer, (size_t)got);
	digest_end(&sha, digest);
	return got == 0;
}

/* Opens a regular file of the layer, by a path without links. */
static int open_file(const char *path)
{
	struct stat st;
	const char *name;
	int parent = layers_directory(UPPER, name_parent(path, &name));
	int fd = parent < 0 ? -1 : openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (parent >= 0)
		close(parent);
	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	return -1;
}

void mtree_add_link(const char *path, const char *target)
{
	/* Many links to one file mostly follow each other. */
	static char last[PATH_MAX], digest[DIGEST_TEXT];
	if (strcmp(last, target) != 0) {
		int fd = open_file(target);
		if (fd < 0 || !digest_of(fd, digest))
			event_fail("read a file", target, errno);
		close(fd);
		snprintf(last, sizeof last, "%s", target);
	}
	mtree_add(path, digest);
}

static void add_file(int parent, const char *name, const char *path, const struct stat *st)
{
	char digest[DIGEST_TEXT];
	if (!S_ISREG(st->st_mode))
		return;
	int fd = openat(parent, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || !digest_of(fd, digest))
		event_fail("read a file", path, errno);
	close(fd);
	mtree_add(path, digest);
}

void mtree_finish(void)
{
	char path[PATH_MAX] = "";
	if (stale) {
		rewind(list);
		if (ftruncate(fileno(list), 0) < 0)
			event_fail("write the list of files", NULL, errno);
		int root = layers_directory(UPPER, "");
		visit_below(root, ".", path, 0, add_file);
		close(root);
	}
	if (ferror(list) || fclose(list) != 0)
		event_fail("write the list of files", NULL, errno);
}

/* Undoes the escapes of a line, in place; the path ends at the newline. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from && *from != '\n'; from++) {
		if (*from == '\\' && from[1])
			*to++ = (char)(*++from == 'n' ? '\n' : *from);
		else
			*to++ = *from;
	}
	*to = '\0';
}

void mtree_verify(const char *path)
{
	FILE *in = fopen(path, "re");
	char *line = NULL;
	size_t room = 0;
	ssize_t length;
	unsigned long long files = 0, differ = 0;
	if (!in)
		event_fail("open the list of files", path, errno);
	while ((length = getline(&line, &room, in)) > 0) {
		char digest[DIGEST_TEXT];
		char *name = line + DIGEST_TEXT + 1;
		if (length < DIGEST_TEXT + 2)
			event_fail("list of files is damaged", path, 0);
		unescape(name);
		int fd = open_file(name);
		bool same = fd >= 0 && digest_of(fd, digest) && memcmp(digest, line, DIGEST_TEXT - 1) == 0;
		if (fd >= 0)
			close(fd);
		if (!same)
			event_print("differs", "path", name);
		files++;
		differ += !same;
		event_progress(0, files);
	}
	free(line);
	fclose(in);
	event_verified(files, differ);
}
