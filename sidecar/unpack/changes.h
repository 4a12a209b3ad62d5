/* What a box has changed: the upper directory of an overlay. */
#ifndef NSBOX_UNPACK_CHANGES_H
#define NSBOX_UNPACK_CHANGES_H

#include <stdbool.h>

/*
 * Prints one record for each entry of the overlay's changes in STATE on standard output: a letter, the path and a NUL.
 * The letters: d directory, o directory that hides what the lower one has, w whiteout, f file, l link, s anything else.
 * A directory comes before what is in it. Behind it stand, in the same form, c without a path if the overlay copied it
 * from the host, and with the name of each extended attribute a if it differs from the host's, or else e (differ.h).
 * PLACE: the directory of the host; it may be missing. Then prints an event "listed" on standard error, and keeps STATE
 * locked until standard input ends.
 *
 * TRUSTED: the overlay was mounted outside of any user namespace, and so keeps its notes in trusted.overlay.*, not in
 * user.overlay.*. Fails by event_fail(), also while the box runs, and for notes by which the content of an entry lies
 * elsewhere.
 */
void changes_print(const char *state, const char *place, bool trusted);

#endif
