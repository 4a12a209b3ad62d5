#include "net/event.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/errno_name.h"
#include "base/line.h"

/* Refusals come as fast as the box asks for them. */
enum { MOST_AT_ONCE = 1000, PER_SECOND = 100, SECOND = 1000000 };

static const char *const reasons[] = {"name", "port", "address", "sni", "too-many-names"};

static int out = -1;
static bool may_block;
static uint64_t dropped;
static int64_t credit = MOST_AT_ONCE, counted;

/*
 * Others write to the same pipe, and it must not become non-blocking for them: it is opened anew. A socket has room for
 * a line when poll(2) says so.
 */
void event_set_up(int fd)
{
	struct stat status;
	out = fd;
	may_block = true;
	if (fd < 0 || fstat(fd, &status) < 0 || !S_ISFIFO(status.st_mode))
		return;
	int own = descriptor_reopen(fd, false, O_WRONLY | O_NONBLOCK);
	if (own < 0)
		return;
	out = own;
	may_block = false;
	close(fd);
}

static bool is_writable(void)
{
	struct pollfd descriptor = {.fd = out, .events = POLLOUT};
	return !may_block || (poll(&descriptor, 1, 0) == 1 && descriptor.revents & POLLOUT);
}

static void begin_event(const char *event)
{
	line_begin(out);
	line_add_format("{\"event\":\"%s\"", event);
}

static bool end_event(void)
{
	line_add("}\n");
	return line_end();
}

/* Whether an event can be written now; those that couldn't be are reported first. */
static bool is_ready(bool refusal)
{
	if (out < 0)
		return false;
	if (refusal) {
		int64_t now = clock_now(), earned = (now - counted) * PER_SECOND / SECOND;
		if (earned > 0) {
			credit = credit + earned > MOST_AT_ONCE ? MOST_AT_ONCE : credit + earned;
			counted = now;
		}
	}
	bool ready = (!refusal || credit > 0) && is_writable();
	if (ready && dropped > 0) {
		begin_event("dropped");
		line_add_format(",\"count\":%llu", (unsigned long long)dropped);
		ready = end_event();
		if (ready)
			dropped = 0;
	}
	if (!ready)
		dropped++;
	else if (refusal)
		credit--;
	return ready;
}

static void end_or_drop(void)
{
	if (!end_event())
		dropped++;
}

static void add_text(const char *key, const char *text)
{
	line_add_format(",\"%s\":\"", key);
	line_add_safe(text, LINE_JSON_TEXT);
	line_add("\"");
}

static void add_address(const char *key, const struct address *address)
{
	char text[ADDRESS_TEXT];
	address_write(address, text);
	add_text(key, text);
}

static void add_reason(enum event_reason reason)
{
	line_add(",\"allowed\":false");
	add_text("reason", reasons[reason]);
}

static void add_result(const struct relay_result *result)
{
	if (result->error)
		add_text("error", errno_name(result->error));
	line_add_format(",\"bytesSent\":%llu,\"bytesReceived\":%llu", (unsigned long long)result->sent,
		(unsigned long long)result->received);
}

void event_refused_name(const char *name, enum event_reason reason)
{
	if (!is_ready(true))
		return;
	begin_event("resolve");
	add_text("host", name);
	add_reason(reason);
	end_or_drop();
}

void event_refused(const char *host, uint16_t port, enum event_reason reason, const struct address *address)
{
	if (!is_ready(true))
		return;
	begin_event("connect");
	add_text("host", host);
	line_add_format(",\"port\":%u", port);
	add_reason(reason);
	if (address) {
		const char *range = address_range(address);
		add_address("address", address);
		add_text("range", range ? range : "public");
	}
	end_or_drop();
}

void event_connected(const char *host, uint16_t port, const struct address *address, const struct relay_result *result)
{
	if (!is_ready(false))
		return;
	begin_event("connect");
	add_text("host", host);
	line_add_format(",\"port\":%u,\"allowed\":true", port);
	if (address)
		add_address("address", address);
	add_result(result);
	end_or_drop();
}

void event_accepted(uint16_t port, uint16_t inside, const struct address *peer, const struct relay_result *result)
{
	if (!is_ready(false))
		return;
	begin_event("accept");
	line_add_format(",\"port\":%u,\"inside\":%u", port, inside);
	add_address("peer", peer);
	/* The first socket is the other machine's here. */
	add_result(&(struct relay_result){result->received, result->sent, result->error});
	end_or_drop();
}
