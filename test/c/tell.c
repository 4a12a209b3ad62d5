/*
 * Prints everything that isolates this process, in lines that are equal for equal boxes. It repeats a failing system
 * call, so that an injected fault in one of its own calls changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#define TRY(call) \
	({ \
		long result_; \
		int tries_ = 0; \
		do \
			result_ = (long)(call); \
		while (result_ < 0 && ++tries_ < 4); \
		result_; \
	})

static char text[1 << 20];

static char *slurp(const char *path)
{
	size_t used = 0;
	int fd = (int)TRY(open(path, O_RDONLY));
	long got;
	text[0] = '\0';
	if (fd < 0)
		return text;
	while (used < sizeof text - 1 && (got = TRY(read(fd, text + used, sizeof text - 1 - used))) > 0)
		used += (size_t)got;
	text[used] = '\0';
	TRY(close(fd));
	return text;
}

static char out[1 << 20];

static void say(const char *what, const char *value)
{
	size_t used = strlen(out);
	snprintf(out + used, sizeof out - used, "%s %s\n", what, value);
}

static void say_mounts(void)
{
	char *rest, *line = strtok_r(slurp("/proc/self/mountinfo"), "\n", &rest);
	for (; line; line = strtok_r(NULL, "\n", &rest)) {
		char path[512] = "", options[512] = "";
		if (sscanf(line, "%*s %*s %*s %*s %511s %511s", path, options) == 2)
			say(path, options);
	}
}

static void say_status(void)
{
	static const char *const wanted[] = {"Uid", "Gid", "Groups", "NoNewPrivs", "Cap", "SigBlk", "SigIgn"};
	char *rest, *line = strtok_r(slurp("/proc/self/status"), "\n", &rest);
	for (; line; line = strtok_r(NULL, "\n", &rest))
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
				say("status", line);
}

int main(int argc, char **argv)
{
	struct utsname name = {.nodename = "?"};
	struct rlimit files = {0, 0};
	char number[64], directory[256] = "?";
	say_status();
	say_mounts();
	TRY(uname(&name));
	say("host", name.nodename);
	TRY(getrlimit(RLIMIT_NOFILE, &files));
	snprintf(number, sizeof number, "%lu", (unsigned long)files.rlim_cur);
	say("files", number);
	TRY(getcwd(directory, sizeof directory) ? 0 : -1);
	say("directory", directory);
	for (int fd = 0; fd < 64; fd++)
		if (TRY(fcntl(fd, F_GETFD)) >= 0) {
			snprintf(number, sizeof number, "%d", fd);
			say("descriptor", number);
		}
	for (int i = 1; i < argc; i++)
		say(argv[i], slurp(argv[i]));
	for (size_t done = 0, length = strlen(out); done < length;) {
		long wrote = TRY(write(1, out + done, length - done));
		if (wrote <= 0)
			return 1;
		done += (size_t)wrote;
	}
	return 0;
}
