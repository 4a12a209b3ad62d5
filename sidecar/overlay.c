#include "overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"
#include "tree.h"

static bool user_attributes;

void overlay_use_user_attributes(void) { user_attributes = true; }

struct layers overlay_hold(const char *lower, const char *state)
{
	struct layers layers = {.state = -1};
	layers.lower = open(lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (layers.lower < 0)
		fail("open", lower);
	if (state) {
		layers.state = open(state, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (layers.state < 0)
			fail("open", state);
	}
	return layers;
}

/* upper and work have to be on one file system, and work is the kernel's own. */
static int layer(int state, const char *layer_name, const char *name)
{
	if (mkdirat(state, layer_name, 0755) < 0 && errno != EEXIST)
		fail("make the overlay's directories", name);
	int fd = openat(state, layer_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		fail("open the overlay's directories", name);
	return fd;
}

/* The root of the overlay gets the mode of the upper directory: give it that of the lower one. */
static void copy_mode(int lower, int upper)
{
	struct stat st;
	char path[32];
	snprintf(path, sizeof path, "/proc/self/fd/%d", upper);
	if (fstat(lower, &st) == 0) {
		(void)!chown(path, st.st_uid, st.st_gid);
		(void)!chmod(path, st.st_mode & 07777);
	}
}

static int make(int lower, int upper, int work)
{
	/* Layers by descriptor: a parameter of fsconfig(2) ends at 256 bytes, and a path may hold commas and colons. */
	char paths[3][32];
	const int fds[3] = {lower, upper, work};
	for (int i = 0; i < 3; i++)
		snprintf(paths[i], sizeof paths[i], "/proc/self/fd/%d", fds[i]);
	struct setting settings[] = {
		{"source", "overlay"}, {"lowerdir", paths[0]}, {"upperdir", paths[1]}, {"workdir", paths[2]},
		{user_attributes ? "userxattr" : NULL, NULL}, {NULL, NULL},
	};
	int tree = tree_new("overlay", settings);
	if (tree < 0 && errno == EINVAL && user_attributes) {
		/* Before Linux 5.11 there was no such option. */
		settings[4].key = NULL;
		tree = tree_new("overlay", settings);
	}
	return tree;
}

int overlay_attach(struct layers layers, int target, unsigned options, const char *name)
{
	int state = layers.state;
	if (state < 0) {
		/* The tmpfs for the changes goes on the target itself, and the overlay on top: so nothing else is needed for it. */
		state = tree_new("tmpfs", (struct setting[]){{"source", "nsbox"}, {"mode", "0700"}, {NULL, NULL}});
		if (state < 0 || tree_attach(state, target) < 0)
			fail("mount tmpfs", name);
	}
	struct stat before;
	int fresh = fstatat(state, "upper", &before, AT_SYMLINK_NOFOLLOW) < 0;
	int upper = layer(state, "upper", name), work = layer(state, "work", name);
	if (fresh)
		copy_mode(layers.lower, upper);
	int tree = make(layers.lower, upper, work);
	if (tree < 0)
		fail("mount overlay", name);
	if (tree_restrict(tree, options) < 0)
		fail("set mount options", name);
	if (tree_attach(tree, layers.state < 0 ? state : target) < 0)
		fail("mount overlay", name);
	close(state);
	close(layers.lower);
	close(upper);
	close(work);
	return tree;
}
