#include "trace/record.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "trace/hash.h"

/* More names than a program of sense has; a command that goes on for ever must not fill the memory of its caller. */
enum { MOST_RECORDS = 500000, SLOTS = 1 << 20 };

static uint64_t hash_of_record(const char *bytes, size_t length)
{
	return hash_end(hash_add(HASH_BEGIN, bytes, length));
}

/* Whether the hash is new; it is kept. */
static bool is_new(uint64_t hash)
{
	static uint64_t *seen;
	if (!seen && !(seen = calloc(SLOTS, sizeof *seen)))
		_exit(125);
	size_t at = hash % SLOTS;
	for (; seen[at]; at = (at + 1) % SLOTS)
		if (seen[at] == hash)
			return false;
	seen[at] = hash;
	return true;
}

/* Whoever reads the records has gone: then the command has to end as well. */
static void write_all(const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t done = write(STDOUT_FILENO, bytes, length);
		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			_exit(125);
		bytes += done;
		length -= (size_t)done;
	}
}

void record_write(const char *what, const char *path, const char *real)
{
	static int count;
	const char *const parts[] = {what, path, real};
	char *text = NULL;
	size_t length = 0;
	if (count > MOST_RECORDS)
		return;
	FILE *out = open_memstream(&text, &length);
	if (!out)
		_exit(125);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
		fwrite(parts[i], 1, strlen(parts[i]) + 1, out);
	if (fclose(out) != 0)
		_exit(125);
	if (is_new(hash_of_record(text, length))) {
		if (++count > MOST_RECORDS)
			write_all("T\0\0", 4);
		else
			write_all(text, length);
	}
	free(text);
}

void record_use(char kind, bool follow, bool found, bool changed, const char *path, const char *real)
{
	const char what[] = {kind, follow ? 'f' : 'n', found ? '+' : '-', changed ? 'u' : '.', '\0'};
	record_write(what, path, real);
}
