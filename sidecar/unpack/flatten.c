#include "unpack/flatten.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unpack/event.h"
#include "unpack/existing.h"
#include "unpack/layers.h"
#include "unpack/links.h"
#include "unpack/place.h"
#include "unpack/visit.h"

static void flatten_file(int parent, const char *name, const char *path, const struct stat *st)
{
	struct entry entry;
	struct entry_source source;
	if (layers_is_whiteout(st)) {
		place_remove(path);
		return;
	}
	existing_open(parent, name, st, path, &entry, &source);
	entry.name = *path ? path : "/";
	const char *first = S_ISREG(st->st_mode) && st->st_nlink > 1 ? links_first(st->st_ino, path) : NULL;
	if (first) {
		entry.link = first;
		entry.hard_link = true;
		entry.size = 0;
	}
	place(&entry, &source);
	existing_close(&source);
}

/* One layer after the other, from the lowest on, as an engine would unpack them onto one root. */
void flatten_place(const char *directory)
{
	char path[PATH_MAX];
	struct stat st;
	int count = 0;
	for (;; count++) {
		snprintf(path, sizeof path, "%s/%d", directory, count);
		if (lstat(path, &st) < 0)
			break;
	}
	if (errno != ENOENT || count == 0)
		event_fail("open the layer", path, errno);
	for (int i = count - 1; i >= 0; i--) {
		snprintf(path, sizeof path, "%s/%d", directory, i);
		int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (root < 0 || fstat(root, &st) < 0)
			event_fail("open the layer", path, errno);
		*path = '\0';
		links_forget();
		flatten_file(root, ".", path, &st);
		visit_below(root, ".", path, 0, flatten_file);
		close(root);
	}
}
