/*
 * Job control for a command that enters a box on a terminal. The command has a process group of its own, so that
 * kill(0) in it reaches no process of the caller's. Our own group stays in the foreground until the command asks for
 * the terminal, since other processes of that group may need it too (a pager behind a pipe). We pass stops and
 * continues on by hand.
 */
#ifndef NSBOX_PROCESS_FOREGROUND_H
#define NSBOX_PROCESS_FOREGROUND_H

#include <stdbool.h>
#include <sys/signalfd.h>

/* Call it before there is a command. */
void foreground_set_up(void);
/* Makes PID, a new process, lead its own group. Both parent and child (PID 0) call it, since either may come first. */
void foreground_lead(int pid);
/* SIGNAL stopped PID: gives it the terminal, if it asked for that and we have it; otherwise we stop too. */
void foreground_stopped(int pid, int signal);
/* Handles a signal to us. False if the caller has to pass it on: to the whole group, if it came from the terminal. */
bool foreground_take(int pid, const struct signalfd_siginfo *from);
/* Takes the terminal back, once the command has ended. */
void foreground_end(int pid);

#endif
