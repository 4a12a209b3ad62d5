/* Reads queries and writes answers of the domain name system: RFC 1035, with the options of RFC 6891. */
#ifndef NSBOX_NET_DNS_H
#define NSBOX_NET_DNS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

enum {
	/* Queries of programs have some 60 bytes; padding makes it 468. */
	DNS_MAX_QUERY = 4096,
	/* The header, a question, an option record, and a record with an address or a name: less than UDP always takes. */
	DNS_MAX_ANSWER = 12 + 255 + 4 + 12 + 255 + 11,
	DNS_NAME = 256,
};

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28, DNS_OPT = 41 };
enum dns_class { DNS_IN = 1 };
enum dns_code {
	DNS_NO_ERROR = 0,
	DNS_FORMAT_ERROR = 1,
	DNS_SERVER_FAILURE = 2,
	DNS_NO_SUCH_NAME = 3,
	DNS_NOT_IMPLEMENTED = 4,
	DNS_REFUSED = 5,
	DNS_BAD_VERSION = 16,
};

struct dns_query {
	/* The message, and where its question ends. */
	const uint8_t *bytes;
	size_t question_end;
	/*
	 * The name in text, in lower case, without a dot at its end; the root is "". Bytes that text can't have, a dot
	 * within a label too, are '?'.
	 */
	char name[DNS_NAME];
	uint16_t type, class;
	/* It has an option record: so must the answer. */
	bool has_options;
};

/*
 * Reads the query of LENGTH bytes. Returns DNS_NO_ERROR; the code of an answer without records, for which QUERY is good
 * as well; or -1 for what must not be answered.
 */
int dns_read(const uint8_t *bytes, size_t length, struct dns_query *query);

/* Each writes an answer to QUERY and returns its length. The records live 0 seconds. */
size_t dns_write_code(const struct dns_query *query, enum dns_code code, uint8_t answer[DNS_MAX_ANSWER]);
size_t dns_write_address(const struct dns_query *query, const struct address *address, uint8_t answer[DNS_MAX_ANSWER]);
/* NAME in text, with labels of at most 63 bytes. */
size_t dns_write_name(const struct dns_query *query, const char *name, uint8_t answer[DNS_MAX_ANSWER]);

/* The address that a name for reverse look-ups stands for: 2.0.19.198.in-addr.arpa, ...ip6.arpa. */
bool dns_read_reverse(const char *name, struct address *address);

#endif
