#include "hide/directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "hide/kernels.h"

enum { BUFFER = 1 << 16 };

static bool may_have_automounts = true;

bool directory_is_dots(const char *name) { return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])); }

void directory_find_automounts(void)
{
	char *line = NULL;
	size_t room = 0;
	FILE *mounts = fopen("/proc/self/mountinfo", "re");
	if (!mounts)
		return;
	may_have_automounts = false;
	while (!may_have_automounts && getline(&line, &room, mounts) > 0)
		may_have_automounts = strstr(line, " - autofs ") != NULL;
	free(line);
	fclose(mounts);
}

bool directory_is_automount(int parent, dev_t device, const char *name)
{
	struct stat st;
	if (!may_have_automounts || fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0 ||
		st.st_dev == device)
		return false;
	int fd = openat(parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	bool is = fd >= 0 && kernels_own(fd);
	close(fd);
	return is;
}

/* Reading changes the time of the last access, where nobody asks for O_NOATIME; only the owner may. */
int directory_open(int parent, const char *name)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
	int fd = openat(parent, name, flags | O_NOATIME);
	return fd < 0 && errno == EPERM ? openat(parent, name, flags) : fd;
}

int directory_read(int fd, void (*visit)(void *data, const struct directory_entry *entry), void *data)
{
	static char buffer[BUFFER] __attribute__((aligned(8)));
	long got;
	while ((got = syscall(SYS_getdents64, fd, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < got;) {
			const struct directory_entry *entry = (const void *)(buffer + at);
			if (!directory_is_dots(entry->name))
				visit(data, entry);
			at += entry->size;
		}
	return got < 0 ? -1 : 0;
}

bool directory_is_scarcity(int number) { return number == EMFILE || number == ENFILE || number == ENOMEM; }
