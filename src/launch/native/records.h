/* The directory of remembered plans. It is used only if nobody but the user can write to it. */
#ifndef NSBOX_NATIVE_RECORDS_H
#define NSBOX_NATIVE_RECORDS_H

#include "file.h"
#include "start.h"

enum { CREATE = 0x40, EXCLUSIVE = 0x80, WRITE_ONLY = 1, WITHOUT_WAITING = 0x800 };

/* Whether an open file is of this type, and nobody but the user may read or write it. */
static int is_own(long descriptor, int type, const struct start *start, struct file *file)
{
	enum { EMPTY_PATH = 0x1000 };
	return look_at(descriptor, ADDRESS_OF("starts + 6"), EMPTY_PATH, file) == 0 && (file->mode & TYPE) == type &&
		   file->user == start->user && !(file->mode & 077);
}

static long open_at(long directory, const char *path, long flags)
{
	return call4(OPENAT, directory, path, flags | NO_LINK | WITHOUT_WAITING | CLOSE_ON_EXEC, 0600);
}

/* VALUE as an absolute path without "..", or NULL. own-directories.ts protects the path that it names. */
static const char *absolute(const char *value)
{
	if (!value || *value != '/')
		return 0;
	for (const char *at = value; *at; at++)
		if (at[0] == '.' && at[1] == '.')
			return 0;
	return value;
}

/* Puts the path of nsbox's cache into PATH, as ownDirectory('cache') of own-directories.ts. */
static int name_cache(const struct start *start, char path[PATH_MOST])
{
	const char *parts[2] = {0, ADDRESS_OF("starts + 6")};
	uint64_t used = 0;
	if (start->values[VARIABLE_NSBOX_CACHE] && start->values[VARIABLE_NSBOX_CACHE][0] == '/') {
		parts[0] = absolute(start->values[VARIABLE_NSBOX_CACHE]);
	} else if (start->user == 0) {
		parts[0] = ADDRESS_OF("root_cache");
	} else if (start->values[VARIABLE_XDG_CACHE_HOME] && start->values[VARIABLE_XDG_CACHE_HOME][0] == '/') {
		parts[0] = absolute(start->values[VARIABLE_XDG_CACHE_HOME]);
		parts[1] = ADDRESS_OF("in_cache");
	} else {
		parts[0] = absolute(start->values[VARIABLE_HOME]);
		parts[1] = ADDRESS_OF("in_home");
	}
	for (int i = 0; i < 2; i++) {
		if (!parts[i] || length_of(parts[i]) >= PATH_MOST - used)
			return 0;
		for (const char *at = parts[i]; *at; at++)
			path[used++] = *at;
	}
	path[used] = 0;
	return 1;
}

static void make_cache(char *path)
{
	char *end = path + length_of(path);
	while (end > path && *end != '/')
		end--;
	*end = 0;
	if (end > path)
		call4(MKDIRAT, HERE, path, 0700, 0);
	*end = '/';
	call4(MKDIRAT, HERE, path, 0700, 0);
}

/* The directory of records, or a negative number where there is none that only the user can write to. */
static long open_records(const struct start *start, int make)
{
	struct file file;
	char path[PATH_MOST];
	if (!name_cache(start, path))
		return -1;
	long cache = open_at(HERE, path, DIRECTORY_ONLY);
	if (cache < 0 && make) {
		make_cache(path);
		cache = open_at(HERE, path, DIRECTORY_ONLY);
	}
	if (cache < 0)
		return cache;
	long records = -1;
	if (is_own(cache, DIRECTORY, start, &file)) {
		if (make)
			call4(MKDIRAT, cache, ADDRESS_OF("starts"), 0700, 0);
		records = open_at(cache, ADDRESS_OF("starts"), DIRECTORY_ONLY);
	}
	call4(CLOSE, cache, 0, 0, 0);
	if (records >= 0 && !is_own(records, DIRECTORY, start, &file)) {
		call4(CLOSE, records, 0, 0, 0);
		records = -1;
	}
	return records;
}

#endif
