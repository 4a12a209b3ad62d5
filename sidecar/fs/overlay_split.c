#include "fs/overlay_split.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/mountinfo.h"
#include "base/procfs.h"
#include "base/report.h"
#include "fs/inroot.h"
#include "fs/tree.h"
#include "fs/mounted.h"
#include "plan/contract.h"

struct entry {
	struct entry *next;
	char *name;
	mode_t mode;
	int fd; /* the entry itself */
	int opened; /* the entry with its mounts, opened for a bind, or -1 */
	bool overlay; /* it gets an overlay; OPENED is bound if the kernel refuses one, as for VFAT */
	int tree; /* that overlay, or -1 */
};

static struct entry *entries;

/* Mounts below the root: NAME is one on an entry of the root, NAME/... is one further down. */
struct points {
	char **names;
	size_t count;
};

static int add_point(const struct mountinfo *mount, void *with)
{
	struct points *points = with;
	if (!*mount->inside)
		return 0;
	char **names = realloc(points->names, (points->count + 1) * sizeof *names);
	if (!names || !(names[points->count] = strdup(mount->inside + 1)))
		fail("allocate", NULL);
	points->names = names;
	points->count++;
	return 0;
}

enum mounts { NONE_THERE, ON_IT, BELOW_IT };

static enum mounts mounts_of(const struct points *points, const char *name)
{
	size_t length = strlen(name);
	enum mounts found = NONE_THERE;
	for (size_t i = 0; i < points->count; i++) {
		if (strncmp(points->names[i], name, length) != 0)
			continue;
		if (points->names[i][length] == '/')
			return BELOW_IT;
		if (points->names[i][length] == '\0')
			found = ON_IT;
	}
	return found;
}

static void open_entry(int lower, const struct dirent *found, const struct points *points)
{
	struct entry *entry = malloc(sizeof *entry);
	struct stat st;
	if (!entry)
		fail("allocate", NULL);
	*entry = (struct entry){.next = entries, .name = strdup(found->d_name), .opened = -1, .tree = -1};
	if (!entry->name)
		fail("allocate", NULL);
	entry->fd = openat(lower, found->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (entry->fd < 0 && errno == ENOENT) {
		free(entry->name);
		free(entry);
		return;
	}
	if (entry->fd < 0)
		fail("open", found->d_name);
	/* fstat fails for a FUSE mount of another user. */
	entry->mode = fstat(entry->fd, &st) == 0 ? st.st_mode : found->d_type == DT_DIR ? S_IFDIR | 0755 : S_IFREG | 0444;
	enum mounts mounts = mounts_of(points, found->d_name);
	/* Overlayfs refuses procfs as a lower layer, and a try leaves a line in the kernel's log. */
	entry->overlay = S_ISDIR(entry->mode) && mounts != BELOW_IT && !procfs_shows(entry->fd);
	if (!S_ISLNK(entry->mode) && (!entry->overlay || mounts == ON_IT)) {
		entry->opened = tree_open_at(entry->fd);
		if (entry->opened < 0)
			fail("bind", found->d_name);
	}
	entries = entry;
}

bool overlay_split_open(int lower, const char *path)
{
	struct points points = {0};
	if (mountinfo_below(path, add_point, &points) != 0)
		fail("read", "/proc/self/mountinfo");
	if (points.count == 0)
		return false;
	int fd = openat(lower, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	if (!directory)
		fail("list", path);
	for (struct dirent *found; (found = readdir(directory));)
		if (strcmp(found->d_name, ".") != 0 && strcmp(found->d_name, "..") != 0)
			open_entry(lower, found, &points);
	closedir(directory);
	for (size_t i = 0; i < points.count; i++)
		free(points.names[i]);
	free(points.names);
	return true;
}

static void copy_entry(int top, const struct entry *entry)
{
	int done = S_ISLNK(entry->mode)   ? descriptor_copy_link(entry->fd, top, entry->name)
			   : S_ISDIR(entry->mode) ? mkdirat(top, entry->name, entry->mode & 07777)
									  : mknodat(top, entry->name, S_IFREG | 0444, 0);
	if (done < 0)
		fail("copy", entry->name);
}

/* Mounts the copy of the root directory. A lower directory must be attached in our mount namespace. */
static int copy_top(int lower, int target, const char *name)
{
	struct stat st;
	char mode[8];
	if (fstat(lower, &st) < 0)
		fail("open", name);
	snprintf(mode, sizeof mode, "%04o", (unsigned)st.st_mode & 07777);
	int top = tree_new("tmpfs", 0, (struct setting[]){{"source", "nsbox"}, {"mode", mode}, {NULL, NULL}});
	if (top < 0 || tree_attach(top, target) < 0)
		fail_hint("mount tmpfs", name, tree_hint());
	for (const struct entry *entry = entries; entry; entry = entry->next)
		copy_entry(top, entry);
	return top;
}

/* Whether a box has replaced a directory by something else: the change that is kept in STATE wins. */
static bool is_replaced(int upper, const struct entry *entry)
{
	struct stat st;
	return fstatat(upper, entry->name, &st, AT_SYMLINK_NOFOLLOW) == 0 && !(S_ISDIR(st.st_mode) && S_ISDIR(entry->mode));
}

static void make_overlay(struct layers layers, int uppers, int works, struct entry *entry, unsigned options)
{
	layers.lower = entry->fd;
	int upper = overlay_layer(&layers, uppers, entry->name, entry->fd),
		work = overlay_layer(&layers, works, entry->name, -1);
	entry->tree = overlay_make(&layers, upper, work, -1, options);
	if (entry->tree < 0 && entry->opened < 0)
		fail_hint("mount overlay", entry->name, overlay_hint(&layers));
	close(upper);
	close(work);
}

static void attach_entry(int root, const struct entry *entry, unsigned options)
{
	char *path;
	int target = inroot_open(root, entry->name, O_NOFOLLOW);
	int tree = entry->tree;
	if (tree < 0) {
		tree = tree_of(entry->opened);
		if (tree < 0 || tree_restrict(tree, options | ROOT_OPTIONS_RO) < 0)
			fail("set mount options", entry->name);
	}
	if (target < 0 || tree_attach(tree, target) < 0)
		fail("mount", entry->name);
	close(target);
	if (asprintf(&path, "/%s", entry->name) < 0)
		fail("allocate", NULL);
	mounted_add(path, tree);
}

int overlay_split_attach(struct layers layers, int target, unsigned options, const char *name)
{
	int top = copy_top(layers.lower, target, name);
	overlay_open_state(&layers, target, name);
	int upper = overlay_layer(&layers, layers.state, "upper", layers.lower),
		works = overlay_layer(&layers, layers.state, "works", -1);
	struct entry **link = &entries;
	for (struct entry *entry; (entry = *link);) {
		/* These entries need no mount, so they leave the list. */
		if (S_ISLNK(entry->mode) || is_replaced(upper, entry)) {
			*link = entry->next;
			continue;
		}
		/*
		 * These come before the first overlay, whose upper directory contains theirs: in the other order the kernel
		 * warns of layers in use. With mount(2) only one tree can wait at a time.
		 */
		if (entry->overlay && !tree_is_old())
			make_overlay(layers, upper, works, entry, options);
		link = &entry->next;
	}
	int state = descriptor_copy(layers.state);
	/* An overlay with -1 would silently lose its changes. */
	if (state < 0)
		fail("open the overlay's directory", layers.state_path);
	int root =
		overlay_attach((struct layers){.lower = top, .state = state, .state_path = layers.state_path, .scratch = -1},
			target, options, name);
	mounted_add("", root);
	for (struct entry *entry = entries; entry; entry = entry->next) {
		if (entry->overlay && tree_is_old())
			make_overlay(layers, upper, works, entry, options);
		attach_entry(root, entry, options);
	}
	close(layers.state);
	descriptor_close(layers.scratch);
	close(layers.lower);
	close(upper);
	close(works);
	return root;
}

int overlay_split_set_readonly(void)
{
	for (const struct entry *entry = entries; entry; entry = entry->next)
		if (entry->tree >= 0 && tree_set_readonly(entry->tree, true) < 0)
			return -1;
	return 0;
}
