/*
 * The socket from the box to the supervisor (SOCK_SEQPACKET). Messages have a fixed size and form, since the supervisor
 * doesn't trust the box.
 */
#ifndef NSBOX_BASE_CHANNEL_H
#define NSBOX_BASE_CHANNEL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum channel_kind {
	CHANNEL_STARTED = 1, /* the command was executed */
	CHANNEL_STOPPED = 2, /* signal VALUE stopped the command */
	CHANNEL_ENDED = 3, /* the command ended; VALUE is its wait status */
	CHANNEL_FAILED = 4, /* nsbox failed in the box; VALUE is the exit status */
	CHANNEL_READY = 5, /* all is set up, and the box waits */
	/* Before the id maps: the descriptor is the sender's own directory in /proc, VALUE is its number there. */
	CHANNEL_PROCESS = 6,
	/* The descriptor is a lock on a file that other boxes may use too; the supervisor keeps it. */
	CHANNEL_LOCK = 7,
	/*
	 * Before the command is started: NAME was made in the directory that the descriptor refers to. A second one is a
	 * lock on what was made. VALUE: CHANNEL_MADE_*.
	 */
	CHANNEL_MADE = 8,
};

/*
 * DIRECTORY: a directory was made. STAYS: only a box that fails removes it. OWN: it is one of nsbox's own directories.
 * LINK: a symbolic link was made. TREE: a directory was made that goes with all that is in it.
 */
enum {
	CHANNEL_MADE_DIRECTORY = 1,
	CHANNEL_MADE_STAYS = 2,
	CHANNEL_MADE_OWN = 4,
	CHANNEL_MADE_TREE = 8,
	CHANNEL_MADE_LINK = 16
};

enum { CHANNEL_NAME = 256 }; /* NAME_MAX and the NUL */

/* Its inode identifies what was made, since a mount may lie on the name by now. */
struct channel_made {
	uint64_t device, inode;
	char name[CHANNEL_NAME];
};
/* MADE is sent with a descriptor only; a message without one is CHANNEL_PLAIN bytes long. */
struct channel_message {
	uint32_t kind;
	int32_t value;
	struct channel_made made;
};
enum { CHANNEL_PLAIN = offsetof(struct channel_message, made) };

void channel_send(int fd, enum channel_kind kind, int value);

enum { CHANNEL_ALONG = 2 };

/* The descriptors that come with a message; -1: none. */
struct channel_along {
	int fd[CHANNEL_ALONG];
};

/* LOCK: on what was made, or -1. */
void channel_send_made(int fd, int parent, int lock, const struct channel_made *made, int how);
void channel_send_lock(int fd, int lock);
void channel_send_process(int fd, int process, int number);
/* Receives one message, and the descriptors that came with it. As recv(2): 0 at the end, -1 with errno. */
ssize_t channel_receive(int fd, struct channel_message *message, struct channel_along *along);

#endif
