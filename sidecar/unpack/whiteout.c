#include "unpack/whiteout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack/event.h"
#include "unpack/layers.h"
#include "unpack/name.h"

#define PREFIX ".wh."
#define RESERVED ".wh..wh."

/* Removes whiteouts and directories that only hold such: what they hide is hidden by the opaque directory above. */
static void remove_whiteouts(int parent, const char *name)
{
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	if (!dir)
		event_fail("read a directory", name, errno);
	while ((entry = readdir(dir))) {
		struct stat st;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (layers_is_whiteout(&st))
			unlinkat(fd, entry->d_name, 0);
		if (!S_ISDIR(st.st_mode))
			continue;
		remove_whiteouts(fd, entry->d_name);
		if ((st.st_mode & MODE_IMPLIED))
			unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	closedir(dir);
	layers_forget();
}

static void hide_below(int parent, const char *name, const char *entry)
{
	layers_make_opaque(parent, name, entry);
	remove_whiteouts(parent, name);
}

/*
 * Hides what the layers below have at PATH. The path itself is hidden: a link on the way, of this layer or
 * of one below, means that there is nothing at that path.
 */
void whiteout_hide(const char *path, const char *entry)
{
	static struct layers_found found;
	const char *name;
	if (!layers_find(path, false, &found)) {
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			event_fail("find what the whiteout hides", entry, errno);
		return;
	}
	if (found.type == LAYERS_NOTHING ||
		(found.layer == UPPER && (found.type != LAYERS_DIRECTORY || found.last == UPPER)))
		return;
	const struct layers_parent *parent = layers_parent(name_parent(path, &name));
	if (!parent)
		event_fail("make the directory of a whiteout", entry, errno);
	if (found.layer == UPPER) {
		hide_below(parent->fd, name, entry);
	} else {
		layers_make_whiteout(parent->fd, name, entry);
	}
}

void whiteout_make_opaque(const char *path, const char *entry)
{
	static struct layers_found found;
	const char *name;
	if (!layers_find(path, false, &found)) {
		if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
			event_fail("find the opaque directory", entry, errno);
		return;
	}
	if (found.type != LAYERS_DIRECTORY || found.last == UPPER)
		return;
	/* Has the directory in this layer, too. */
	if (!layers_parent(path))
		event_fail("make the opaque directory", entry, errno);
	const struct layers_parent *parent = layers_parent(name_parent(path, &name));
	if (!parent)
		event_fail("make the opaque directory", entry, errno);
	hide_below(parent->fd, *name ? name : ".", entry);
}

bool whiteout(const char *path, const char *entry)
{
	char hidden[PATH_MAX];
	const char *name;
	for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
		if (!name_starts_with(part, PREFIX))
			continue;
		bool last = !strchr(part, '/');
		if (name_starts_with(part, RESERVED) && !(last && strcmp(part, RESERVED ".opq") == 0)) {
			event_skipped("reserved name", entry);
			return true;
		}
		if (!last)
			event_fail("name leads through a whiteout", entry, 0);
	}
	const char *parent = name_parent(path, &name);
	if (!name_starts_with(name, PREFIX))
		return false;
	if (strcmp(name, RESERVED ".opq") == 0) {
		snprintf(hidden, sizeof hidden, "%s", parent);
		whiteout_make_opaque(hidden, entry);
		return true;
	}
	name += strlen(PREFIX);
	if (!*name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		event_fail("whiteout has no name of a file", entry, 0);
	snprintf(hidden, sizeof hidden, "%s%s%s", parent, *parent ? "/" : "", name);
	whiteout_hide(hidden, entry);
	return true;
}
