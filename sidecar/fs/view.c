#include "fs/view.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs/cwd.h"
#include "base/descriptor.h"
#include "fs/mounted.h"
#include "base/mountinfo.h"
#include "fs/overlay.h"
#include "base/report.h"
#include "fs/inroot.h"
#include "fs/tree.h"

/*
 * Each entry takes four system calls and a mount, and the kernel allows 100,000 mounts in a namespace (fs.mount-max).
 */
enum { MOST = 1024 };

struct view {
	int tree;
	struct view *next;
};

static struct view *views;

static void remember_view(int tree)
{
	struct view *view = malloc(sizeof *view);
	if (!view)
		fail("allocate", NULL);
	*view = (struct view){tree, views};
	views = view;
}

static bool is_entry(const char *name) { return strcmp(name, ".") != 0 && strcmp(name, "..") != 0; }

/* Opens the list of entries. NULL if it can't be read, or is too long. */
static DIR *list(int directory)
{
	size_t count = 0;
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	if (!entries)
		return NULL;
	while (readdir(entries) && count <= MOST + 2)
		count++;
	rewinddir(entries);
	if (count <= MOST + 2)
		return entries;
	closedir(entries);
	return NULL;
}

static void show(int directory, int top, const char *name, unsigned options)
{
	struct stat st;
	int fd = openat(directory, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return; /* gone since it was listed */
	if (fd < 0 || fstat(fd, &st) < 0)
		fail("open", name);
	if (S_ISLNK(st.st_mode)) {
		if (descriptor_copy_link(fd, top, name) < 0)
			fail("copy", name);
		close(fd);
		return;
	}
	int made = S_ISDIR(st.st_mode) ? mkdirat(top, name, 0700) : mknodat(top, name, S_IFREG, 0);
	int tree = tree_of(tree_open_at(fd));
	if (made < 0 || tree < 0 || tree_restrict(tree, options) < 0 || tree_attach_at(tree, top, name) < 0)
		fail("show", name);
	close(tree);
	close(fd);
}

static int found(const struct mountinfo *mount, void *with)
{
	(void)with;
	return *mount->inside != '\0';
}

/* Mounts an overlay in place of a view that would be too large. An overlay shows one file system only. */
static int overlay_parent(int directory, unsigned options, const char *path)
{
	char real[PATH_MAX];
	if (!descriptor_path(directory, real) || mountinfo_below(real, found, NULL) != 0)
		fail_plain_hint("no mount point can be made in it", path,
			"it has too many entries, or can't be listed, and has mounts below: make the mount point first, or use --overlay");
	struct layers layers = {.lower = descriptor_copy(directory), .state = -1};
	return overlay_attach(layers, directory, options, path);
}

/*
 * Whether a copy of a file will stand at NAME. What the host has there is not shown: if it were, the copy would be a
 * mount on it, and the host could lift that by a new file of the same name; and a link would lead elsewhere.
 */
static bool is_copied(const struct plan *plan, const char *path, const char *name)
{
	size_t length = strlen(path);
	for (size_t i = 0; plan && i < plan->mounts_count; i++) {
		const struct mount *mount = &plan->mounts[i];
		if (mount->type == MOUNT_FILE && strncmp(mount->target, path, length) == 0 && mount->target[length] == '/' &&
			strcmp(mount->target + length + 1, name) == 0)
			return true;
	}
	return false;
}

int view_make(int directory, unsigned options, const char *path, const struct plan *plan)
{
	struct stat st;
	char mode[8];
	DIR *entries = list(directory);
	if (fstat(directory, &st) < 0)
		fail("open", path);
	if (!entries) {
		int overlay = overlay_parent(directory, options & ~ROOT_OPTIONS_RO, path);
		remember_view(overlay);
		cwd_note_view(&st, overlay);
		return overlay;
	}
	snprintf(mode, sizeof mode, "%04o", (unsigned)st.st_mode & 07777);
	int top = tree_new("tmpfs", ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV,
		(struct setting[]){{"source", "nsbox"}, {"mode", mode}, {NULL, NULL}});
	if (top < 0 || tree_attach(top, directory) < 0)
		fail_hint("mount tmpfs", path, tree_hint());
	/* fchownat fails for an owner that the user namespace doesn't map. */
	(void)!fchownat(top, "", st.st_uid, st.st_gid, AT_EMPTY_PATH);
	/* DIRECTORY still refers to the directory below the tmpfs. */
	for (struct dirent *entry; (entry = readdir(entries));)
		if (is_entry(entry->d_name) && !is_copied(plan, path, entry->d_name))
			show(directory, top, entry->d_name, options);
	closedir(entries);
	remember_view(top);
	cwd_note_view(&st, top);
	return top;
}

void view_mount(const struct plan *plan, const struct mount *mount)
{
	int directory = inroot_find(mount->target, O_DIRECTORY, NULL);
	if (directory < 0)
		fail("open", mount->target);
	mounted_add(mount->target, view_make(directory, (unsigned)plan->root->options, mount->target, plan));
	close(directory);
}

void view_seal_all(void)
{
	for (const struct view *view = views; view; view = view->next)
		if (tree_set_readonly(view->tree, true) < 0)
			fail("make a view read-only", NULL);
}
