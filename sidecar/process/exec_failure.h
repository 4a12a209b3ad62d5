/*
 * Why a program can't be executed: "No such file" is about the program, its ELF interpreter, or its script's
 * interpreter.
 */
#ifndef NSBOX_PROCESS_EXEC_FAILURE_H
#define NSBOX_PROCESS_EXEC_FAILURE_H

#include <stdbool.h>

/* Whether execve(2) of PATH may succeed, as far as that can be seen before; otherwise errno says why not. */
bool exec_can_succeed(const char *path);
/* After execve(2) of PATH has failed with errno. */
_Noreturn void exec_explain_failure(const char *path);

#endif
