/* Hides what patterns name, and sockets: nsbox-hide (sidecar/hide/) does that, since most starts need no code for it.
 */
#ifndef NSBOX_FS_HIDE_H
#define NSBOX_FS_HIDE_H

#include "plan/contract.h"

/*
 * Opens what PLAN's hiding needs of the host, before a mount covers it: nsbox-hide, and the list of Unix sockets, which
 * in the box would be that of its own network.
 */
void hide_open(const struct plan *plan);
/* Runs nsbox-hide for the mount, and waits for its end. Fails by fail() as it says. */
void hide_matches(const struct mount *mount);

#endif
