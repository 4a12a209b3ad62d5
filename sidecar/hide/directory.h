/* Directories that are looked through: opened without a side effect, and read with as few calls as the kernel allows.
 */
#ifndef NSBOX_HIDE_DIRECTORY_H
#define NSBOX_HIDE_DIRECTORY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* As the kernel writes it, getdents64(2). */
struct directory_entry {
	uint64_t inode, offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

/* Whether NAME is "." or "..". */
bool directory_is_dots(const char *name);

/* Notes whether this mount namespace has automounts, for `directory_is_automount`. */
void directory_find_automounts(void);

/*
 * Whether to open NAME, in PARENT, would have the kernel mount something there. DEVICE: PARENT's, which saves calls; 0
 * where the caller doesn't know it.
 */
bool directory_is_automount(int parent, dev_t device, const char *name);

/* A descriptor of the directory NAME for reading, not through a link; -1 with errno. */
int directory_open(int parent, const char *name);

/* Calls VISIT with each entry but "." and ".."; -1 with errno where the directory can't be read to its end. */
int directory_read(int fd, void (*visit)(void *data, const struct directory_entry *entry), void *data);

/* Whether the error is about what this process may have open, and not about the directory. */
bool directory_is_scarcity(int number);

#endif
