/* The descriptors that the caller has left open for us: some stay, the others are closed. Fails by fail(). */
#ifndef NSBOX_PROCESS_CALLER_DESCRIPTORS_H
#define NSBOX_PROCESS_CALLER_DESCRIPTORS_H

/* Keeps a descriptor that we use and the command doesn't get. FD below 0 stands for no descriptor. */
void caller_descriptors_keep(int fd, const char *what, const char *hint);
struct process;
/* Keeps those that the command gets, and refuses one through which the box could reach the host's files. */
void caller_descriptors_pass(const struct process *process);
/* In the command: lets execve leave those open. */
void caller_descriptors_hand_over(void);
/* Closes our copies of those, or a reader would never see their end. */
void caller_descriptors_let_go(void);
/*
 * Closes all but 0, 1, 2 and those that are kept. Opens those of 0, 1, 2 that are closed, and fails for those through
 * which the box could reach the host's files.
 */
void caller_descriptors_close(void);

#endif
