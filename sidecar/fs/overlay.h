/* Overlays: a directory of the host below, changes above it. */
#ifndef NSBOX_FS_OVERLAY_H
#define NSBOX_FS_OVERLAY_H

#include <stdbool.h>

#include "base/steps.h"

/* The directories of an overlay, held before the first mount hides them. Without STATE the changes vanish. */
struct layers { int lower, state; const char *state_path; };

struct plan;

/* Locks on all states of the plan, which this process and its children hold from now on. Fails by fail(). */
void overlay_lock_states(const struct plan *plan);
/*
 * There only attributes named user.overlay.* can be written, where root of the machine has trusted.*; and see
 * compose.h.
 */
bool overlay_in_user_namespace(void);
/* STATE may be NULL. Fails by fail(), of the step STEP or of "state". */
struct layers overlay_hold(const char *lower, const char *state, enum step step);
/* Mount the overlay on TARGET; a descriptor of its top directory. Takes the layers. Fails by fail(). */
int overlay_attach(struct layers layers, int target, unsigned options, const char *name);

/*
 * The parts of the above. Where no state is kept, a tmpfs for it, on the target itself: so nothing else is needed for
 * it.
 */
void overlay_open_state(struct layers *layers, int target, const char *name);
/* NAME in DIRECTORY, a directory and no link, made like the directory LIKE (or -1). Fails by fail(). */
int overlay_layer(const struct layers *layers, int directory, const char *name, int like);
/* An overlay that is not in its place yet. It is restricted as its lower mount is, too. -1 with errno. */
int overlay_make(const struct layers *layers, int upper, int work, unsigned options);
/* The way out where that has failed with errno, or NULL. The kernel's own words, where it has any, rarely say what to do. */
const char *overlay_hint(const struct layers *layers);

#endif
