/* The command line of nsbox-net: main.c says what it is. */
#ifndef NSBOX_NET_OPTIONS_H
#define NSBOX_NET_OPTIONS_H

#include <stddef.h>

#include "net/publish.h"
#include "net/rule.h"

struct options {
	struct rules rules;
	struct publish *published;
	size_t published_count;
	/* The program that connects the box to all that the host reaches, or NULL. */
	const char *pasta;
};

/* Fails by fail_status() with STATUS_USAGE. */
void options_read(struct options *options, int argc, char **argv);

#endif
