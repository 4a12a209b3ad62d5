#include "unpack/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "unpack/cpio.h"
#include "unpack/decode.h"
#include "unpack/event.h"

/*
 * The stream passes through a ring of pieces. The pipe FILLED has the length of each piece that may be read, and the
 * pipe FREED a byte for each that was; so each process sees where the other one has ended.
 */
enum { PIECES = 8 };
static unsigned char (*ring)[DECODE_ROOM];

/* The decoding process's report at its end. */
struct report {
	struct stream_result result;
	int number; /* errno, or 0 */
	char wrong[128]; /* "" if all went well */
};

static pid_t decoder;
static int filled = -1, freed = -1, reports = -1;
static uint64_t pieces; /* that this process has filled, or has begun to read */

/* In the decoding process. */
static unsigned waiting; /* pieces that the reader has, or will have */
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

/* Whether a call on a pipe has done its work, and not been interrupted. A reader that has gone is noted. */
static bool reader_is_there(ssize_t done)
{
	if (done > 0)
		return true;
	if (done < 0 && errno == EINTR)
		return false;
	if (done < 0 && errno != EPIPE)
		give_up("use a pipe", errno);
	reader_gone = true;
	if (stream_kind == STREAM_HEAD)
		_exit(0);
	return false;
}

/* The piece that is filled next, once the reader has done with it. */
static unsigned char *free_piece(void)
{
	char bytes[PIECES];
	while (waiting == PIECES && !reader_gone) {
		ssize_t got = read(freed, bytes, sizeof bytes);
		if (reader_is_there(got))
			waiting -= (unsigned)got;
	}
	return ring[pieces % PIECES];
}

/* Lets the reader have bytes: those that were decoded to a piece stay where they are. */
static void deliver(const void *bytes, size_t length)
{
	for (const unsigned char *from = bytes; length > 0 && !reader_gone;) {
		unsigned char *piece = free_piece();
		uint32_t part = length < DECODE_ROOM ? (uint32_t)length : DECODE_ROOM;
		if (from != piece)
			memcpy(piece, from, part);
		bool sent = false;
		while (!sent && !reader_gone)
			sent = reader_is_there(write(filled, &part, sizeof part));
		pieces++;
		waiting++;
		from += part;
		length -= part;
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
	/* Members are taken apart, so what was decoded isn't what is delivered. */
	if (stream_kind != STREAM_CPIO)
		decode_to(free_piece);
	const char *wrong = stream_kind == STREAM_CPIO ? cpio_join(&in, account, deliver, &number)
												   : decode(&in, deliver_and_account, false, &number);
	if (wrong)
		give_up(wrong, number);
	close(filled);
	digest_end(&sha, report.result.digest);
	_exit(write(reports, &report, sizeof report) == sizeof report ? 0 : 2);
}

void stream_open(enum stream_kind kind, uint64_t size, uint64_t max_bytes)
{
	int pipe_filled[2], pipe_freed[2], pipe_reports[2];
	ring = mmap(NULL, sizeof *ring * PIECES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (ring == MAP_FAILED)
		event_fail("no memory for the decoder", NULL, errno);
	if (pipe2(pipe_filled, O_CLOEXEC) < 0 || pipe2(pipe_freed, O_CLOEXEC) < 0 || pipe2(pipe_reports, O_CLOEXEC) < 0)
		event_fail("make a pipe", NULL, errno);
	fflush(stdout);
	pid_t parent = getpid();
	decoder = fork();
	if (decoder < 0)
		event_fail("start the decoder", NULL, errno);
	/* Each notices the end of the other one by an error. */
	signal(SIGPIPE, SIG_IGN);
	if (decoder == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(2);
		close(pipe_filled[0]);
		close(pipe_freed[1]);
		close(pipe_reports[0]);
		filled = pipe_filled[1];
		freed = pipe_freed[0];
		reports = pipe_reports[1];
		limit = max_bytes;
		stream_kind = kind;
		run(size);
	}
	close(pipe_filled[1]);
	close(pipe_freed[0]);
	close(pipe_reports[1]);
	filled = pipe_filled[0];
	freed = pipe_freed[1];
	reports = pipe_reports[0];
	event_on_failure(stream_stop);
}

size_t stream_read(const void **bytes)
{
	uint32_t length;
	ssize_t done;
	/* A decoder that has ended takes no more pieces back. */
	while (pieces > 0 && write(freed, "", 1) < 0 && errno == EINTR)
		;
	do
		done = read(filled, &length, sizeof length);
	while (done < 0 && errno == EINTR);
	if (done != sizeof length || length > DECODE_ROOM)
		return 0;
	*bytes = ring[pieces++ % PIECES];
	return length;
}

void stream_close(struct stream_result *result)
{
	int status = 0;
	ssize_t got;
	close(filled);
	close(freed);
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
	struct pollfd ready = {reports, POLLIN, 0};
	if (decoder <= 0)
		return;
	/* An archive that ends too early may be one whose disk can't be read. */
	if (poll(&ready, 1, 0) > 0 && read(reports, &report, sizeof report) == sizeof report && report.number) {
		decoder = 0;
		event_fail(report.wrong, NULL, report.number);
	}
	kill(decoder, SIGKILL);
	while (waitpid(decoder, NULL, 0) < 0 && errno == EINTR)
		;
	decoder = 0;
}
