#include "fs/seal.h"

#include <stdlib.h>

#include "plan/contract.h"
#include "fs/mounted.h"
#include "base/report.h"
#include "fs/tree.h"

struct sealed {
	int fd;
	const char *path;
	struct sealed *next;
};

static struct sealed *list;

void seal_later(int fd, const char *path)
{
	struct sealed *added = malloc(sizeof *added);
	if (!added)
		fail("allocate", NULL);
	*added = (struct sealed){fd, path, list};
	list = added;
}

struct mounted *seal_open_mask(const struct mounted *mask)
{
	const unsigned options = ROOT_OPTIONS_NOSUID | ROOT_OPTIONS_NODEV | ROOT_OPTIONS_NOEXEC;
	int tree = tree_new("tmpfs", options, (struct setting[]){{"source", "tmpfs"}, {"mode", "0555"}, {NULL, NULL}});
	if (tree < 0 || tree_attach(tree, mask->fd) < 0)
		fail_hint("mount tmpfs", mask->path, tree_hint());
	seal_later(tree, mask->path);
	return mounted_add(mask->path, tree);
}

void seal_apply(void)
{
	for (const struct sealed *sealed = list; sealed; sealed = sealed->next)
		if (tree_set_readonly(sealed->fd, true) < 0)
			fail("make read-only", sealed->path);
}
