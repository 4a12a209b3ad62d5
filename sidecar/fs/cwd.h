/*
 * The command's working directory. A directory of the host is entered only if the box shows that very directory: a
 * command must never run in another directory than the one that its caller was in.
 */
#ifndef NSBOX_FS_CWD_H
#define NSBOX_FS_CWD_H

#include <stdbool.h>
#include <sys/stat.h>

#include "plan/contract.h"

/* Notes which directory of the host is meant, before the first mount hides it. PLAN must stay in memory. */
void cwd_note(const struct plan *plan);
/* Notes that the box shows FD, an overlay or a view, in place of the directory BEFORE, which may be the caller's. */
void cwd_note_view(const struct stat *before, int fd);
/* Notes that the root is an overlay. WHOLE: it shows all that is mounted below it on the host, too. */
void cwd_note_overlay(int fd, const struct root *root, bool whole);
/* The same for an overlay that is mounted in the box, on the directory LOWER of the host. */
void cwd_note_overlay_of(int top, int lower, const char *lower_path);
/* The path of the directory of the host, or NULL if it has none. */
const char *cwd_path(void);
/* Enters the plan's directory, and sets PWD in ENVIRONMENT. Fails by fail(). */
void cwd_enter(const struct process *process, char **environment);

#endif
