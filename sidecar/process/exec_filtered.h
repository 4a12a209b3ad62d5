/*
 * execve under a filter of system calls that is not ours: it may refuse whatever we call, and so the command's own
 * execve is all of ours that meets it. What goes wrong then is noted, and told by the supervisor.
 */
#ifndef NSBOX_PROCESS_EXEC_FILTERED_H
#define NSBOX_PROCESS_EXEC_FILTERED_H

#include <stdbool.h>

#include "plan/contract.h"

bool exec_filtered_is_needed(const struct process *process);
/* Before there is a box. PROCESS stays. */
void exec_filtered_set_up(const struct process *process);
/* Load the filter and execute PATH; a text without "#!" with BY_SHELL, if that is not NULL. */
_Noreturn void exec_filtered(const char *path, char **argv, char **by_shell, char **env);
/* End, also where a filter refuses that. */
_Noreturn void exec_filtered_end(int status);
/* In the supervisor: whether it has failed, and the message. */
bool exec_filtered_has_failed(void);
_Noreturn void exec_filtered_explain(void);

#endif
