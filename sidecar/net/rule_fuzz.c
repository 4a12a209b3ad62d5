/*
 * Feeds arbitrary words to the reader of rules, and checks that a rule allows what its own text says and little else.
 * Build it as scripts/make/fuzz.mk does.
 */
#include "net/address.c"
#include "net/name.c"
#include "net/rule.c"

#include <stdio.h>
#include <stdlib.h>

#include "net/fuzz.h"

static bool is_same_rule(const struct rule *a, const struct rule *b)
{
	return a->kind == b->kind && a->port == b->port && address_is(&a->address, &b->address) &&
		   strcmp(a->name, b->name) == 0;
}

static void check_rule(const struct rule *rule)
{
	const struct rules rules = {.list = (struct rule *)rule, .count = 1};
	char below[NAME_SIZE + 2], text[NAME_SIZE + 16];
	struct rule again;
	const char *form = rule->kind == RULE_BELOW                                ? "*.%s:%u"
					   : rule->kind == RULE_ADDRESS && strchr(rule->name, ':') ? "[%s]:%u"
																			   : "%s:%u";
	snprintf(text, sizeof text, form, rule->name, rule->port);
	expect(!rule_read(text, true, &again) && is_same_rule(rule, &again));
	expect(rule->port > 0 && *rule->name);
	snprintf(below, sizeof below, "x.%s", rule->name);
	expect(rules_allow_name(&rules, rule->name, rule->port) == (rule->kind == RULE_NAME));
	expect(rules_allow_name(&rules, below, rule->port) == (rule->kind == RULE_BELOW));
	expect(rules_allow_address(&rules, &rule->address, rule->port) == (rule->kind == RULE_ADDRESS));
	expect(!rules_allow_name(&rules, rule->name, (uint16_t)(rule->port + 1)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512];
	struct rule rule;
	if (size < 1 || size >= sizeof text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	bool allow_private = data[0] & 1;
	if (!rule_read(text, allow_private, &rule)) {
		expect(allow_private || rule.kind != RULE_ADDRESS || !address_range(&rule.address));
		check_rule(&rule);
	}
	return 0;
}
