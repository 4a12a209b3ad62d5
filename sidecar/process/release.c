#include "process/release.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/channel.h"
#include "base/report.h"
#include "process/helper.h"

static bool pending; /* the box has not been let go on yet */
static bool refused; /* and won't be */
static bool box_ready, told; /* it waits; and the caller knows */
static bool gate_failed;
static int gate = -1, ended_by;
static const sigset_t *signal_mask; /* of helpers */

bool release_is_needed(const struct plan *plan)
{
	return plan->helpers_count > 0 || (plan->supervision && plan->supervision->gate_fd >= 0);
}

void release_await(int channel)
{
	char go;
	channel_send(channel, CHANNEL_READY, 0);
	if (recv(channel, &go, 1, 0) != 1 || go != 'g')
		report_give_up(STATUS_FAILED);
}

static void answer(const struct box *box, char word)
{
	/* The caller waits for it to be closed. */
	if (gate >= 0)
		close(gate);
	gate = -1;
	pending = pending && word != 'g';
	refused = pending;
	(void)!send(box->channel, &word, 1, MSG_NOSIGNAL);
}

static void refuse(const struct box *box)
{
	if (!pending)
		kill(box->pid, SIGKILL);
	else if (!refused)
		answer(box, 'n');
}

static void go_on(const struct box *box)
{
	if (!pending || refused || !box_ready || helpers_descriptor() >= 0)
		return;
	if (gate < 0) {
		answer(box, 'g');
	} else if (!told) {
		told = true;
		report_ready(box->pid);
	}
}

static void start_helpers(const struct box *box, bool watchers)
{
	helpers_start(box, signal_mask, watchers);
	if (helpers_failure())
		refuse(box);
}

void release_start(const struct plan *plan, const struct box *box, const sigset_t *mask)
{
	pending = release_is_needed(plan);
	gate = plan->supervision ? (int)plan->supervision->gate_fd : -1;
	signal_mask = mask;
	start_helpers(box, false);
}

void release_box_is_ready(const struct box *box)
{
	box_ready = true;
	start_helpers(box, true);
	go_on(box);
}

int release_descriptor(void)
{
	if (!pending || refused)
		return -1;
	int helper = helpers_descriptor();
	return helper >= 0 || !box_ready ? helper : gate;
}

static void read_gate(const struct box *box)
{
	char byte;
	ssize_t length = read(gate, &byte, 1);
	if (length < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	gate_failed = length != 1;
	answer(box, length == 1 ? 'g' : 'n');
}

void release_read(const struct box *box)
{
	if (helpers_descriptor() < 0) {
		read_gate(box);
		return;
	}
	helpers_read();
	if (helpers_failure())
		refuse(box);
	go_on(box);
}

void release_look(const struct box *box)
{
	bool had = helpers_failure();
	helpers_look();
	if (!had && helpers_failure())
		refuse(box);
	go_on(box);
}

bool release_take_signal(const struct box *box, int signal)
{
	struct sigaction action;
	if (!pending)
		return false;
	switch (signal) {
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU: return false;
	case SIGCHLD:
	case SIGCONT:
	case SIGURG:
	case SIGWINCH: return true;
	default:
		/* The command would ignore the signals that the caller ignores. */
		if (sigaction(signal, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
			return true;
		/* A second one does not wait for the box to undo what it has made. */
		if (refused)
			kill(box->pid, SIGKILL);
		if (!ended_by)
			ended_by = signal;
		refuse(box);
		return true;
	}
}

int release_signal(void) { return ended_by; }

bool release_end(int fd)
{
	helpers_end();
	const struct helper_failure *failure = helpers_failure();
	if (ended_by || (!failure && !gate_failed))
		return false;
	if (fd >= 0 && fd != 2)
		dup2(fd, 2);
	report_step(failure ? failure->step : STEP_GATE);
	if (failure && *failure->what)
		report_failure(failure->what, failure->path, failure->hint, failure->number);
	else if (!failure)
		report_failure("it was closed without a byte that lets the box go on", NULL, NULL, 0);
	return true;
}
