#include "unpack/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "unpack/event.h"

#define DEFAULT_MAX_BYTES (UINT64_C(64) << 30)
#define DEFAULT_MAX_ENTRIES UINT64_C(4000000)

static uint64_t number_of(const char *name, const char *value)
{
	char *end;
	errno = 0;
	unsigned long long number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno)
		event_failf(name, "must be a whole number, not %s", value);
	return number;
}

/* Returns the index of VALUE in WORDS, which end with NULL. */
static int word_of(const char *name, const char *value, const char *const *words)
{
	for (int i = 0; words[i]; i++)
		if (strcmp(words[i], value) == 0)
			return i;
	event_failf(name, "can't be %s", value);
}

static void read_option(struct options *o, const char *name, const char *value)
{
	static const char *const formats[] = {"auto", "tar", "cpio", "squashfs", NULL};
	static const char *const whiteouts[] = {"none", "oci", "overlay", NULL}, *const owners[] = {"one", "keep", NULL};
	if (strcmp(name, "--format") == 0)
		o->format = (enum format)word_of(name, value, formats);
	else if (strcmp(name, "--whiteouts") == 0)
		o->whiteouts = (enum whiteouts)word_of(name, value, whiteouts);
	else if (strcmp(name, "--owners") == 0)
		o->keep_owners = word_of(name, value, owners) == 1;
	else if (strcmp(name, "--offset") == 0)
		o->offset = number_of(name, value);
	else if (strcmp(name, "--size") == 0)
		o->size = number_of(name, value);
	else if (strcmp(name, "--max-bytes") == 0)
		o->max_bytes = number_of(name, value);
	else if (strcmp(name, "--max-entries") == 0)
		o->max_entries = number_of(name, value);
	else
		event_fail("unknown option", name, 0);
}

void options_read(struct options *o, int argc, char **argv)
{
	int at = 2;
	*o = (struct options){
		.command = argc > 1 ? argv[1] : "",
		.whiteouts = WHITEOUTS_OCI,
		.keep_owners = true,
		.size = UINT64_MAX,
		.max_bytes = DEFAULT_MAX_BYTES,
		.max_entries = DEFAULT_MAX_ENTRIES,
	};
	for (; at < argc && strncmp(argv[at], "--", 2) == 0; at += 2) {
		if (at + 1 == argc)
			event_fail("needs a value", argv[at], 0);
		read_option(o, argv[at], argv[at + 1]);
	}
	o->names = argv + at;
	o->name_count = at < argc ? argc - at : 0;
}
