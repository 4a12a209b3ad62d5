#include "unpack/links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unpack/event.h"

enum { MAX_LINKS = 1 << 17, FIRST_ROOM = 1 << 10 };

struct link {
	uint64_t number;
	char *path; /* NULL: the place is free */
};

static struct link *table;
static size_t room, used;

/* The place of NUMBER, or the free one where it belongs. */
static struct link *find(uint64_t number)
{
	size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 32) & (room - 1);
	while (table[at].path && table[at].number != number)
		at = (at + 1) & (room - 1);
	return &table[at];
}

static void grow(void)
{
	struct link *old = table;
	size_t old_room = room;
	room = room ? room * 2 : FIRST_ROOM;
	table = calloc(room, sizeof *table);
	if (!table)
		event_fail("no memory for hard links", NULL, ENOMEM);
	for (size_t i = 0; i < old_room; i++)
		if (old[i].path)
			*find(old[i].number) = old[i];
	free(old);
}

const char *links_first(uint64_t number, const char *path)
{
	if (used * 2 >= room)
		grow();
	struct link *link = find(number);
	if (link->path)
		return link->path;
	if (++used > MAX_LINKS)
		event_failf(path, "more than %d files have hard links", MAX_LINKS);
	*link = (struct link){number, strdup(path)};
	if (!link->path)
		event_fail("no memory for hard links", path, ENOMEM);
	return NULL;
}

void links_forget(void)
{
	for (size_t i = 0; i < room; i++) {
		free(table[i].path);
		table[i].path = NULL;
	}
	used = 0;
}
