/*
 * Feeds arbitrary queries to the resolver, and checks each answer: it is one, and reads as the query did. Build it as
 * scripts/make/fuzz.mk does.
 */
#include "net/address.c"
#include "net/name.c"
#include "net/names.c"
#include "net/rule.c"
#include "net/dns.c"
#include "net/answer.c"

#include <stdlib.h>

#include "net/fuzz.h"

static struct rule list[] = {
	{RULE_NAME, 443, {0}, "one.test"},
	{RULE_BELOW, 443, {0}, "wild.test"},
	{RULE_ADDRESS, 443, {AF_INET, {93, 184, 216, 34}}, "93.184.216.34"},
};
static const struct rules rules = {.list = list, .count = sizeof list / sizeof *list};

/* An answer without its records is a query with other flags. */
static void check_answer(const uint8_t *answer, size_t length, const uint8_t *query, size_t size)
{
	struct dns_query asked, read;
	uint8_t copy[DNS_MAX_ANSWER];
	expect(length >= HEADER && length <= DNS_MAX_ANSWER && memcmp(answer, query, 2) == 0);
	expect((answer[FLAGS] & RESPONSE) && !(answer[FLAGS] & TRUNCATED) && !(answer[FLAGS + 1] & 0x20));
	expect(number_at(answer + ANSWERS) <= 1 && number_at(answer + AUTHORITIES) == 0);
	if (dns_read(query, size, &asked) != DNS_NO_ERROR)
		return;
	memcpy(copy, answer, length);
	copy[FLAGS] &= (uint8_t)~RESPONSE;
	expect(dns_read(copy, length, &read) == DNS_NO_ERROR);
	expect(read.type == asked.type && read.has_options == asked.has_options && strcmp(read.name, asked.name) == 0);
	expect(number_at(answer + ANSWERS) == 0 || (answer[FLAGS + 1] & 0x0f) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct names names;
	uint8_t answer[DNS_MAX_ANSWER];
	char name[DNS_NAME];
	enum answer_verdict verdict;
	if (size > DNS_MAX_QUERY)
		return 0;
	size_t length = answer_make(&rules, &names, true, data, size, answer, &verdict, name);
	if (length > 0)
		check_answer(answer, length, data, size);
	for (unsigned i = 0; i < names.count; i++) {
		struct address v4 = names_address((int)i, AF_INET), v6 = names_address((int)i, AF_INET6);
		expect(rules_have_name(&rules, names.list[i]));
		expect(names_find(&names, &v4) == names.list[i] && names_find(&names, &v6) == names.list[i]);
	}
	/* The next input finds what this one would have found alone. */
	while (names.count > 0)
		free(names.list[--names.count]);
	memset(&names, 0, sizeof names);
	return 0;
}
