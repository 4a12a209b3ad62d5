/* Memory that is taken piece by piece and given back all at once. */
#ifndef NSBOX_ARENA_H
#define NSBOX_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* All zero is an empty arena. */
struct arena {
	struct arena_chunk *chunks; /* the one in use first */
};

/* Zeroed memory, aligned for any type; NULL when there is none. */
void *arena_alloc(struct arena *arena, size_t size);

/* Space for count things of a size, which together may not overflow. */
void *arena_array(struct arena *arena, size_t count, size_t size);

void arena_free(struct arena *arena);

#endif
