/* Loop devices: block devices that show a part of a file. */
#ifndef NSBOX_FS_LOOP_H
#define NSBOX_FS_LOOP_H

#include <stdint.h>

/*
 * Shows SIZE bytes (0: all to the end) of FILE from OFFSET on as a read-only block device. Returns a descriptor of the
 * device, which frees itself when nobody uses it any more. Messages call the file PATH. Fails by fail().
 */
int loop_open(int file, uint64_t offset, uint64_t size, const char *path);

#endif
