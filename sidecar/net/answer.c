#include "net/answer.h"

#include <string.h>

#define LOOPBACK4 ((struct address){AF_INET, {127, 0, 0, 1}})
#define LOOPBACK6 ((struct address){AF_INET6, {[15] = 1}})

/* The name that stands at ADDRESS in the box, or NULL. */
static const char *name_at(const struct names *names, const struct address *address)
{
	if (address_is(address, &LOOPBACK4) || address_is(address, &LOOPBACK6))
		return "localhost";
	return names_find(names, address);
}

static size_t answer_address(
	const struct dns_query *query, const struct address *v4, const struct address *v6, uint8_t answer[DNS_MAX_ANSWER])
{
	const struct address *address = query->type == DNS_A ? v4 : query->type == DNS_AAAA ? v6 : NULL;
	/* Silence would cost the program seconds, and "no such name" would be about all types. */
	return address ? dns_write_address(query, address, answer) : dns_write_code(query, DNS_NO_ERROR, answer);
}

size_t answer_make(const struct rules *rules, struct names *names, bool v6, const uint8_t *query, size_t length,
	uint8_t answer[DNS_MAX_ANSWER], enum answer_verdict *verdict, char name[DNS_NAME])
{
	struct dns_query read;
	struct address address;
	char host[NAME_SIZE];
	int code = dns_read(query, length, &read);
	*verdict = ANSWER_GIVEN;
	if (code != DNS_NO_ERROR)
		return code < 0 ? 0 : dns_write_code(&read, (enum dns_code)code, answer);
	memcpy(name, read.name, DNS_NAME);
	if (name_is_localhost(name))
		return answer_address(&read, &LOOPBACK4, &LOOPBACK6, answer);
	if (dns_read_reverse(name, &address)) {
		const char *found = name_at(names, &address);
		if (!found)
			return dns_write_code(&read, DNS_NO_SUCH_NAME, answer);
		return read.type == DNS_PTR ? dns_write_name(&read, found, answer)
									: dns_write_code(&read, DNS_NO_ERROR, answer);
	}
	if (!name_read(name, strlen(name), host) && rules_have_name(rules, host)) {
		int number = names_add(names, host);
		if (number < 0) {
			*verdict = ANSWER_TOO_MANY;
			return dns_write_code(&read, DNS_SERVER_FAILURE, answer);
		}
		struct address v4 = names_address(number, AF_INET), second = names_address(number, AF_INET6);
		return answer_address(&read, &v4, v6 ? &second : NULL, answer);
	}
	if (rules_have_below(rules, name))
		return dns_write_code(&read, DNS_NO_ERROR, answer);
	*verdict = ANSWER_REFUSED;
	return dns_write_code(&read, DNS_NO_SUCH_NAME, answer);
}
