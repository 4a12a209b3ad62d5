/* What the resolver answers. It asks nobody: an allowed name has an address that stands for it in the box. */
#ifndef NSBOX_NET_ANSWER_H
#define NSBOX_NET_ANSWER_H

#include "net/dns.h"
#include "net/names.h"
#include "net/rule.h"

enum answer_verdict {
	ANSWER_GIVEN,
	/* No rule names the name. */
	ANSWER_REFUSED,
	/* As many names have addresses as may have one. */
	ANSWER_TOO_MANY,
};

/*
 * Writes the answer to the query of LENGTH bytes. Returns its length, or 0 if nothing may be answered. V6: names have
 * addresses of IPv6, too. VERDICT and NAME say what to report of it.
 */
size_t answer_make(const struct rules *rules, struct names *names, bool v6, const uint8_t *query, size_t length,
	uint8_t answer[DNS_MAX_ANSWER], enum answer_verdict *verdict, char name[DNS_NAME]);

#endif
