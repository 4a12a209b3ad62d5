/*
 * The second network namespace of a box that pasta serves (pasta.h), and the process that leads to it until pasta has
 * joined it. pasta takes paths: those of that process, our child, whose number nobody else can have before we have
 * waited for it.
 */
#ifndef NSBOX_NET_ROUTER_H
#define NSBOX_NET_ROUTER_H

#include <stdbool.h>

struct router {
	/* The process's number here and in /proc. It ends when we close CHANNEL. */
	int pid, number, channel;
	/* A pipe: the descriptor that pasta writes to, which the process has under the same number, and our end. */
	int ready, told;
	/* We have the privileges of root, and the namespace belongs to nobody. */
	bool is_root;
	/* It passes on IPv6. */
	bool v6;
};

/* Makes the namespace. BOX: directory of the box's first process in /proc. Fails by fail_hint(). */
void router_start(struct router *router, int box);
/* Opens the namespace. */
int router_open(const struct router *router);
/* Ends the process. The namespace stays while pasta is in it. */
void router_end(struct router *router);

/* What makes this process one that pasta may be: nobody, in root's place, with a /dev/net/tun that nobody may open. */
void router_become_user(const struct router *router);
/* Whether our user has the number 0. */
bool router_is_user0(void);

#endif
