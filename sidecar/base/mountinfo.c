#include "base/mountinfo.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/mount_path.h"
#include "base/report.h"
#include "base/sys.h"

static const struct {
	char word[12];
	unsigned long flag;
} words[] = {
	{"ro", MS_RDONLY},
	{"nosuid", MS_NOSUID},
	{"nodev", MS_NODEV},
	{"noexec", MS_NOEXEC},
	{"nosymfollow", MOUNT_NOSYMFOLLOW},
};

static unsigned long flags_of(char *options)
{
	unsigned long flags = 0;
	for (char *rest, *word = strtok_r(options, ",", &rest); word; word = strtok_r(NULL, ",", &rest))
		for (size_t i = 0; i < sizeof words / sizeof *words; i++)
			if (strcmp(word, words[i].word) == 0)
				flags |= words[i].flag;
	return flags;
}

static int is_below(const char *path, const char *top)
{
	size_t length = strlen(top);
	if (strcmp(top, "/") == 0)
		return 1;
	return strncmp(path, top, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

/* Fields: id, parent, device, root, mount point, options, any number of tags, a dash, type, ... */
static bool read_line(char *line, struct mountinfo *out)
{
	char *field[6], *rest, *word = strtok_r(line, " ", &rest);
	int count = 0;
	for (; word && count < 6; word = strtok_r(NULL, " ", &rest))
		field[count++] = word;
	if (count < 6)
		return false;
	while (word && strcmp(word, "-") != 0)
		word = strtok_r(NULL, " ", &rest);
	word = strtok_r(NULL, " ", &rest);
	mount_path_unescape(field[3]);
	mount_path_unescape(field[4]);
	*out = (struct mountinfo){.path = strdup(field[4]),
		.top = strdup(field[3]),
		.flags = flags_of(field[5]),
		.id = (int)strtol(field[0], NULL, 10),
		.parent = (int)strtol(field[1], NULL, 10)};
	snprintf(out->type, sizeof out->type, "%s", word ? word : "");
	/* A skipped mount would stay without its options, such as "ro". */
	if (!out->path || !out->top)
		fail("allocate", NULL);
	return true;
}

/* Reads the lines of TEXT whose mounts are at or below TOP. */
static size_t read_lines(char *text, const char *top, struct mountinfo **out)
{
	struct mountinfo *list = NULL, one;
	size_t count = 0, room = 0;
	char *rest;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!read_line(line, &one))
			continue;
		if (!is_below(one.path, top)) {
			free(one.path);
			free(one.top);
			continue;
		}
		if (count == room) {
			room = room ? room * 2 : 64;
			list = realloc(list, room * sizeof *list);
			if (!list)
				fail("allocate", NULL);
		}
		list[count++] = one;
	}
	*out = list;
	return count;
}

/* Whether OTHER is mounted on a directory on the path to MOUNT; both lie on the same mount. */
static bool stands_before(const struct mountinfo *other, const struct mountinfo *mount)
{
	size_t length = strlen(other->path);
	return other->parent == mount->parent && strncmp(mount->path, other->path, length) == 0 &&
		   mount->path[length] == '/';
}

static bool is_hidden_with(const struct mountinfo *parent, const struct mountinfo *mount)
{
	return parent->id == mount->parent &&
		   (parent->hidden || (parent->covered && strcmp(parent->path, mount->path) != 0));
}

/* Marks the mounts that no path leads to, and those that are mounted below them. */
static void find_covered(struct mountinfo *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t other = 0; other < count; other++) {
			list[i].covered |= list[other].parent == list[i].id && strcmp(list[other].path, list[i].path) == 0;
			list[i].hidden |= stands_before(&list[other], &list[i]);
		}
	/* Repeats until nothing changes: moved mounts stand in any order, so a child may come before its parent. */
	for (bool changed = true; changed;) {
		changed = false;
		for (size_t i = 0; i < count; i++)
			for (size_t above = 0; above < count && !list[i].hidden; above++)
				changed |= list[i].hidden = is_hidden_with(&list[above], &list[i]);
	}
	for (size_t i = 0; i < count; i++)
		list[i].covered |= list[i].hidden;
}

int mountinfo_below(const char *top, int (*each)(const struct mountinfo *mount, void *with), void *with)
{
	static const char name[] = "/proc/self/mountinfo";
	struct mountinfo *list;
	int result = 0, fd = open(name, O_RDONLY | O_CLOEXEC);
	size_t length;
	if (fd < 0)
		return -1;
	char *text = descriptor_read_all(fd, name, &length);
	close(fd);
	size_t count = read_lines(text, top, &list);
	free(text);
	find_covered(list, count);
	size_t above = strcmp(top, "/") == 0 ? 0 : strlen(top);
	for (size_t i = 0; i < count; i++) {
		list[i].inside = list[i].path + above;
		if (strcmp(list[i].inside, "/") == 0)
			list[i].inside++;
		if (result == 0)
			result = each(&list[i], with);
		free(list[i].path);
		free(list[i].top);
	}
	free(list);
	return result;
}
