/*
 * Prints each signal that it gets, as often as it comes, and ends with status 42 after the one that is named. A shell
 * with traps is no reliable witness: bash 5.2 sometimes loses a signal that comes while it starts a process.
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* Real-time signals count from 34 on, as in bash; musl reserves one more for itself. */
static const struct {
	const char *name;
	int number;
} heard[] = {
	{"TERM", SIGTERM},
	{"INT", SIGINT},
	{"HUP", SIGHUP},
	{"USR1", SIGUSR1},
	{"USR2", SIGUSR2},
	{"TSTP", SIGTSTP},
	{"CONT", SIGCONT},
	{"WINCH", SIGWINCH},
	{"QUIT", SIGQUIT},
	{"RTMIN+3", 37},
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
	/* Handlers block all signals, so that no line is printed within another. */
	sigfillset(&action.sa_mask);
	for (int i = 0; i < HEARD; i++)
		if (sigaction(heard[i].number, &action, NULL) < 0)
			return 1;
	if (write(1, "ready\n", 6) < 0)
		return 1;
	for (;;)
		pause();
}
