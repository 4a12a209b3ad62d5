#include "base/arena.h"

#include <stdint.h>
#include <stdlib.h>

/* The fuzzer sets 0, which makes each piece an allocation of its own: the address sanitizer then sees its bounds. */
#ifndef ARENA_CHUNK
#define ARENA_CHUNK 65536
#endif
/* Small at first, since what is allocated later then lies on the same pages of memory. */
enum { ARENA_FIRST = ARENA_CHUNK / 16 };

struct arena_chunk {
	struct arena_chunk *next;
	size_t size, used;
	_Alignas(max_align_t) char memory[];
};

static struct arena_chunk *arena_grow(struct arena *arena, size_t needed)
{
	size_t least = arena->chunks ? 2 * arena->chunks->size : ARENA_FIRST;
	if (least > ARENA_CHUNK)
		least = ARENA_CHUNK;
	size_t size = needed > least ? needed : least;
	struct arena_chunk *chunk;
	if (size > SIZE_MAX - sizeof *chunk)
		return NULL;
	chunk = calloc(1, sizeof *chunk + size);
	if (!chunk)
		return NULL;
	chunk->size = size;
	chunk->next = arena->chunks;
	arena->chunks = chunk;
	return chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	struct arena_chunk *chunk = arena->chunks;
	size_t needed;
	void *memory;
	if (size > SIZE_MAX - align)
		return NULL;
	needed = (size + align - 1) / align * align;
	if (needed == 0)
		needed = align;
	if (!chunk || chunk->size - chunk->used < needed)
		chunk = arena_grow(arena, needed);
	if (!chunk)
		return NULL;
	memory = chunk->memory + chunk->used;
	chunk->used += needed;
	return memory;
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	if (size && count > SIZE_MAX / size)
		return NULL;
	return arena_alloc(arena, count * size);
}

void arena_free(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;
		free(arena->chunks);
		arena->chunks = next;
	}
}
