/* Turns a process of the box into the command. */
#ifndef NSBOX_PROCESS_EXEC_H
#define NSBOX_PROCESS_EXEC_H

#include <signal.h>

#include "plan/contract.h"

/* Executes the command. EXTRA: further arguments, ending in NULL. MASK: the caller's signal mask. */
_Noreturn void exec_command(const struct process *process, char *const *extra, const sigset_t *mask);
/* Takes the command's privileges, but executes nothing: writes a byte to READY, and waits to be killed. */
_Noreturn void exec_open(const struct process *process, const sigset_t *mask, int ready);
/* Notes that init leads the command's new session. */
void exec_session_is_made(void);
/* Has the command ignore SIGCHLD, as the caller does. */
void exec_ignore_children(void);
/* Removes the names and values of the caller's variables from the memory of this process. */
void exec_forget_environment(void);

#endif
