/* The helper's output: one JSON object a line on standard output, always valid UTF-8. */
#ifndef NSBOX_UNPACK_EVENT_H
#define NSBOX_UNPACK_EVENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Prints events on FILE instead of standard output. */
void event_to(FILE *file);

/* BYTES and ENTRIES so far. Prints at most ten lines a second. */
void event_progress(uint64_t bytes, uint64_t entries);
/* ENTRY was left out: WHAT is "device", "socket", "attribute" or "reserved name". The first ten are printed. */
void event_skipped(const char *what, const char *entry);
/* How many events event_skipped() has counted. */
uint64_t event_skip_count(void);
/* The end of an archive. DIGEST: 64 hexadecimal digits, or NULL. SIZE: bytes that the tree takes on disk, estimated. */
void event_done(const char *digest, uint64_t bytes, uint64_t entries, uint64_t size);
/* The end of a verification: how many files were compared, and how many of them differ. */
void event_verified(uint64_t files, uint64_t differ);
/* {"event":EVENT, KEY:TEXT}; KEY may be NULL. */
void event_print(const char *event, const char *key, const char *text);
/* {"event":"file","path":PATH,"offset":OFFSET,"size":SIZE} */
void event_file(const char *path, uint64_t offset, uint64_t size);

/* Sets a function that a failure calls first, once. */
void event_on_failure(void (*function)(void));
/* Prints WHAT about ENTRY (may be NULL) and errno's number (0: none) as an error, and ends with status 1. */
_Noreturn void event_fail(const char *what, const char *entry, int number);
/* The same with a text that is made like printf's, and no error number. */
_Noreturn void event_failf(const char *entry, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
