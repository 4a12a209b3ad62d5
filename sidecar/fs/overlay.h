/* Overlays: changes above a directory of the host. */
#ifndef NSBOX_FS_OVERLAY_H
#define NSBOX_FS_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/steps.h"

/* The directories of an overlay, opened before the first mount hides them. STATE is -1 if no changes are kept. */
struct layers {
	int lower; /* the top one of those that are not written to; -1: there is none yet */
	int *below; /* the others, from top to bottom */
	size_t more_count;
	int state;
	const char *state_path;
	const char *scratch_path; /* see scratch.h; NULL: the changes of any box go to a tmpfs */
	int scratch;
};

struct plan;

/*
 * Locks all state directories of the plan, and the layers of its image, for the life of this process and its children.
 * Fails by fail().
 */
void overlay_lock(const struct plan *plan);
/* A user namespace can't write the attributes trusted.overlay.*, and uses user.overlay.*. See overlay_split.h too. */
bool overlay_in_user_namespace(void);
/*
 * LOWERS: the top one first; without one, overlay_add has to give one. STATE and IMAGE, the image that they come from,
 * may be NULL. Fails by fail(), of the step STEP or of "state".
 */
struct layers overlay_open(char *const *lowers, size_t count, const char *state, const char *image, enum step step);
/* Names the directory for changes that vanish where a tmpfs can't keep them. Fails by fail(). */
void overlay_set_scratch(struct layers *layers, const char *path);
/* Adds a directory, which becomes theirs, below all others. Fails by fail(). */
void overlay_add(struct layers *layers, int directory);
/* Mounts the overlay on TARGET and closes the layers. Returns a descriptor of its top directory. Fails by fail(). */
int overlay_attach(struct layers layers, int target, unsigned options, const char *name);

/*
 * The steps of overlay_attach. Without STATE, mounts a tmpfs for it on the target itself, which needs no other
 * directory, or makes a directory in SCRATCH.
 */
void overlay_open_state(struct layers *layers, int target, const char *name);
/*
 * Opens the directory NAME in DIRECTORY, and makes it if it is missing, with mode and owner of LIKE (or -1). Fails by
 * fail().
 */
int overlay_layer(const struct layers *layers, int directory, const char *name, int like);
/* Makes an overlay that isn't attached yet. It has the restrictions of its lower mount, too. -1 with errno. */
int overlay_make(const struct layers *layers, int upper, int work, int target, unsigned options);
/* The hint after overlay_make has failed with errno, or NULL. The kernel's own words rarely name the way out. */
const char *overlay_hint(const struct layers *layers);

#endif
