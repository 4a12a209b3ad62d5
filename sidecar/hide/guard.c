#include "hide/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/hide_report.h"
#include "base/mount_path.h"
#include "hide/failure.h"

enum { ROOM = 1 << 16 };

/* A line of mountinfo, proc_pid_mountinfo(5). */
struct line {
	int id, parent;
	uint64_t device;
	char *top, *path; /* unescaped */
	bool readonly;
	const char *type;
};

static char *read_text(int fd)
{
	size_t length = 0, room = ROOM;
	char *text = malloc(room);
	ssize_t got = text ? 1 : 0;
	if (lseek(fd, 0, SEEK_SET) < 0)
		failure("read", "mountinfo", NULL, errno);
	while (got > 0 && (got = read(fd, text + length, room - length - 1)) > 0) {
		length += (size_t)got;
		if (room - length < ROOM / 2)
			text = realloc(text, room *= 2);
		if (!text)
			break;
	}
	if (!text)
		failure("allocate", NULL, NULL, ENOMEM);
	if (got < 0)
		failure("read", "mountinfo", NULL, errno);
	text[length] = '\0';
	return text;
}

/* Fields: id, parent, device, top, path, options, any number of tags, a dash, type. False at the end of the text. */
static bool take_line(char **rest, struct line *line)
{
	enum { ID, PARENT, DEVICE, TOP, PATH, OPTIONS, FIELDS };
	char *field[FIELDS] = {NULL}, *save, *text = strsep(rest, "\n"), *minor;
	if (!text || !*text)
		return false;
	for (int i = 0; i < FIELDS; i++)
		if (!(field[i] = strtok_r(i ? NULL : text, " ", &save)))
			return false;
	const char *word = strtok_r(NULL, " ", &save);
	while (word && strcmp(word, "-") != 0)
		word = strtok_r(NULL, " ", &save);
	word = strtok_r(NULL, " ", &save);
	uint64_t major = strtoull(field[DEVICE], &minor, 10);
	*line = (struct line){.id = (int)strtol(field[ID], NULL, 10),
		.parent = (int)strtol(field[PARENT], NULL, 10),
		.device = major << 32 | (*minor ? strtoull(minor + 1, NULL, 10) : 0),
		.top = field[TOP],
		.path = field[PATH],
		.readonly = strncmp(field[OPTIONS], "ro", 2) == 0,
		.type = word ? word : ""};
	mount_path_unescape(line->top);
	mount_path_unescape(line->path);
	return true;
}

/* The lines point into TEXT. */
static struct line *take_lines(char *text, size_t *count)
{
	size_t room = 0;
	struct line *lines = NULL, one;
	for (*count = 0; take_line(&text, &one); lines[(*count)++] = one)
		if (*count == room && !(lines = realloc(lines, (room = room ? room * 2 : 64) * sizeof *lines)))
			failure("allocate", NULL, NULL, ENOMEM);
	return lines;
}

static int compare_ids(const void *a, const void *b)
{
	int first = ((const struct line *)a)->id, second = ((const struct line *)b)->id;
	return (first > second) - (first < second);
}

static int compare_devices(const void *a, const void *b)
{
	uint64_t first = ((const struct line *)a)->device, second = ((const struct line *)b)->device;
	return (first > second) - (first < second);
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(((const struct guard *)a)->path, ((const struct guard *)b)->path);
}

/* The name of what covers others; NULL for any other mount. It lies on a tmpfs of the box's own, at its top. */
static const char *cover_name_of(const struct line *line)
{
	static const char *const names[] = COVER_NAMES;
	if (strcmp(line->type, "tmpfs") != 0)
		return NULL;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (strcmp(line->top + 1, names[i]) == 0)
			return names[i];
	return NULL;
}

/* Whether the mount makes a file read-only at its own path, where the box could write otherwise. */
static bool is_kept(const struct line *line, const struct line *parent)
{
	size_t top = strcmp(parent->top, "/") == 0 ? 0 : strlen(parent->top),
		   path = strcmp(parent->path, "/") == 0 ? 0 : strlen(parent->path);
	return line->readonly && !parent->readonly && line->device == parent->device &&
		   strncmp(line->top, parent->top, top) == 0 && strcmp(line->top + top, line->path + path) == 0;
}

static struct line *read_host(size_t *count)
{
	int fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		failure("open", "/proc/self/mountinfo", NULL, errno);
	struct line *lines = take_lines(read_text(fd), count);
	close(fd);
	qsort(lines, *count, sizeof *lines, compare_devices);
	return lines;
}

/* Only files of the host's file systems are replaced by the host. Those of the box's own are another device. */
static bool is_hosts(const struct line *line, const struct line *host, size_t count)
{
	return bsearch(line, host, count, sizeof *host, compare_devices);
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(((const struct line *)a)->path, ((const struct line *)b)->path);
}

static void find_unmounted(struct line *lines, size_t count, char *const *paths, void (*unmounted)(const char *path))
{
	qsort(lines, count, sizeof *lines, compare_lines);
	for (; *paths; paths++) {
		const struct line key = {.path = *paths};
		if (!bsearch(&key, lines, count, sizeof key, compare_lines))
			unmounted(*paths);
	}
}

struct guard *guard_find(int mounts, char *const *paths, void (*unmounted)(const char *path), unsigned *count)
{
	size_t host_count, line_count;
	const struct line *host = read_host(&host_count);
	struct line *lines = take_lines(read_text(mounts), &line_count);
	struct guard *guards = calloc(line_count + 1, sizeof *guards);
	if (!guards)
		failure("allocate", NULL, NULL, ENOMEM);
	find_unmounted(lines, line_count, paths, unmounted);
	qsort(lines, line_count, sizeof *lines, compare_ids);
	*count = 0;
	for (size_t i = 0; i < line_count; i++) {
		const struct line key = {.id = lines[i].parent},
						  *parent = bsearch(&key, lines, line_count, sizeof key, compare_ids);
		if (!parent || !is_hosts(parent, host, host_count))
			continue;
		bool keeps = is_kept(&lines[i], parent);
		const char *cover = cover_name_of(&lines[i]);
		bool may_go = cover && (strstr(cover, "directory") || strstr(cover, "socket"));
		if (keeps || cover)
			guards[(*count)++] =
				(struct guard){.id = lines[i].id, .path = lines[i].path, .keeps = keeps, .may_go = may_go};
	}
	qsort(guards, *count, sizeof *guards, compare_paths);
	return guards;
}

/* A directory that the box may have moved itself took its mounts along, and what is there now is the box's own. */
static void follow_move(struct guard *guard, const char *path)
{
	if (guard->state == GUARD_GONE || !guard->movable || strcmp(guard->path, path) == 0)
		return;
	if (!(guard->path = strdup(path)))
		failure("allocate", NULL, NULL, ENOMEM);
}

bool guard_look(int mounts, struct guard *guards, unsigned count)
{
	size_t line_count;
	bool any = false;
	char *text = read_text(mounts);
	struct line *lines = take_lines(text, &line_count);
	qsort(lines, line_count, sizeof *lines, compare_ids);
	for (unsigned i = 0; i < count; i++) {
		const struct line key = {.id = guards[i].id}, *line = bsearch(&key, lines, line_count, sizeof key, compare_ids);
		if (line)
			follow_move(&guards[i], line->path);
		guards[i].state = !line ? GUARD_GONE : strcmp(line->path, guards[i].path) == 0 ? GUARD_IN_PLACE : GUARD_MOVED;
		any |= guards[i].state != GUARD_IN_PLACE;
	}
	free(lines);
	free(text);
	return any;
}
