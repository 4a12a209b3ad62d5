#include "fs/filesystem.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/host.h"
#include "base/report.h"
#include "base/sys.h"
#include "fs/loop.h"
#include "fs/tree.h"

/* A file system's tree; until there is one, a descriptor of what it is mounted from: a loop device, or a file. */
struct opened {
	int tree, source;
};

/* As many as the root has file systems, in its order. */
static struct opened *filesystems;

enum { OPTIONS = ROOT_OPTIONS_RO | ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV };

static int mount_from(int source, unsigned type)
{
	char name[DESCRIPTOR_NAME];
	struct setting settings[] = {
		{"source", descriptor_name(source, name)},
		{"ro", NULL},
		/* An ext4 may say of itself that the kernel shall panic at the first error. */
		{type == FILESYSTEM_TYPE_EXT4 ? "errors" : NULL, "continue"},
		{NULL, NULL},
	};
	return tree_new(word_at(filesystem_type_words, type), OPTIONS, settings);
}

static const char *mount_hint(unsigned type, int number)
{
	const char *words = tree_hint();
	char *text;
	switch (number) {
	case EPERM:
		return "only root may mount an image file, and not from a user namespace: without --trust-image it is unpacked";
	case EROFS: return "its journal has changes that were never written to it: e2fsck -f FILE, once";
	case ENODEV:
		return asprintf(&text, "this kernel has no such file system: modprobe %s, as root",
				   word_at(filesystem_type_words, type)) < 0
				   ? NULL
				   : text;
	default:
		return words
				   ? words
				   : "the image may be damaged or cut short, or need what this kernel lacks: dmesg has the kernel's words";
	}
}

static _Noreturn void fail_mount(unsigned type, const char *path)
{
	static char what[sizeof "mount squashfs"];
	int number = errno;
	const char *hint = mount_hint(type, number);
	snprintf(what, sizeof what, "mount %s", word_at(filesystem_type_words, type));
	errno = number;
	fail_hint(what, path, hint);
}

static int check_file(int file, const char *path)
{
	struct stat st;
	if (file < 0 || fstat(file, &st) < 0)
		fail_hint("open", path, host_hint(path, NULL));
	if (!S_ISREG(st.st_mode))
		fail_plain("is not a file", path);
	return file;
}

/* Takes the place of the file system in TREE. That one stays as long as a loop device shows a file of it. */
static int mount_inner(int tree, const struct inner *inner)
{
	struct sys_open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_CLOEXEC, .resolve = RESOLVE_DOWN | RESOLVE_NO_LINKS};
	int file = check_file(sys_openat2(tree, inner->path, &how), inner->path);
	int device = loop_open(file, 0, 0, inner->path);
	int mounted = mount_from(device, inner->type);
	if (mounted < 0)
		fail_mount(inner->type, inner->path);
	close(device);
	close(file);
	close(tree);
	return mounted;
}

static struct opened open_one(const struct filesystem *filesystem)
{
	/* Without O_NONBLOCK, opening a pipe waits for a writer. */
	int file = check_file(host_open(filesystem->path, O_RDONLY | O_NONBLOCK), filesystem->path);
	struct opened opened = {-1, -1};
	if (filesystem->inner && tree_is_old())
		fail_plain("mount(2) can't mount a file of a file system", filesystem->path);
	/* From Linux 6.12 on an erofs is mounted from its file, where the kernel is built for that. */
	if (filesystem->type == FILESYSTEM_TYPE_EROFS && !filesystem->offset && !filesystem->size && !tree_is_old())
		opened.tree = mount_from(file, filesystem->type);
	if (opened.tree < 0) {
		opened.source = loop_open(file, (uint64_t)filesystem->offset, (uint64_t)filesystem->size, filesystem->path);
		if (!tree_is_old() && (opened.tree = mount_from(opened.source, filesystem->type)) < 0)
			fail_mount(filesystem->type, filesystem->path);
	}
	close(file);
	if (filesystem->inner)
		opened.tree = mount_inner(opened.tree, filesystem->inner);
	if (opened.tree >= 0)
		descriptor_close(opened.source), opened.source = -1;
	return opened;
}

void filesystem_open_all(const struct root *root, bool old)
{
	if (!root->filesystems_count)
		return;
	report_step(STEP_ROOT);
	tree_set_up(old);
	filesystems = calloc(root->filesystems_count, sizeof *filesystems);
	if (!filesystems)
		fail("allocate", NULL);
	for (size_t n = 0; n < root->filesystems_count; n++)
		filesystems[n] = open_one(&root->filesystems[n]);
}

static bool is_identity(const struct idrange *ranges, size_t count)
{
	for (size_t n = 0; n < count; n++)
		if (ranges[n].inside != ranges[n].outside)
			return false;
	return true;
}

void filesystem_map_ids(const struct root *root, const struct idmap *map, int process)
{
	/* With mount(2) there is no tree yet, and the box's attempt to mount fails by EPERM. */
	if (!root || !root->filesystems_count || tree_is_old() ||
		(is_identity(map->uid, map->uid_count) && is_identity(map->gid, map->gid_count)))
		return;
	report_step(STEP_ROOT);
	int userns = openat(process, "ns/user", O_RDONLY | O_CLOEXEC);
	struct sys_mount_attr attr = {.set = ATTR_IDMAP, .userns = (uint64_t)userns};
	for (size_t n = 0; n < root->filesystems_count; n++)
		if (userns < 0 || sys_mount_setattr(filesystems[n].tree, 0, &attr) < 0)
			fail_hint("map the ids of the image's files", root->filesystems[n].path,
				"this kernel can't show this file system with other ids: without --trust-image the image is unpacked, and without --map-auto its ids are the machine's");
	close(userns);
}

int filesystem_attach(const struct root *root, size_t n, int target)
{
	struct opened *opened = &filesystems[n];
	if (opened->tree < 0)
		opened->tree = mount_from(opened->source, root->filesystems[n].type);
	if (opened->tree < 0 || tree_attach(opened->tree, target) < 0)
		fail_mount(root->filesystems[n].type, root->filesystems[n].path);
	descriptor_close(opened->source);
	return opened->tree;
}

void filesystem_close_all(const struct root *root)
{
	for (size_t n = 0; root && n < root->filesystems_count; n++) {
		descriptor_close(filesystems[n].tree);
		descriptor_close(filesystems[n].source);
	}
}
