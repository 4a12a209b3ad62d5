#include "fs/mounted.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>

#include "base/report.h"
#include "base/sys.h"

static struct mounted *root;
/*
 * A hash table with open addressing, by path: a box may have a thousand binds, and each looks for the mounts above it.
 */
static struct slot {
	struct mounted *latest;
} * slots;
static size_t room, count;
static unsigned made;
static struct mounted *(*open_mask)(const struct mounted *mask);

enum { FNV_OFFSET = 2166136261u, FNV_PRIME = 16777619u };

static uint32_t add_to_hash(uint32_t hash, char byte) { return (hash ^ (unsigned char)byte) * FNV_PRIME; }

static bool is_at(const struct mounted *mounted, const char *path, size_t length, uint32_t hash)
{
	return mounted->hash == hash && mounted->length == length && memcmp(mounted->path, path, length) == 0;
}

static struct slot *slot_of(const char *path, size_t length, uint32_t hash)
{
	size_t at = hash & (room - 1);
	while (slots[at].latest && !is_at(slots[at].latest, path, length, hash))
		at = (at + 1) & (room - 1);
	return &slots[at];
}

static void grow(void)
{
	struct slot *old = slots;
	size_t old_room = room;
	room = room ? room * 2 : 64;
	slots = calloc(room, sizeof *slots);
	if (!slots)
		fail("allocate", NULL);
	for (size_t i = 0; i < old_room; i++)
		if (old[i].latest)
			*slot_of(old[i].latest->path, old[i].latest->length, old[i].latest->hash) = old[i];
	free(old);
}

struct mounted *mounted_add(const char *path, int fd)
{
	struct mounted *added = malloc(sizeof *added);
	if (!added)
		fail("allocate", NULL);
	*added = (struct mounted){
		.path = path, .length = strlen(path), .hash = FNV_OFFSET, .number = made++, .fd = fd, .kernel = -1};
	for (const char *c = path; *c; c++)
		added->hash = add_to_hash(added->hash, *c);
	if (added->length == 0)
		root = added;
	if (count * 2 >= room)
		grow();
	struct slot *slot = slot_of(path, added->length, added->hash);
	count += !slot->latest;
	/* A covered mount's descriptor stays open until all are closed: it may lie below a mount that is still needed. */
	slot->latest = added;
	return added;
}

struct mounted *mounted_above(const char *path, size_t length, size_t *prefix)
{
	struct mounted *found = root;
	uint32_t hash = FNV_OFFSET;
	for (size_t i = 0; i < length;) {
		do
			hash = add_to_hash(hash, path[i++]);
		while (i < length && path[i] != '/');
		struct mounted *here = slot_of(path, i, hash)->latest;
		if (here && here->number > found->number)
			found = here;
	}
	*prefix = found->length;
	return found;
}

void mounted_open_masks_by(struct mounted *(*function)(const struct mounted *mask)) { open_mask = function; }
struct mounted *mounted_open_mask(const struct mounted *mask) { return open_mask(mask); }

int mounted_root(void) { return root->fd; }

bool mounted_on_kernels(int fd, const char *path)
{
	const unsigned long proc = SYS_PROC_MAGIC, sysfs = 0x62656572;
	struct statfs fs;
	if (fstatfs(fd, &fs) < 0)
		fail("open", *path ? path : "/");
	return (unsigned long)fs.f_type == proc || (unsigned long)fs.f_type == sysfs;
}

bool mounted_is_kernels(struct mounted *mounted)
{
	if (mounted->kernel < 0)
		mounted->kernel = mounted_on_kernels(mounted->fd, mounted->path);
	return mounted->kernel;
}
