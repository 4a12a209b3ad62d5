/* Whiteouts, by the OCI image specification: they hide files of the layers below, and nothing of their own layer. */
#ifndef NSBOX_UNPACK_WHITEOUT_H
#define NSBOX_UNPACK_WHITEOUT_H

#include <stdbool.h>

/*
 * Carries PATH out if it is a whiteout. False: it is the name of a file. ENTRY is for messages. Fails by
 * event_fail().
 */
bool whiteout(const char *path, const char *entry);
/* Hides what the layers below have at PATH. */
void whiteout_hide(const char *path, const char *entry);
/* Hides what the layers below have in the directory PATH. */
void whiteout_make_opaque(const char *path, const char *entry);

#endif
