#include "net/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"

static _Noreturn void refuse_word(const char *what, const char *word)
{
	errno = 0;
	fail_status(STATUS_USAGE, what, word, NULL);
}

static bool take_flag(struct options *options, const char *word)
{
	if (strcmp(word, "--allow-private") == 0)
		options->rules.allow_private = true;
	else if (strcmp(word, "--check-sni") == 0)
		options->rules.check_sni = true;
	else
		return false;
	return true;
}

static void take_value(struct options *options, const char *word, const char *value)
{
	const char *fault = NULL;
	if (strcmp(word, "--pasta") == 0)
		options->pasta = value;
	else if (strcmp(word, "--allow") == 0)
		fault = rule_read(value, options->rules.allow_private, &options->rules.list[options->rules.count++]);
	else if (strcmp(word, "--publish") == 0)
		fault = publish_read(value, &options->published[options->published_count++]);
	else
		refuse_word("unknown option", word);
	if (fault)
		refuse_word(fault, value);
}

/* Flags first: the rules' meaning depends on them. */
void options_read(struct options *options, int argc, char **argv)
{
	*options = (struct options){
		.rules = {.list = calloc((size_t)argc, sizeof(struct rule))},
		.published = calloc((size_t)argc, sizeof(struct publish)),
	};
	if (!options->rules.list || !options->published)
		fail("allocate", NULL);
	for (int at = 1; at < argc; at++)
		at += !take_flag(options, argv[at]);
	for (int at = 1; at < argc; at++) {
		if (take_flag(options, argv[at]))
			continue;
		if (at + 1 == argc)
			refuse_word("needs a value", argv[at]);
		take_value(options, argv[at], argv[at + 1]);
		at++;
	}
	if (options->pasta && options->rules.count + options->published_count > 0)
		refuse_word("goes with no other option", "--pasta");
}
