#include "fs/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/clock.h"
#include "plan/contract.h"
#include "base/descriptor.h"
#include "base/host.h"
#include "base/report.h"
#include "fs/scratch.h"
#include "fs/tree.h"

/*
 * The flags of statvfs(3) and of the plan must be the same numbers: an overlay takes its lower mount's restrictions
 * over.
 */
_Static_assert((int)ROOT_OPTIONS_NOSUID == (int)ST_NOSUID && (int)ROOT_OPTIONS_NODEV == (int)ST_NODEV &&
				   (int)ROOT_OPTIONS_NOEXEC == (int)ST_NOEXEC,
	"mount options");

bool overlay_in_user_namespace(void)
{
	/* The machine's first user namespace has a fixed inode number, PROC_USER_INIT_INO. */
	struct stat st;
	return stat("/proc/self/ns/user", &st) == 0 && st.st_ino != 0xEFFFFFFDu;
}

static void lock_state(const char *state)
{
	int fd = state ? host_open(state, O_RDONLY | O_DIRECTORY) : -1;
	/* A file system without locks, as some network file systems are, is left to the caller's care. */
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		fail_plain_hint("another box keeps its changes there", state,
			"two boxes at once would spoil each other's changes: wait for the other one to end, or name another directory");
}

static const char *pull_hint(const char *image)
{
	char *text;
	return asprintf(&text, "nsbox image pull %s", image) < 0 ? NULL : text;
}

/*
 * A process that removes a layer removes its name first, and then locks it alone. So the name has to lead to the same
 * directory once it is locked. We wait for a lock that lasts for a moment only.
 */
static void lock_layer(const char *path, const char *image)
{
	enum { TRIES = 100 };
	struct stat locked, now;
	int fd = host_open(path, O_RDONLY | O_DIRECTORY), again = -1, tries = 0;
	while (fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK && tries++ < TRIES)
		clock_sleep(10000);
	if (fd >= 0)
		again = host_open(path, O_PATH | O_DIRECTORY);
	if (again >= 0 &&
		(tries > TRIES || fstat(fd, &locked) < 0 || fstat(again, &now) < 0 || !is_same_file(&locked, &now)))
		again = -1, errno = ENOENT;
	if (again < 0)
		fail_hint("open", path, host_hint(path, pull_hint(image)));
	close(again);
}

void overlay_lock(const struct plan *plan)
{
	const struct root *root = plan->root;
	report_step(STEP_ROOT);
	for (size_t n = 0; root->image && n < root->lowers_count; n++)
		lock_layer(root->lowers[n], root->image);
	report_step(STEP_STATE);
	lock_state(root->state);
	for (size_t i = 0; i < plan->mounts_count; i++)
		lock_state(plan->mounts[i].state);
}

struct layers overlay_open(char *const *lowers, size_t count, const char *state, const char *image, enum step step)
{
	struct layers layers = {.lower = -1, .state = -1, .state_path = state, .scratch = -1};
	const char *missing = image ? pull_hint(image) : step == STEP_ROOT ? HINT_ROOT : NULL;
	report_step(step);
	for (size_t n = 0; n < count; n++)
		overlay_add(
			&layers, host_open_directory(lowers[n], missing, step == STEP_ROOT && !image ? HINT_ROOT_FILE : NULL));
	if (state) {
		report_step(STEP_STATE);
		layers.state = host_open_directory(state, HINT_STATE, NULL);
	}
	return layers;
}

void overlay_set_scratch(struct layers *layers, const char *path)
{
	layers->scratch_path = path;
	layers->scratch = host_open_directory(path, NULL, NULL);
}

void overlay_add(struct layers *layers, int directory)
{
	if (layers->lower < 0) {
		layers->lower = directory;
		return;
	}
	layers->below = realloc(layers->below, (layers->more_count + 1) * sizeof *layers->below);
	if (!layers->below)
		fail("allocate", NULL);
	layers->below[layers->more_count++] = directory;
}

/* Gives a new upper directory the mode and owner of the lower one, since an overlay shows those of the upper one. */
static void make_like(int fd, int like)
{
	struct stat st;
	char path[DESCRIPTOR_NAME];
	descriptor_name(fd, path);
	if (like >= 0 && fstat(like, &st) == 0) {
		/* chown fails for an owner that the user namespace doesn't map. */
		(void)!chown(path, st.st_uid, st.st_gid);
		(void)!chmod(path, st.st_mode & 07777);
	}
}

static _Noreturn void fail_layer(const struct layers *layers, const char *name, const char *what)
{
	int number = errno;
	char *path;
	if (asprintf(&path, "%s/%s", layers->state_path ? layers->state_path : "", name) < 0)
		path = NULL;
	errno = number;
	fail_hint(what, path,
		number == EROFS || number == EACCES || number == EPERM
			? "the directory of --overlay=DIR must be one that you can write to; --overlay alone keeps the changes in memory"
		: number == ENOTDIR
			? "there is a file or a symbolic link where nsbox keeps its changes: move it away, or name another directory"
			: NULL);
}

int overlay_layer(const struct layers *layers, int directory, const char *name, int like)
{
	int made = mkdirat(directory, name, 0755);
	if (made < 0 && errno != EEXIST)
		fail_layer(layers, name, "make the overlay's directory");
	int fd = openat(directory, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail_layer(layers, name, "open the overlay's directory");
	if (made == 0)
		make_like(fd, like);
	return fd;
}

enum { SOURCE, UPPER, WORK, NOTES, FIXED };

/*
 * Renaming a directory of the lower layer needs redirect_dir, by which the kernel notes the old name in an attribute.
 * Only the machine's root gets it, and only if no changes are kept. Otherwise a box could move a directory away from a
 * mask in it, and the next box would show the masked files under the new name. Kept changes aren't searched for such
 * notes either ("nofollow").
 */
static struct setting notes(bool kept)
{
	if (overlay_in_user_namespace())
		return (struct setting){"userxattr", NULL};
	return (struct setting){"redirect_dir", kept ? "nofollow" : "on"};
}

/* userxattr came with Linux 5.11, and an upper layer without trusted attributes can't redirect. LAST: the end of
 * SETTINGS. */
static int make_noted(struct setting *settings, struct setting *last, bool kept, unsigned options, int target)
{
	*last = notes(kept);
	int tree = tree_new_long("overlay", options, settings, target);
	if (tree < 0 && errno == EINVAL && (overlay_in_user_namespace() || !kept)) {
		last->key = NULL;
		tree = tree_new_long("overlay", options, settings, target);
	}
	return tree;
}

/* From Linux 6.7 on each lower directory can be a parameter of its own. */
static int make_appended(const struct layers *layers, const struct setting *fixed, unsigned options, int target)
{
	size_t count = layers->more_count + 1;
	char(*names)[DESCRIPTOR_NAME] = calloc(count, sizeof *names);
	struct setting *settings = calloc(count + FIXED + 1, sizeof *settings), *next = settings;
	if (!names || !settings)
		fail("allocate", NULL);
	*next++ = fixed[SOURCE];
	for (size_t n = 0; n < count; n++)
		*next++ = (struct setting){"lowerdir+", descriptor_name(n ? layers->below[n - 1] : layers->lower, names[n])};
	*next++ = fixed[UPPER];
	*next++ = fixed[WORK];
	int tree = make_noted(settings, next, layers->state_path != NULL, options, target), number = errno;
	free(settings);
	free(names);
	errno = number;
	return tree;
}

/*
 * Older kernels take one list, which has to fit into a page with all other parameters. So each layer is named by the
 * number of its descriptor alone, and the working directory is that of the descriptors meanwhile.
 */
static int make_listed(const struct layers *layers, const struct setting *fixed, unsigned options, int target)
{
	enum { NUMBER = 12 };
	size_t size = (layers->more_count + 1) * NUMBER, length = 0;
	char *list = malloc(size);
	int here = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!list)
		fail("allocate", NULL);
	if (here < 0 || chdir("/proc/self/fd") < 0)
		fail("enter", "/proc/self/fd");
	for (size_t n = 0; n <= layers->more_count; n++)
		length += (size_t)snprintf(
			list + length, size - length, "%s%d", n ? ":" : "", n ? layers->below[n - 1] : layers->lower);
	struct setting settings[FIXED + 2] = {fixed[SOURCE], {"lowerdir", list}, fixed[UPPER], fixed[WORK]};
	int tree = make_noted(settings, &settings[FIXED], layers->state_path != NULL, options, target), number = errno;
	if (fchdir(here) < 0)
		fail("leave", "/proc/self/fd");
	close(here);
	free(list);
	errno = number;
	return tree;
}

static int make_mount(const struct layers *layers, int upper, int work, unsigned options, int target)
{
	/* Layers by descriptor, since fsconfig(2) takes 256 bytes at most, and a path may have commas and colons. */
	char lower[DESCRIPTOR_NAME], upper_name[DESCRIPTOR_NAME], work_name[DESCRIPTOR_NAME];
	struct setting fixed[] = {
		[SOURCE] = {"source", "overlay"},
		[UPPER] = {"upperdir", descriptor_name(upper, upper_name)},
		[WORK] = {"workdir", descriptor_name(work, work_name)},
	};
	if (layers->more_count == 0) {
		struct setting settings[FIXED + 2] = {
			fixed[SOURCE], {"lowerdir", descriptor_name(layers->lower, lower)}, fixed[UPPER], fixed[WORK]};
		return make_noted(settings, &settings[FIXED], layers->state_path != NULL, options, target);
	}
	int tree = tree_is_old() ? -1 : make_appended(layers, fixed, options, target);
	if (tree_is_old() || (tree < 0 && errno == EINVAL))
		tree = make_listed(layers, fixed, options, target);
	return tree;
}

const char *overlay_hint(const struct layers *layers)
{
	const long overlay = 0x794c7630;
	struct statfs fs;
	int number = errno;
	const char *hint = tree_hint();
	if (number == ENODEV)
		hint = "this kernel has no overlay file system: modprobe overlay, as root";
	if (number == EPERM)
		hint = "this kernel allows overlays only to root; from Linux 5.11 on ordinary users may make them";
	if (number == EINVAL && layers->state_path && fstatfs(layers->state, &fs) == 0)
		hint =
			(long)fs.f_type == overlay
				? "DIR of --overlay=DIR lies on an overlay itself, as all in a container does: name a directory on another "
				  "file system, such as a volume"
				: "DIR of --overlay=DIR may lie on a file system that can't keep changes, such as NFS or FAT: name another directory, "
				  "or use --overlay alone, which keeps the changes in memory";
	if (number == EINVAL && layers->scratch >= 0)
		hint = "the cache can't keep changes, as on NFS: NSBOX_CACHE or --overlay=DIR names another disk";
	errno = number;
	return hint;
}

static unsigned restrictions_of(int lower)
{
	long flags = descriptor_mount_flags(lower);
	return flags < 0 ? 0 : (unsigned)flags & (ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV | ROOT_OPTIONS_NOEXEC);
}

int overlay_make(const struct layers *layers, int upper, int work, int target, unsigned options)
{
	options |= restrictions_of(layers->lower);
	for (size_t n = 0; n < layers->more_count; n++)
		options |= restrictions_of(layers->below[n]);
	return make_mount(layers, upper, work, options, target);
}

/* The tmpfs stays where it is, hidden by the overlay. */
static void use_scratch(struct layers *layers)
{
	int made = scratch_make(layers->scratch, layers->scratch_path);
	if (!scratch_keeps_attributes(made)) {
		report_warning(
			"directories of the root can't be removed (EIO): the cache lacks user.* attributes; --overlay=DIR names another disk");
		close(made);
		return;
	}
	close(layers->state);
	layers->state = made;
}

void overlay_open_state(struct layers *layers, int target, const char *name)
{
	if (layers->state >= 0)
		return;
	layers->state = tree_new("tmpfs", 0, (struct setting[]){{"source", "nsbox"}, {"mode", "0700"}, {NULL, NULL}});
	if (layers->state < 0 || tree_attach(layers->state, target) < 0)
		fail_hint("mount tmpfs", name, tree_hint());
	if (layers->scratch >= 0 && !scratch_keeps_attributes(layers->state))
		use_scratch(layers);
}

int overlay_attach(struct layers layers, int target, unsigned options, const char *name)
{
	overlay_open_state(&layers, target, name);
	int upper = overlay_layer(&layers, layers.state, "upper", layers.lower),
		work = overlay_layer(&layers, layers.state, "work", -1);
	int tree = overlay_make(&layers, upper, work, target, options);
	/* On top of the tmpfs, if there is one: TARGET still refers to the directory below both. */
	if (tree < 0)
		fail_hint("mount overlay", name, overlay_hint(&layers));
	if (tree_attach(tree, target) < 0)
		fail("mount overlay", name);
	close(layers.state);
	descriptor_close(layers.scratch);
	close(layers.lower);
	for (size_t n = 0; n < layers.more_count; n++)
		close(layers.below[n]);
	free(layers.below);
	close(upper);
	close(work);
	return tree;
}
