/* Overlays: a directory of the host below, changes above it. */
#ifndef NSBOX_OVERLAY_H
#define NSBOX_OVERLAY_H

/* The directories of an overlay, held before the first mount hides them. */
struct layers { int lower, state; };

/* In a user namespace only attributes named user.overlay.* can be written; as root of the machine, trusted.* serve. */
void overlay_use_user_attributes(void);
/* STATE may be NULL: the changes vanish. Fails by fail(). */
struct layers overlay_hold(const char *lower, const char *state);
/* Mount the overlay on TARGET; a descriptor of its top directory. Takes the layers. Fails by fail(). */
int overlay_attach(struct layers layers, int target, unsigned options, const char *name);

#endif
