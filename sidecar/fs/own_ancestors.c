#include "fs/own_ancestors.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "fs/clean_path.h"
#include "plan/plan.h"

enum { MAX_LINKS = 40 };

static struct own_ancestor *ancestors;
static bool shown, plain;

/* A cache of stat: most of the directories share the beginning of their paths. LINK: the path itself is one. */
struct known {
	char *path;
	struct stat st;
	bool there, link;
	struct known *next;
};

static struct known *known;

static const struct known *look_at(const char *path)
{
	for (struct known *entry = known; entry; entry = entry->next)
		if (strcmp(entry->path, path) == 0)
			return entry;
	struct known *entry = malloc(sizeof *entry);
	char *copy = strdup(path);
	if (!entry || !copy)
		fail("allocate", NULL);
	entry->path = copy;
	entry->there = lstat(path, &entry->st) == 0;
	entry->link = entry->there && S_ISLNK(entry->st.st_mode);
	if (entry->link)
		entry->there = stat(path, &entry->st) == 0;
	entry->there = entry->there && S_ISDIR(entry->st.st_mode);
	entry->next = known;
	known = entry;
	return entry;
}

static void look(const char *directory, int links);

static bool is_known(const struct stat *st, const char *rest)
{
	for (const struct own_ancestor *ancestor = ancestors; ancestor; ancestor = ancestor->next)
		if (ancestor->inode == st->st_ino && ancestor->device == st->st_dev && strcmp(ancestor->rest, rest) == 0)
			return true;
	return false;
}

static void add(const struct stat *st, const char *rest, const char *missing)
{
	struct own_ancestor *ancestor = malloc(sizeof *ancestor);
	if (!ancestor || asprintf(&ancestor->rest, "%s%s%s", rest, *rest && *missing ? "/" : "", missing) < 0)
		fail("allocate", NULL);
	if (is_known(st, ancestor->rest)) {
		free(ancestor->rest);
		free(ancestor);
		return;
	}
	ancestor->device = st->st_dev;
	ancestor->inode = st->st_ino;
	ancestor->next = ancestors;
	ancestors = ancestor;
}

/* Adds all existing directories on PATH, from "/" on. Returns the length of the part that exists; *LINK becomes true
 * for a link in it. */
static size_t add_ways(char *path, const char *missing, bool *link)
{
	size_t length = strlen(path), end = 0;
	for (size_t next = 0; next <= length; next++) {
		if (path[next] != '/' && path[next] != '\0')
			continue;
		char kept = path[next];
		path[next] = '\0';
		const struct known *part = look_at(next ? path : "/");
		path[next] = kept;
		*link |= part->link;
		if (!part->there)
			break;
		add(&part->st, path + next + (kept == '/'), missing);
		end = next;
	}
	return end;
}

/* A link that leads nowhere: the box could make the directory that it names. PATH, as far as it exists, is REAL. */
static void look_beyond(const char *path, size_t there, const char *real, int links)
{
	char to[PATH_MAX], *whole;
	size_t length = there + 1 + strcspn(path + there + 1, "/");
	char *link = strndup(path, length);
	ssize_t got = link ? readlink(link, to, sizeof to - 1) : -1;
	free(link);
	if (got < 0 || links > MAX_LINKS)
		return;
	to[got] = '\0';
	if (asprintf(&whole, "%s/%s%s", to[0] == '/' ? "" : real, to, path + length) < 0)
		fail("allocate", NULL);
	look(clean_path(whole), links + 1);
	free(whole);
}

/*
 * Looks further where PATH leads through a link: the directories on the real path count, too. They come first in the
 * list, so that what a link leads to is there before the link is pinned. THERE: the length of what exists.
 * Never inlined: each page of a large frame would cost every start a page fault.
 */
__attribute__((noinline)) static void look_through(const char *directory, char *path, size_t there, int links)
{
	char real[PATH_MAX];
	bool link = false, ends = !path[there];
	path[there] = '\0';
	int fd = open(there ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool found = fd >= 0 && descriptor_path(fd, real);
	descriptor_close(fd);
	if (found && there && strcmp(real, path) != 0)
		add_ways(real, directory + there + (directory[there] == '/'), &link);
	if (found && !ends)
		look_beyond(directory, there, there ? real : "", links);
}

static void look(const char *directory, int links)
{
	if (strlen(directory) >= PATH_MAX)
		return;
	char *path = strdup(directory);
	if (!path)
		fail("allocate", NULL);
	bool link = strcmp(clean_path(directory), directory) != 0;
	size_t there = add_ways(path, "", &link);
	if (link)
		look_through(directory, path, there, links);
	free(path);
}

static bool leads_there(const char *path)
{
	const struct known *source = look_at(path);
	for (const struct own_ancestor *ancestor = ancestors; source->there && ancestor; ancestor = ancestor->next)
		if (ancestor->inode == source->st.st_ino && ancestor->device == source->st.st_dev && *ancestor->rest)
			return true;
	return false;
}

/* Whether no link is on the path, as far as it exists. */
static bool is_direct(const char *path)
{
	struct sys_open_how how = {
		.flags = (uint64_t)(O_PATH | O_DIRECTORY | O_CLOEXEC), .resolve = RESOLVE_NO_LINKS | RESOLVE_NO_MAGIC};
	/* It stays open until all descriptors are closed at once. */
	return !strstr(path, "/..") && (sys_openat2(AT_FDCWD, path, &how) >= 0 || errno == ENOENT);
}

/*
 * Whether the paths of the host say all: then the search by inode, which takes two calls for each part of a path, would
 * find the same. A link would give a directory a second path in the box, which may show when the first is covered.
 */
static bool is_plain(const struct plan *plan)
{
	if (!plan_shows_host(plan->root) || (plan->root->options & ROOT_OPTIONS_RO))
		return false;
	for (size_t i = 0; i < plan->mounts_count; i++) {
		const struct mount *mount = &plan->mounts[i];
		if (mount->type == MOUNT_BIND && !(mount->options & ROOT_OPTIONS_RO))
			return false;
	}
	for (size_t i = 0; i < plan->own_count; i++)
		if (!is_direct(plan->own[i]))
			return false;
	return true;
}

void own_ancestors_find(const struct plan *plan)
{
	if (!plan->own_count)
		return;
	plain = is_plain(plan);
	shown = plain;
	for (size_t i = 0; i < plan->own_count && !plain; i++)
		look(plan->own[i], 0);
	if (!ancestors)
		return;
	shown = plan->root->type == ROOT_DIRECTORY && leads_there(plan->root->path);
	for (size_t i = 0; i < plan->mounts_count && !shown; i++)
		shown = plan->mounts[i].type == MOUNT_BIND && !(plan->mounts[i].options & ROOT_OPTIONS_RO) &&
				leads_there(plan->mounts[i].source);
}

bool own_ancestors_are_shown(void) { return shown; }
bool own_ancestors_are_plain(void) { return plain; }
const struct own_ancestor *own_ancestors(void) { return ancestors; }
const struct stat *own_ancestors_stat(const char *path) { return &look_at(path)->st; }
