#include "unpack/squashfs_ahead.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unpack/squashfs_decompress.h"
#include "unpack/squashfs_walk.h"

enum { SLOTS = 16, MAX_THREADS = 4, STACK = 256 << 10 };

struct slot {
	uint64_t taken; /* number of the block that somebody decodes, or has decoded; from 1 on */
	uint64_t number; /* of the block that is in it */
	uint64_t position;
	size_t length; /* 0: it is damaged */
	unsigned char *bytes; /* as long as a block of the image */
};

struct worker {
	pthread_t thread;
	bool is_started;
	sqfs fs;
	struct squashfs_walk walk;
	struct squashfs_fragments fragments;
	unsigned char compressed[SQUASHFS_MAX_BLOCK];
};

static struct worker workers[MAX_THREADS];
static struct slot slots[SLOTS];
static unsigned worker_count;
static uint64_t reader_number; /* of the block that the reader has or waits for */
static atomic_bool stopped;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

void squashfs_fragments_open(struct squashfs_fragments *fragments)
{
	*fragments = (struct squashfs_fragments){.uses = 0};
	for (unsigned i = 0; i < SQUASHFS_FRAGMENTS; i++)
		fragments->index[i] = SQUASHFS_INVALID_FRAG;
}

bool squashfs_fragments_find(const struct squashfs_fragments *fragments, uint32_t index, unsigned *place)
{
	*place = 0;
	for (unsigned i = 0; i < SQUASHFS_FRAGMENTS; i++) {
		if (fragments->index[i] == index) {
			*place = i;
			return true;
		}
		if (fragments->used[i] < fragments->used[*place])
			*place = i;
	}
	return false;
}

void squashfs_fragments_use(struct squashfs_fragments *fragments, uint32_t index, unsigned place)
{
	fragments->index[place] = index;
	fragments->used[place] = ++fragments->uses;
}

size_t squashfs_read_block(sqfs *fs, uint64_t position, uint32_t header, void *compressed, void *bytes)
{
	bool is_compressed;
	uint32_t size;
	size_t length = fs->sb.block_size;
	sqfs_data_header(header, &is_compressed, &size);
	if (size > (is_compressed ? SQUASHFS_MAX_BLOCK : length) ||
		pread(fs->fd, is_compressed ? compressed : bytes, size, (off_t)(fs->offset + position)) != (ssize_t)size)
		return 0;
	if (!is_compressed)
		return size;
	return fs->decompressor(compressed, size, bytes, &length) == SQFS_OK ? length : 0;
}

/* Decodes the block with that number, unless somebody else does. False: the reader has stopped. */
static bool decode_block(struct worker *w, uint64_t number, uint64_t position, uint32_t header)
{
	struct slot *slot = &slots[number % SLOTS];
	pthread_mutex_lock(&mutex);
	/* The slot is free when the reader is behind the block that was in it. */
	while (number >= reader_number + SLOTS && !stopped)
		pthread_cond_wait(&changed, &mutex);
	bool go_on = !stopped, ours = number > reader_number && slot->taken < number;
	if (ours)
		slot->taken = number;
	pthread_mutex_unlock(&mutex);
	if (!go_on || !ours)
		return go_on;
	size_t length = squashfs_read_block(&w->fs, position, header, w->compressed, slot->bytes);
	pthread_mutex_lock(&mutex);
	slot->position = position;
	slot->length = length;
	slot->number = number;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
	return true;
}

/* Goes through the blocks of a file as the reader does. */
static bool decode_file(struct worker *w, sqfs_inode *inode, uint64_t *number)
{
	unsigned place;
	sqfs_blocklist blocks;
	struct squashfs_fragment_entry entry;
	sqfs_blocklist_init(&w->fs, inode, &blocks);
	while (blocks.remain > 0) {
		if (sqfs_blocklist_next(&blocks) != SQFS_OK)
			return false;
		if (blocks.input_size > 0 && !decode_block(w, ++*number, blocks.block, blocks.header))
			return false;
	}
	uint32_t index = inode->xtra.reg.frag_idx;
	if (index == SQUASHFS_INVALID_FRAG)
		return true;
	if (index >= w->fs.sb.fragments)
		return false;
	bool there = squashfs_fragments_find(&w->fragments, index, &place);
	squashfs_fragments_use(&w->fragments, index, place);
	if (there)
		return true;
	if (sqfs_frag_entry(&w->fs, &entry, index) != SQFS_OK)
		return false;
	return decode_block(w, ++*number, entry.start_block, entry.size);
}

/* A damaged block ends a worker: the reader comes to the block, too, and has the message. */
static void *run_worker(void *argument)
{
	struct worker *w = argument;
	uint64_t number = 0;
	squashfs_fragments_open(&w->fragments);
	if (squashfs_walk_start(&w->walk, &w->fs))
		while (squashfs_walk_next(&w->walk) && !stopped)
			if (squashfs_is_numbered(&w->walk.inode) && !decode_file(w, &w->walk.inode, &number))
				break;
	squashfs_decompress_end();
	return NULL;
}

void squashfs_ahead_start(int fd, uint64_t offset, size_t block_size)
{
	cpu_set_t processors;
	pthread_attr_t attributes;
	int count = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
	/* As many as processors, beside the reader: it mostly waits for the file system. One alone gains nothing. */
	unsigned wanted = count > MAX_THREADS ? MAX_THREADS : count > 1 ? (unsigned)count : 0;
	stopped = false;
	reader_number = 0;
	worker_count = 0;
	for (int i = 0; i < SLOTS && wanted > 0; i++) {
		slots[i] = (struct slot){.bytes = malloc(block_size)};
		wanted = slots[i].bytes ? wanted : 0;
	}
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	while (worker_count < wanted && sqfs_init(&workers[worker_count].fs, fd, offset) == SQFS_OK) {
		struct worker *w = &workers[worker_count++];
		squashfs_decompress_by_us(&w->fs);
		w->is_started = pthread_create(&w->thread, &attributes, run_worker, w) == 0;
	}
	pthread_attr_destroy(&attributes);
}

const void *squashfs_ahead_next(uint64_t position, size_t *length)
{
	if (worker_count == 0)
		return NULL;
	pthread_mutex_lock(&mutex);
	uint64_t number = ++reader_number;
	pthread_cond_broadcast(&changed);
	const struct slot *slot = &slots[number % SLOTS];
	/* A block that no thread has taken by now is the reader's. */
	bool taken = slot->taken == number;
	while (taken && slot->number != number)
		pthread_cond_wait(&changed, &mutex);
	bool found = taken && slot->position == position && slot->length > 0;
	pthread_mutex_unlock(&mutex);
	*length = found ? slot->length : 0;
	return found ? slot->bytes : NULL;
}

void squashfs_ahead_stop(void)
{
	pthread_mutex_lock(&mutex);
	stopped = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
	for (unsigned i = 0; i < worker_count; i++) {
		if (workers[i].is_started)
			pthread_join(workers[i].thread, NULL);
		sqfs_destroy(&workers[i].fs);
	}
	for (int i = 0; i < SLOTS; i++) {
		free(slots[i].bytes);
		slots[i].bytes = NULL;
	}
	worker_count = 0;
}
