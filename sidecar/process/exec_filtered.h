/*
 * execve under a filter of system calls that isn't ours. Such a filter may refuse any call, so the command's execve is
 * the only one of our calls that meets it. Its error is stored in shared memory, and the supervisor reports it.
 */
#ifndef NSBOX_PROCESS_EXEC_FILTERED_H
#define NSBOX_PROCESS_EXEC_FILTERED_H

#include <stdbool.h>

#include "plan/contract.h"

bool exec_filtered_is_needed(const struct process *process);
/* Call it before there is a box. PROCESS must stay in memory. */
void exec_filtered_set_up(const struct process *process);
/*
 * Loads the filter and executes PATH; if that is a text without "#!", the shell of BY_SHELL, unless BY_SHELL is NULL.
 */
_Noreturn void exec_filtered(const char *path, char **argv, char **by_shell, char **env);
/* Ends the process, even if a filter refuses exit. */
_Noreturn void exec_filtered_end(int status);
/* In the supervisor: whether execve has failed; and the message about that. */
bool exec_filtered_has_failed(void);
_Noreturn void exec_filtered_explain(void);

#endif
