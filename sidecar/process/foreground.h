/*
 * A command that enters a box on a terminal, in a process group that holds nobody else: kill(0) there reaches no
 * process of the caller's. Our own group stays in the foreground until the command asks for the terminal, as others of
 * that group may need it too (a pager behind a pipe). Job control is passed on by hand.
 */
#ifndef NSBOX_PROCESS_FOREGROUND_H
#define NSBOX_PROCESS_FOREGROUND_H

#include <stdbool.h>
#include <sys/signalfd.h>

/* Before there is a command. */
void foreground_set_up(void);
/*
 * PID, which was just made, leads a group of its own; called by both sides, as nobody knows who comes first. In the
 * child PID is 0.
 */
void foreground_lead(int pid);
/* PID was stopped by SIGNAL: it gets the terminal, if it has asked for that and we have it, or we are stopped too. */
void foreground_stopped(int pid, int signal);
/* What came to us; true: that is all. Otherwise it is for the group too, if it came from the terminal. */
bool foreground_take(int pid, const struct signalfd_siginfo *from);
/* The command has ended. */
void foreground_end(int pid);

#endif
