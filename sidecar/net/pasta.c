#include "net/pasta.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/report.h"
#include "base/sys.h"
#include "net/router.h"
#include "net/trusted.h"
#include "net/veth.h"

#define DEVICE "pasta0"

enum { LONGEST_START = 20000000 /* microseconds */, PATH_ROOM = 48, WORDS = 1024 };

static struct {
	/* Its standard error, and itself. */
	int words, pidfd;
	int pid;
} pasta;

/* What it has printed, as one line. */
static char words[WORDS];
static size_t words_length;

static void read_words(void)
{
	char more[WORDS];
	ssize_t got = read(pasta.words, more, sizeof more);
	for (ssize_t i = 0; i < got && words_length < WORDS - 1; i++) {
		if (strchr("\n\r\t\33", more[i]))
			more[i] = ' ';
		words[words_length++] = more[i];
	}
}

/* It prints the time before its first line, and remarks about syslog, which has nothing to do with what failed. */
static const char *last_words(void)
{
	while (words_length > 0 && words[words_length - 1] == ' ')
		words_length--;
	words[words_length] = '\0';
	const char *at = words, *end;
	while ((end = strstr(at, " to syslog ")))
		at = end + sizeof " to syslog " - 1;
	return at;
}

static const char *hint_for(const char *said)
{
	if (strstr(said, "tun"))
		return access("/dev/net/tun", F_OK) == 0
				   ? "pasta has to open /dev/net/tun: sudo chmod 666 /dev/net/tun, as most systems have it"
				   : "there is no /dev/net/tun: sudo modprobe tun";
	if (strstr(said, "nterface"))
		return "pasta takes the addresses of the device with the default route: see `ip route`";
	if (strstr(said, "ermission denied") || strstr(said, "namespace"))
		return "where AppArmor or SELinux confines pasta, its log says what was refused: sudo dmesg";
	return NULL;
}

static _Noreturn void fail_early(const char *program)
{
	int status = 0;
	waitpid(pasta.pid, &status, 0);
	const char *said = last_words();
	char text[WORDS + PATH_MAX];
	if (*said)
		snprintf(text, sizeof text, "%s: %s", program, said);
	else
		snprintf(text, sizeof text, "%s: it ended with status %d", program, WEXITSTATUS(status));
	fail_plain_hint("pasta could not connect the box", text, hint_for(said));
}

/* What is executed is never to be run with another's privileges, so its environment is empty. */
static _Noreturn void execute_pasta(int program, const struct router *router, int errors)
{
	char user[PATH_ROOM], net[PATH_ROOM], ready[PATH_ROOM];
	snprintf(user, sizeof user, "/proc/%d/ns/user", router->number);
	snprintf(net, sizeof net, "/proc/%d/ns/net", router->number);
	snprintf(ready, sizeof ready, "/proc/%d/fd/%d", router->number, router->ready);
	/* No map of the gateway's address to this machine, and no forwards: whatever a version's defaults are. */
	char *argv[] = {"pasta", "--foreground", "--quiet", "--config-net", "--no-map-gw", "-t", "none", "-u", "none", "-T",
		"none", "-U", "none", "--ns-ifname", DEVICE, "--dns-forward", "198.18.0.1", "--userns", user, "--netns", net,
		"--pid", ready,
		router->is_root     ? NULL
		: router_is_user0() ? "--runas"
							: NULL,
		"0:0", NULL};
	signal(SIGPIPE, SIG_DFL); /* It fails if this is ignored. */
	router_become_user(router);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || dup2(errors, 1) < 0 || dup2(errors, 2) < 0)
		_exit(STATUS_FAILED);
	descriptor_execute(program, argv, (char *[]){NULL});
	dprintf(2, "%s", strerror(errno));
	_exit(STATUS_FAILED);
}

static void start_program(const char *program, const struct router *router)
{
	int ends[2], file = trusted_open(program), parent = getpid();
	if (pipe2(ends, O_CLOEXEC) < 0)
		fail("make a pipe", NULL);
	pasta.pid = sys_fork();
	if (pasta.pid < 0)
		fail_hint("start a process", program, report_process_hint());
	if (pasta.pid == 0) {
		if (getppid() != parent)
			_exit(STATUS_FAILED);
		execute_pasta(file, router, ends[1]);
	}
	close(file);
	close(ends[1]);
	pasta.words = ends[0];
	pasta.pidfd = sys_pidfd_open(pasta.pid);
	if (pasta.pidfd < 0)
		fail("watch a process", program);
}

/* Its number in this pipe is its word that it is ready. */
static void wait_until_ready(const char *program, int ready)
{
	int64_t until = clock_now() + LONGEST_START;
	for (;;) {
		struct pollfd fds[] = {{ready, POLLIN, 0}, {pasta.words, POLLIN, 0}, {pasta.pidfd, POLLIN, 0}};
		int64_t left = until - clock_now();
		int count = poll(fds, 3, left > 0 ? (int)(left / 1000) + 1 : 0);
		if (count < 0 && errno != EINTR)
			fail("wait for", program);
		if (count == 0)
			fail_plain("pasta was not ready in 20 seconds", program);
		if (fds[1].revents & POLLIN)
			read_words();
		else if (fds[2].revents)
			fail_early(program);
		if (fds[0].revents & POLLIN)
			return;
	}
}

void pasta_start(const char *program, int box)
{
	int net = veth_open_network(box), second;
	struct router router;
	router_start(&router, box);
	start_program(program, &router);
	wait_until_ready(program, router.told);
	second = router_open(&router);
	if (!router.is_root)
		veth_join_user(box);
	veth_route(second, net, DEVICE, router.v6);
	router_end(&router);
	close(second);
	close(net);
}

void pasta_wait(void)
{
	for (;;) {
		struct pollfd fds[] = {{pasta.words, POLLIN, 0}, {pasta.pidfd, POLLIN, 0}};
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			return;
		/* Whatever it prints now, nobody reads it; but it must not wait. */
		words_length = WORDS;
		if (fds[0].revents & POLLIN)
			read_words();
		else if (fds[0].revents)
			pasta.words = -1;
	}
}
