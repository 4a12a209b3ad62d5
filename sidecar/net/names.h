/*
 * The addresses that stand for names in the box, of the range for benchmarks (198.18.0.0/15, RFC 2544), which no
 * real network has and no program takes for its own machine. A name keeps its address as long as the box lives, and no
 * other name ever gets it.
 */
#ifndef NSBOX_NET_NAMES_H
#define NSBOX_NET_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "net/address.h"

enum { NAMES_MAX = 4096, NAMES_SLOTS = 2 * NAMES_MAX };

struct names {
	char *list[NAMES_MAX];
	unsigned count;
	/* Places in LIST plus 1, found by a hash of the name; 0 is free. */
	uint16_t slots[NAMES_SLOTS];
};

/* The number of NAME, which gets one if it has none. -1: there are NAMES_MAX already, or there is no memory. */
int names_add(struct names *names, const char *name);
/* The address of name NUMBER of FAMILY. */
struct address names_address(int number, sa_family_t family);
/* The name with that address, or NULL. */
const char *names_find(const struct names *names, const struct address *address);

#endif
