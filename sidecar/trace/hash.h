/* A number for a text, by which equal texts are recognized. */
#ifndef NSBOX_TRACE_HASH_H
#define NSBOX_TRACE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN UINT64_C(14695981039346656037)

/* FNV-1a. A command that makes two of its paths collide hides one of its own from its own list. */
static inline uint64_t hash_add(uint64_t hash, const void *bytes, size_t length)
{
	const unsigned char *at = bytes;
	for (size_t i = 0; i < length; i++)
		hash = (hash ^ at[i]) * UINT64_C(1099511628211);
	return hash;
}

/* Never 0, which stands for an empty place. */
static inline uint64_t hash_end(uint64_t hash) { return hash ? hash : 1; }

#endif
