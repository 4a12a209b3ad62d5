/* What the box may connect to: the rules, and whether one allows something. */
#ifndef NSBOX_NET_RULE_H
#define NSBOX_NET_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/name.h"

enum rule_kind {
	RULE_NAME,
	/* All names below the name, never itself: *.example.org */
	RULE_BELOW,
	RULE_ADDRESS,
};

struct rule {
	enum rule_kind kind;
	uint16_t port;
	struct address address;
	/* For messages, an address too. */
	char name[NAME_SIZE];
};

struct rules {
	struct rule *list;
	size_t count;
	/* Addresses that aren't part of the public internet may be connected to, too. */
	bool allow_private;
	/* The first bytes of a connection have to be a TLS hello with the name that the rule allows. */
	bool check_sni;
};

/*
 * Reads NAME:PORT, *.NAME:PORT, ADDRESS:PORT or [ADDRESS]:PORT (IPv6). Returns NULL, or what is wrong with TEXT.
 * ALLOW_PRIVATE: as in struct rules.
 */
const char *rule_read(const char *text, bool allow_private, struct rule *rule);
/* A port from 1 to 65535, or 0 if TEXT is none. */
uint16_t rule_read_port(const char *text);

/* Whether a rule names NAME, whatever the port. */
bool rules_have_name(const struct rules *rules, const char *name);
/* Whether a name that a rule names, or may name, lies below NAME; it lies below the root, which is "". */
bool rules_have_below(const struct rules *rules, const char *name);
bool rules_allow_name(const struct rules *rules, const char *name, uint16_t port);
/* Whether a rule has the address, whatever the port. */
bool rules_have_address(const struct rules *rules, const struct address *address);
bool rules_allow_address(const struct rules *rules, const struct address *address, uint16_t port);

#endif
