/* Memory that is allocated piece by piece and freed all at once. */
#ifndef NSBOX_BASE_ARENA_H
#define NSBOX_BASE_ARENA_H

#include <stddef.h>

struct arena_chunk;

/* A zeroed structure is an empty arena. */
struct arena {
	struct arena_chunk *chunks; /* the one in use first */
};

/* Zeroed memory, aligned for any type; NULL if there is no memory left. */
void *arena_alloc(struct arena *arena, size_t size);

/* Space for COUNT entries of SIZE bytes; NULL also where the product overflows. */
void *arena_array(struct arena *arena, size_t count, size_t size);

void arena_free(struct arena *arena);

#endif
