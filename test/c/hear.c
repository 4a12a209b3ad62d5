/*
 * Says each signal that comes to it, as often as it comes, and ends with status 42 after the one that is named. A shell with
 * traps is no witness: bash 5.2 loses one now and then that comes while it starts a process.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Real-time signals as bash counts them, from 34 on; musl takes one more for itself. */
static const struct { const char *name; int number; } heard[] = {
	{"TERM", SIGTERM}, {"INT", SIGINT}, {"HUP", SIGHUP}, {"USR1", SIGUSR1}, {"USR2", SIGUSR2}, {"TSTP", SIGTSTP},
	{"CONT", SIGCONT}, {"WINCH", SIGWINCH}, {"QUIT", SIGQUIT}, {"RTMIN+3", 37},
};
enum { HEARD = sizeof heard / sizeof *heard };
static const char *last;

static void hear(int number)
{
	char line[32] = "got-";
	for (int i = 0; i < HEARD; i++) {
		if (heard[i].number != number)
			continue;
		strcat(strcat(line, heard[i].name), "\n");
		if (write(1, line, strlen(line)) < 0)
			_exit(1);
		if (strcmp(heard[i].name, last) == 0)
			_exit(42);
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = hear};
	if (argc != 2)
		return 2;
	last = argv[1];
	/* One at a time, so that no line is in another. */
	sigfillset(&action.sa_mask);
	for (int i = 0; i < HEARD; i++)
		if (sigaction(heard[i].number, &action, NULL) < 0)
			return 1;
	if (write(1, "ready\n", 6) < 0)
		return 1;
	for (;;)
		pause();
}
