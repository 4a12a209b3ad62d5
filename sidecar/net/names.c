#include "net/names.h"

#include <stdlib.h>
#include <string.h>

#include "net/veth.h"

/* No address ends in 0 or 255, which some programs take for a network's own. */
enum { LAST_BYTES = 250 };

static unsigned hash_of(const char *name)
{
	uint32_t hash = 2166136261u; /* FNV-1a */
	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	return hash;
}

int names_add(struct names *names, const char *name)
{
	unsigned slot = hash_of(name) % NAMES_SLOTS;
	for (; names->slots[slot]; slot = (slot + 1) % NAMES_SLOTS)
		if (strcmp(names->list[names->slots[slot] - 1], name) == 0)
			return names->slots[slot] - 1;
	char *copy = names->count < NAMES_MAX ? strdup(name) : NULL;
	if (!copy)
		return -1;
	names->list[names->count] = copy;
	names->slots[slot] = (uint16_t)++names->count;
	return (int)names->count - 1;
}

struct address names_address(int number, sa_family_t family)
{
	struct address address = family == AF_INET ? VETH_NAMES4 : VETH_NAMES6;
	uint8_t *last = address.bytes + (family == AF_INET ? 2 : 14);
	last[0] = (uint8_t)(number / LAST_BYTES);
	last[1] = (uint8_t)(number % LAST_BYTES + 1);
	return address;
}

const char *names_find(const struct names *names, const struct address *address)
{
	const uint8_t *last = address->bytes + (address->family == AF_INET ? 2 : 14);
	unsigned number = last[0] * (unsigned)LAST_BYTES + last[1] - 1;
	if (last[1] == 0 || last[1] > LAST_BYTES || number >= names->count)
		return NULL;
	struct address own = names_address((int)number, address->family);
	return address_is(&own, address) ? names->list[number] : NULL;
}
