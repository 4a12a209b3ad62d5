/* From a process of the box to the command. */
#ifndef NSBOX_PROCESS_EXEC_H
#define NSBOX_PROCESS_EXEC_H

#include <signal.h>

#include "plan/contract.h"

/* EXTRA: further arguments, ending in NULL. MASK: the caller's signal mask. */
_Noreturn void exec_command(const struct process *process, char *const *extra, const sigset_t *mask);
/* Become as the command would, execute nothing, write a byte to READY, and wait to be ended. */
_Noreturn void exec_hold(const struct process *process, const sigset_t *mask, int ready);
/* Init leads the session that the command is to have. */
void exec_session_is_made(void);
/* The caller ignores SIGCHLD, and so does the command. */
void exec_ignore_children(void);
/* The names and values of the caller's variables are in the memory of this process no more. */
void exec_forget_environment(void);

#endif
