/*
 * Where the command starts. A directory of the host counts only if the box shows that very directory: a command must
 * never run in another place than the one that its caller stood in.
 */
#ifndef NSBOX_FS_CWD_H
#define NSBOX_FS_CWD_H

#include <stdbool.h>
#include <sys/stat.h>

#include "plan/contract.h"

/* Note which directory of the host is meant, before the first mount hides it. PLAN stays. */
void cwd_note(const struct plan *plan);
/* What FD refers to is shown in place of the directory that the caller may stand in: an overlay of it, or a view. */
void cwd_note_view(const struct stat *before, int fd);
/* The root is an overlay. WHOLE: of all that is mounted below it on the host too. */
void cwd_note_overlay(int fd, const struct root *root, bool whole);
/* That directory, NULL where the caller has none. */
const char *cwd_path(void);
/* Enter the directory of the plan; PWD in ENVIRONMENT follows. Fails by fail(). */
void cwd_enter(const struct process *process, char **environment);

#endif
