/*
 * All patterns at once, as a state for each directory: which names of which patterns may follow. States are made when a
 * walk first comes to them, so a name costs the same for one pattern as for many.
 */
#ifndef NSBOX_HIDE_STATES_H
#define NSBOX_HIDE_STATES_H

#include <stdbool.h>
#include <stddef.h>

struct state;

/* What a name is, and what may follow below it. */
struct step {
	bool hidden;
	/* The state of the directory of that name; NULL: nothing below it can be hidden. */
	const struct state *next;
};

/*
 * Adds a pattern: an absolute path; with `!` before it, one of paths that stay in sight. NULL, or what is wrong.
 * The text has to stay.
 */
const char *states_add(const char *pattern);
/* The state of the directory PATH, which is absolute; NULL: nothing below it can be hidden. */
const struct state *states_at(const char *path);
/* Whether PATH itself is hidden. */
bool states_hide(const char *path);
/* What the name of LENGTH bytes, at least one, is in a directory of that state. */
struct step states_step(const struct state *state, const char *name, size_t length);
/* Whether more states were needed than there may be; then nothing that was returned counts. */
bool states_overflow(void);

#endif
