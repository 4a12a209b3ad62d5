#include "unpack/squashfs_ahead.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "unpack/squashfs_walk.h"

enum { SLOTS = 16, MAX_THREADS = 3, STACK = 256 << 10 };

struct slot {
	uint64_t number; /* of the block, from 1 on */
	uint64_t position;
	size_t length; /* 0: it is damaged */
	unsigned char *bytes;
};

struct worker {
	pthread_t thread;
	unsigned share; /* it decodes each block whose number leaves this remainder */
	bool ended;
	sqfs fs;
	struct squashfs_walk walk;
	unsigned char compressed[SQUASHFS_MAX_BLOCK], bytes[SQUASHFS_MAX_BLOCK];
};

static struct worker workers[MAX_THREADS];
static struct slot slots[SLOTS];
static unsigned worker_count;
static uint64_t reader_number; /* of the block that the reader has or waits for */
static atomic_bool stopped;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;

size_t squashfs_read_block(sqfs *fs, uint64_t position, uint32_t header, void *compressed, void *bytes)
{
	bool is_compressed;
	uint32_t size;
	size_t length = SQUASHFS_MAX_BLOCK;
	sqfs_data_header(header, &is_compressed, &size);
	if (size > SQUASHFS_MAX_BLOCK ||
		pread(fs->fd, is_compressed ? compressed : bytes, size, (off_t)(fs->offset + position)) != (ssize_t)size)
		return 0;
	if (!is_compressed)
		return size;
	return fs->decompressor(compressed, size, bytes, &length) == SQFS_OK ? length : 0;
}

/* Decodes the block with that number if it is the worker's. False: the reader has stopped. */
static bool decode_block(struct worker *w, uint64_t number, uint64_t position, uint32_t header)
{
	if (number % (worker_count + 1) != w->share)
		return true;
	struct slot *slot = &slots[number % SLOTS];
	pthread_mutex_lock(&mutex);
	while (number >= reader_number + SLOTS && !stopped)
		pthread_cond_wait(&changed, &mutex);
	bool go_on = !stopped;
	pthread_mutex_unlock(&mutex);
	if (!go_on)
		return false;
	size_t length = squashfs_read_block(&w->fs, position, header, w->compressed, w->bytes);
	if (length > w->fs.sb.block_size)
		length = 0;
	memcpy(slot->bytes, w->bytes, length);
	pthread_mutex_lock(&mutex);
	slot->position = position;
	slot->length = length;
	slot->number = number;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
	return true;
}

/* Goes through the blocks of a file as the reader does. *FRAGMENT is the one that the file before had. */
static bool decode_file(struct worker *w, sqfs_inode *inode, uint64_t *number, uint32_t *fragment)
{
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
	if (index == SQUASHFS_INVALID_FRAG || index == *fragment)
		return true;
	if (index >= w->fs.sb.fragments || sqfs_frag_entry(&w->fs, &entry, index) != SQFS_OK)
		return false;
	*fragment = index;
	return decode_block(w, ++*number, entry.start_block, entry.size);
}

/* A damaged block ends a worker: the reader comes to the block, too, and has the message. */
static void *run_worker(void *argument)
{
	struct worker *w = argument;
	uint64_t number = 0;
	uint32_t fragment = SQUASHFS_INVALID_FRAG;
	if (squashfs_walk_start(&w->walk, &w->fs))
		while (squashfs_walk_next(&w->walk) && !stopped)
			if (squashfs_is_numbered(&w->walk.inode) && !decode_file(w, &w->walk.inode, &number, &fragment))
				break;
	pthread_mutex_lock(&mutex);
	w->ended = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&mutex);
	return NULL;
}

void squashfs_ahead_start(int fd, uint64_t offset, size_t block_size)
{
	cpu_set_t processors;
	pthread_attr_t attributes;
	int count = sched_getaffinity(0, sizeof processors, &processors) == 0 ? CPU_COUNT(&processors) : 1;
	unsigned wanted = count > MAX_THREADS ? MAX_THREADS : (unsigned)(count - 1);
	stopped = false;
	reader_number = 0;
	worker_count = 0;
	for (int i = 0; i < SLOTS && wanted > 0; i++) {
		slots[i] = (struct slot){.bytes = malloc(block_size)};
		wanted = slots[i].bytes ? wanted : 0;
	}
	unsigned ready = 0;
	while (ready < wanted && sqfs_init(&workers[ready].fs, fd, offset) == SQFS_OK)
		ready++;
	/* Shares follow from the number of workers, so one that can't be started counts as ended. */
	worker_count = ready;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK);
	for (unsigned i = 0; i < ready; i++) {
		workers[i].share = i + 1;
		workers[i].ended = false;
		if (pthread_create(&workers[i].thread, &attributes, run_worker, &workers[i]) != 0) {
			workers[i].ended = true;
			workers[i].thread = pthread_self();
		}
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
	unsigned share = (unsigned)(number % (worker_count + 1));
	while (share > 0 && slot->number != number && !workers[share - 1].ended)
		pthread_cond_wait(&changed, &mutex);
	bool found = share > 0 && slot->number == number && slot->position == position && slot->length > 0;
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
		if (!pthread_equal(workers[i].thread, pthread_self()))
			pthread_join(workers[i].thread, NULL);
		sqfs_destroy(&workers[i].fs);
	}
	for (int i = 0; i < SLOTS; i++) {
		free(slots[i].bytes);
		slots[i].bytes = NULL;
	}
	worker_count = 0;
}
