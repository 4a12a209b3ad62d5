#include "unpack/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unpack/cpio.h"
#include "unpack/decode.h"
#include "unpack/event.h"

enum { PIPE_SIZE = 1 << 20 };

/* The decoding process's report at its end. */
struct report {
	struct stream_result result;
	int number; /* errno, or 0 */
	char wrong[128]; /* "" if all went well */
};

static pid_t decoder;
static int data = -1, reports = -1;

/* In the decoding process. */
static int out;
static enum stream_kind stream_kind;
static bool reader_gone;
static uint64_t limit;
static SHA256_CTX sha;
static struct report report;

static _Noreturn void give_up(const char *wrong, int number)
{
	snprintf(report.wrong, sizeof report.wrong, "%s", wrong);
	report.number = number;
	if (write(reports, &report, sizeof report) != sizeof report)
		_exit(2);
	_exit(1);
}

static void deliver(const void *bytes, size_t length)
{
	for (const char *at = bytes; length > 0 && !reader_gone;) {
		ssize_t done = write(out, at, length);
		if (done < 0 && errno == EPIPE) {
			reader_gone = true;
			if (stream_kind == STREAM_HEAD)
				_exit(0);
		} else if (done < 0 && errno != EINTR) {
			give_up("write to a pipe", errno);
		} else if (done > 0) {
			at += done;
			length -= (size_t)done;
		}
	}
}

/* An archive may end before its file does; the digest is that of the whole file. */
static void account(const void *bytes, size_t length)
{
	char text[96];
	report.result.bytes += length;
	if (report.result.bytes > limit) {
		snprintf(
			text, sizeof text, "archive is larger than %llu bytes when it is uncompressed", (unsigned long long)limit);
		give_up(text, 0);
	}
	SHA256_Update(&sha, bytes, length);
}

static void deliver_and_account(const void *bytes, size_t length)
{
	/* In this order: the other process works on these bytes meanwhile. */
	deliver(bytes, length);
	account(bytes, length);
}

static _Noreturn void run(uint64_t size)
{
	struct input in;
	int number;
	SHA256_Init(&sha);
	input_open(&in, STDIN_FILENO, size);
	if (stream_kind == STREAM_AUTO && input_fill(&in, 6) >= 6 && cpio_starts_with(in.buffer + in.start, 6))
		stream_kind = STREAM_CPIO;
	const char *wrong = stream_kind == STREAM_CPIO ? cpio_join(&in, account, deliver, &number)
												   : decode(&in, deliver_and_account, false, &number);
	if (wrong)
		give_up(wrong, number);
	close(out);
	digest_end(&sha, report.result.digest);
	_exit(write(reports, &report, sizeof report) == sizeof report ? 0 : 2);
}

int stream_open(enum stream_kind kind, uint64_t size, uint64_t max_bytes)
{
	int pipe_data[2], pipe_reports[2];
	if (pipe2(pipe_data, O_CLOEXEC) < 0 || pipe2(pipe_reports, O_CLOEXEC) < 0)
		event_fail("make a pipe", NULL, errno);
	/* A larger pipe means fewer switches; where the limit of the user's pipes is reached, it stays as it is. */
	fcntl(pipe_data[1], F_SETPIPE_SZ, PIPE_SIZE);
	fflush(stdout);
	pid_t parent = getpid();
	decoder = fork();
	if (decoder < 0)
		event_fail("start the decoder", NULL, errno);
	if (decoder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(2);
		signal(SIGPIPE, SIG_IGN);
		close(pipe_data[0]);
		close(pipe_reports[0]);
		out = pipe_data[1];
		reports = pipe_reports[1];
		limit = max_bytes;
		stream_kind = kind;
		run(size);
	}
	close(pipe_data[1]);
	close(pipe_reports[1]);
	data = pipe_data[0];
	reports = pipe_reports[0];
	event_on_failure(stream_stop);
	return data;
}

void stream_close(struct stream_result *result)
{
	int status = 0;
	ssize_t got;
	close(data);
	do
		got = read(reports, &report, sizeof report);
	while (got < 0 && errno == EINTR);
	while (waitpid(decoder, &status, 0) < 0 && errno == EINTR)
		;
	decoder = 0;
	if (got == sizeof report && report.wrong[0])
		event_fail(report.wrong, NULL, report.number);
	if (got == sizeof report)
		*result = report.result;
	else if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		event_failf(NULL, "decoder ended with %s %d", WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
}

void stream_stop(void)
{
	if (decoder <= 0)
		return;
	kill(decoder, SIGKILL);
	while (waitpid(decoder, NULL, 0) < 0 && errno == EINTR)
		;
	decoder = 0;
}
