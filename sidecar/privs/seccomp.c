#include "privs/seccomp.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/report.h"
#include "privs/privileges.h"

static unsigned digit_of(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (unsigned)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (unsigned)(c - 'a') + 26;
	if (c >= '0' && c <= '9')
		return (unsigned)(c - '0') + 52;
	return c == '+' ? 62 : 63;
}

/* Decodes base64, which was checked with the plan. Returns the number of bytes. */
static size_t decode(const char *text, unsigned char *out)
{
	size_t length = strcspn(text, "="), done = 0;
	unsigned held = 0, bits = 0;
	for (size_t i = 0; i < length; i++) {
		held = held << 6 | digit_of(text[i]);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[done++] = (unsigned char)(held >> bits);
		}
	}
	return done;
}

bool seccomp_is_ours(const struct seccomp *seccomp)
{
	/* src/seccomp/seccomp.ts names the filters: "default" alone, or followed by what is different. */
	return strcmp(seccomp->from, "default") == 0 || strncmp(seccomp->from, "default with ", 13) == 0;
}

bool seccomp_answers_ids(const struct seccomp *seccomp) { return strstr(seccomp->from, "fake root"); }

static bool shared;

void seccomp_load(const struct seccomp *seccomp)
{
	if (!seccomp || shared)
		return;
	struct sock_filter *filter = malloc(strlen(seccomp->filter));
	if (!filter)
		fail("allocate", NULL);
	struct sock_fprog program = {.filter = filter};
	program.len = (unsigned short)(decode(seccomp->filter, (unsigned char *)filter) / sizeof *filter);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		fail_hint("load the seccomp filter", NULL,
			errno == EINVAL
				? "this kernel has no seccomp filters, or the plan's filter isn't valid: --seccomp none runs without one"
			: errno == EACCES
				? "with --allow-new-privs a filter takes cap_sys_admin: leave that option out, or add --seccomp none"
				: NULL);
	free(filter);
}

void seccomp_load_shared(const struct seccomp *seccomp)
{
	privileges_share_no_new();
	seccomp_load(seccomp);
	shared = true;
}
