#include "net/rule.h"

#include <string.h>

uint16_t rule_read_port(const char *text)
{
	unsigned port = 0;
	if (*text == '0')
		return 0;
	for (const char *c = text; *c; c++) {
		if (*c < '0' || *c > '9')
			return 0;
		port = port * 10 + (unsigned)(*c - '0');
		if (port > UINT16_MAX)
			return 0;
	}
	return (uint16_t)port;
}

static const char *read_address(struct rule *rule, bool allow_private)
{
	rule->kind = RULE_ADDRESS;
	const char *range = address_range(&rule->address);
	address_write(&rule->address, rule->name);
	/* The box's kernel never sends these to another machine. */
	if (address_is_unusable(&rule->address) || (range && strcmp(range, "loopback") == 0))
		return "is no address of another machine";
	if (range && (strcmp(range, "benchmark") == 0 || strcmp(range, "IPv4 within IPv6") == 0))
		return "is an address that no server has";
	if (range && strcmp(range, "link-local") == 0 && rule->address.family == AF_INET6)
		return "needs an interface, which no rule names";
	return range && !allow_private ? "is not part of the public internet, which needs --allow-private" : NULL;
}

/* A program may look up such a name. In a rule it is a mistake. */
static bool has_dash_at_edge(const char *name)
{
	return *name == '-' || strstr(name, ".-") || strstr(name, "-.") || (*name && name[strlen(name) - 1] == '-');
}

const char *rule_read(const char *text, bool allow_private, struct rule *rule)
{
	char host[NAME_SIZE + 4];
	const char *colon = strrchr(text, ':'), *start = text;
	*rule = (struct rule){.kind = RULE_NAME};
	rule->port = colon ? rule_read_port(colon + 1) : 0;
	if (!rule->port)
		return "needs a port from 1 to 65535 behind a colon";
	size_t length = (size_t)(colon - text);
	bool bracketed = length >= 2 && text[0] == '[' && colon[-1] == ']';
	if (bracketed) {
		start++;
		length -= 2;
	}
	if (length >= sizeof host)
		return "has more than 253 characters";
	memcpy(host, start, length);
	host[length] = '\0';
	if ((bracketed || !strchr(host, ':')) && address_read(host, &rule->address) &&
		bracketed == (rule->address.family == AF_INET6))
		return read_address(rule, allow_private);
	if (strcmp(host, "*") == 0)
		return "would allow every name";
	if (strncmp(host, "*.", 2) == 0)
		rule->kind = RULE_BELOW;
	size_t skipped = rule->kind == RULE_BELOW ? 2 : 0;
	const char *fault = name_read(host + skipped, length - skipped, rule->name);
	if (!fault && has_dash_at_edge(rule->name))
		return "has a part that begins or ends with -";
	if (!fault && name_is_localhost(rule->name))
		return "is the box itself";
	return fault;
}

static bool is_named(const struct rule *rule, const char *name)
{
	return rule->kind == RULE_NAME    ? strcmp(rule->name, name) == 0
		   : rule->kind == RULE_BELOW ? name_is_below(name, rule->name)
									  : false;
}

bool rules_have_name(const struct rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->count; i++)
		if (is_named(&rules->list[i], name))
			return true;
	return false;
}

bool rules_have_below(const struct rules *rules, const char *name)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->list[i];
		if (rule->kind == RULE_ADDRESS)
			continue;
		if (*name == '\0' || name_is_below(rule->name, name))
			return true;
		if (rule->kind == RULE_BELOW && strcmp(rule->name, name) == 0)
			return true;
	}
	return false;
}

bool rules_allow_name(const struct rules *rules, const char *name, uint16_t port)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->list[i].port == port && is_named(&rules->list[i], name))
			return true;
	return false;
}

bool rules_have_address(const struct rules *rules, const struct address *address)
{
	for (size_t i = 0; i < rules->count; i++)
		if (rules->list[i].kind == RULE_ADDRESS && address_is(&rules->list[i].address, address))
			return true;
	return false;
}

bool rules_allow_address(const struct rules *rules, const struct address *address, uint16_t port)
{
	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *rule = &rules->list[i];
		if (rule->kind == RULE_ADDRESS && rule->port == port && address_is(&rule->address, address))
			return true;
	}
	return false;
}
