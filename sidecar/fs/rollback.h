/*
 * Mount points and what else was made in a root, taken back when the box fails.
 *
 * The process that supervises does that, when the box has ended with all its mounts: by then it has the privileges for it
 * in any case, and nothing lies on them. The box hands it the directories, as descriptors, and the names in them.
 */
#ifndef NSBOX_MADE_H
#define NSBOX_MADE_H

#include <stdbool.h>

#include "plan/contract.h"

/* In the box: NAME was made in the directory PARENT. */
void rollback_remember(int parent, const char *name, bool directory);
/* In the box: there is something to be told if it fails. */
bool rollback_has_entries(void);
/* In the box, which has failed: tell all of it, latest first. */
void rollback_send(int link);
/* In the supervisor, before there is a box: no box that fails takes back what lies below this root while we use it. */
void rollback_lock(const struct plan *plan);
/* In the supervisor: NAME in PARENT, which becomes ours, is to be taken back. */
void rollback_receive(int parent, const char *name, bool directory);
/* In the supervisor, after the end of the box. Leaves what other boxes may use by now. */
void rollback_take_back(void);

#endif
