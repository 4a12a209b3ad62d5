#include "trace/tally.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/line.h"
#include "trace/hash.h"

/*
 * Searches for files that are nowhere are by far the most, and what else is refused must find room beside them. Slots
 * are more than twice as many.
 */
enum { MOST_MISSING = 40000, MOST_OTHERS = 10000, SLOTS = 1 << 17 };

static struct {
	uint64_t hash;
	uint64_t count;
	uint32_t id;
} * slots;

static int out = -1;
static uint32_t last_id, missing, others;
static uint64_t beyond;

void tally_set_up(int fd)
{
	out = fd;
	slots = calloc(SLOTS, sizeof *slots);
	if (!slots)
		_exit(125);
}

static uint64_t hash_text(uint64_t hash, const char *text) { return hash_add(hash, text, strlen(text) + 1); }

static uint64_t hash_of(const struct refusal *refusal)
{
	uint64_t hash = hash_add(HASH_BEGIN, &refusal->machine, sizeof refusal->machine);
	hash = hash_add(hash, &refusal->call, sizeof refusal->call);
	hash = hash_add(hash, &refusal->number, sizeof refusal->number);
	hash = hash_add(hash, &refusal->port, sizeof refusal->port);
	hash = hash_add(hash, refusal->args, sizeof refusal->args);
	hash = hash_text(hash_text(hash_text(hash, refusal->op), refusal->path), refusal->to);
	return hash_end(hash_text(hash_text(hash, refusal->abstract), refusal->address));
}

static void add_text(const char *key, const char *text)
{
	if (*text == '\0')
		return;
	line_add_format(",\"%s\":\"", key);
	line_add_safe(text, LINE_JSON_VALUE);
	line_add("\"");
}

static void begin(uint32_t id)
{
	line_begin(out);
	line_add_format("{\"event\":\"refused\",\"id\":%u", id);
}

/* Nobody may read any more; the command isn't to notice. */
static void end(void)
{
	line_add("}\n");
	if (!line_end() && errno != EAGAIN)
		out = -1;
}

static void add_arguments(const uint64_t args[6])
{
	static const uint64_t none[6];
	if (memcmp(args, none, sizeof none) == 0)
		return;
	for (int i = 0; i < 6; i++)
		line_add_format("%s%llu", i ? "," : ",\"args\":[", (unsigned long long)args[i]);
	line_add("]");
}

static void write_first(const struct refusal *refusal, uint32_t id)
{
	begin(id);
	line_add_format(",\"machine\":%u,\"call\":%u,\"errno\":%d", refusal->machine, refusal->call, refusal->number);
	add_text("op", refusal->op);
	add_text("path", refusal->path);
	add_text("to", refusal->to);
	add_text("abstract", refusal->abstract);
	add_text("address", refusal->address);
	if (refusal->port)
		line_add_format(",\"port\":%u", refusal->port);
	add_arguments(refusal->args);
	end();
}

void tally_add(const struct refusal *refusal)
{
	const uint64_t hash = hash_of(refusal);
	uint32_t *kind = refusal->number == ENOENT ? &missing : &others;
	size_t at = hash % SLOTS;
	if (out < 0)
		return;
	for (; slots[at].hash; at = (at + 1) % SLOTS)
		if (slots[at].hash == hash) {
			slots[at].count++;
			return;
		}
	if (*kind >= (refusal->number == ENOENT ? MOST_MISSING : MOST_OTHERS)) {
		beyond++;
		return;
	}
	++*kind;
	slots[at].hash = hash;
	slots[at].count = 1;
	slots[at].id = ++last_id;
	write_first(refusal, last_id);
}

void tally_finish(void)
{
	for (size_t at = 0; out >= 0 && at < SLOTS; at++)
		if (slots[at].count > 1) {
			begin(slots[at].id);
			line_add_format(",\"count\":%llu", (unsigned long long)slots[at].count);
			end();
		}
	if (out < 0 || !beyond)
		return;
	line_begin(out);
	line_add_format("{\"event\":\"refused\",\"more\":%llu", (unsigned long long)beyond);
	end();
}
