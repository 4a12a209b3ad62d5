#include "fs/make_hint.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/descriptor.h"
#include "fs/mounted.h"

/* Before the box has its root, "/" is the host's. */
static bool is_root_of_host(void)
{
	struct stat top, host;
	return fstat(mounted_root(), &top) == 0 && stat("/", &host) == 0 && is_same_file(&top, &host);
}

static const char *hint_below(long type, const char *path)
{
	enum { OVERLAY = 0x794c7630 };
	char *text;
	size_t prefix;
	const struct mounted *on = mounted_above(path, strlen(path), &prefix);
	if (type == OVERLAY)
		return "the user of the box may not make it there: make it first, or, without --root, use --ro in place of --overlay";
	if (on && on->length &&
		asprintf(&text, "make it first in what is mounted on %s, or choose another place in the box", on->path) >= 0)
		return text;
	return is_root_of_host()
			   ? "it does not exist and can't be made there; make it first, or use --ro, which makes it in the box alone"
			   : "it does not exist and can't be made there; make it first, or use --overlay";
}

const char *make_hint(int parent, const char *path)
{
	enum { PROCFS = 0x9fa0, SYSFS = 0x62656572 };
	int number = errno;
	struct statfs fs;
	const char *hint = NULL;
	long type = fstatfs(parent, &fs) == 0 ? (long)fs.f_type : 0;
	if (type == PROCFS || type == SYSFS)
		hint = "only the kernel makes files there: choose another place in the box";
	else if (number == EACCES || number == EROFS || number == EPERM)
		hint = hint_below(type, path);
	errno = number;
	return hint;
}
