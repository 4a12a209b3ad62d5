/*
 * Hides what patterns name, or Unix sockets of the host, in the mounts of a box that is being made: the sidecar runs it
 * when its plan comes to them. Or watches, as a helper of the box, that what is hidden and kept stays so (watch.h).
 *
 *     nsbox-hide DESCRIPTORS HOW FROM PATTERN...
 *     nsbox-hide DESCRIPTORS HOW FROM [ALLOWED...]
 *     nsbox-hide watch [PATH...]
 *
 * DESCRIPTORS: base/hide_report.h. HOW has an o for mount(2), an r if it is a failure that nothing is found, and an s
 * for sockets. FROM is the absolute path that the patterns, states.h, or the ALLOWED paths, sockets.h, have for the
 * directory.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "hide/cover.h"
#include "hide/crawl.h"
#include "hide/failure.h"
#include "base/hide_report.h"
#include "hide/sockets.h"
#include "hide/states.h"
#include "hide/watch.h"

/* Each directory on the path to the one that is read takes a descriptor. */
static void raise_limit(void)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void add_patterns(char **patterns)
{
	for (; *patterns; patterns++) {
		const char *wrong = states_add(*patterns);
		if (wrong)
			failure(wrong, *patterns, "a pattern has *, ?, [a-z] and **; a backslash takes their meaning", 0);
	}
}

int main(int count, char **words)
{
	enum { DESCRIPTORS = 1, HOW, FROM, PATTERNS };
	int top, file, directory, report, list;
	if (count > DESCRIPTORS && strcmp(words[DESCRIPTORS], "watch") == 0) {
		raise_limit();
		watch_box(words + HOW);
	}
	if (count < PATTERNS || sscanf(words[DESCRIPTORS], HIDE_DESCRIPTORS, &top, &file, &directory, &report, &list) != 5)
		return 2;
	failure_to(report);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	raise_limit();
	cover_with(file, directory, strchr(words[HOW], 'o') != NULL);
	const char *path = words[FROM], *from = strcmp(path, "/") == 0 ? "" : path;
	if (strchr(words[HOW], 's')) {
		sockets_hide(top, from, list, words + PATTERNS);
		return 0;
	}
	add_patterns(words + PATTERNS);
	const struct state *state = states_at(path);
	size_t hidden = state ? crawl_all(top, from, state) : 0;
	if (!hidden && strchr(words[HOW], 'r'))
		failure("nothing matches", words[PATTERNS], "--hide takes a pattern that nothing matches, too", 0);
	return 0;
}
