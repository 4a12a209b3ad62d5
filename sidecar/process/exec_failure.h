/*
 * Explains why a program can't be executed: ENOENT may be about the program, its ELF interpreter, or its script's
 * interpreter.
 */
#ifndef NSBOX_PROCESS_EXEC_FAILURE_H
#define NSBOX_PROCESS_EXEC_FAILURE_H

#include <stdbool.h>

/* Whether execve(2) of PATH may succeed, as far as that can be seen before. If not, errno is the reason. */
bool exec_can_succeed(const char *path);
/* Fails with the reason, after execve(2) of PATH has failed with errno. */
_Noreturn void exec_explain_failure(const char *path);

#endif
