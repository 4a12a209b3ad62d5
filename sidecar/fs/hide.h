/* Hides what patterns name, and sockets: nsbox-hide (sidecar/hide/) does that, since most starts need no code for it.
 */
#ifndef NSBOX_FS_HIDE_H
#define NSBOX_FS_HIDE_H

#include "plan/contract.h"

/* Opens the list of the host's Unix sockets, if PLAN hides those: in the box it would be that of its own network. */
void hide_open_list(const struct plan *plan);
/* Runs nsbox-hide for the mount, and waits for its end. Fails by fail() as it says. */
void hide_matches(const struct mount *mount);

#endif
