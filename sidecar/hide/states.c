#include "hide/states.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hide/pattern.h"

enum { WORD = 64, MAX_STATES = 4096, MAX_PARTS = 1 << 16 };

/* A name of a pattern. LAST: the pattern ends with it. */
struct part {
	struct pattern_name name;
	bool last, shows;
};

/* What follows if exactly these of a state's names match. */
struct transition {
	const uint64_t *matched;
	struct step step;
	struct transition *next;
};

struct state {
	uint64_t *parts; /* a bit for each part that may come next */
	size_t *names; /* the numbers of those that aren't ANY_DEPTH */
	size_t names_count, words;
	/* For each byte, which of the names may begin, and end, with it: 256 times WORDS. */
	uint64_t *begins, *ends;
	struct step other; /* for a name that none of them matches */
	bool known; /* whether OTHER and all above it are there */
	struct transition *transitions;
	struct state *following;
};

static struct part *parts;
static size_t parts_count, parts_room;
static struct state *all_states;
static size_t states_count;
static bool overflow;

static void *get_memory(size_t count, size_t size)
{
	void *memory = calloc(count + 1, size);
	if (!memory)
		abort();
	return memory;
}

static size_t set_words(void) { return (parts_count + WORD - 1) / WORD; }
static bool has_bit(const uint64_t *set, size_t n) { return set[n / WORD] >> (n % WORD) & 1; }
static void set_bit(uint64_t *set, size_t n) { set[n / WORD] |= UINT64_C(1) << (n % WORD); }

static const char *add_part(const char *name, size_t length, bool shows)
{
	if (parts_count == MAX_PARTS)
		return "there are too many patterns";
	if (parts_count == parts_room) {
		parts_room = parts_room ? parts_room * 2 : WORD;
		parts = realloc(parts, parts_room * sizeof *parts);
		if (!parts)
			abort();
	}
	struct part *part = &parts[parts_count++];
	*part = (struct part){.shows = shows};
	return pattern_read(&part->name, name, length, get_memory(length, 1));
}

const char *states_add(const char *pattern)
{
	bool shows = *pattern == '!', any = false;
	const char *wrong = NULL, *at = pattern + shows;
	if (*at != '/')
		return "must be absolute";
	while (*at && !wrong) {
		size_t length = strcspn(at, "/");
		bool any_depth = length == 2 && memcmp(at, "**", 2) == 0;
		/* Two of them are one. */
		if (length && !(any_depth && any && parts[parts_count - 1].name.kind == PATTERN_ANY_DEPTH)) {
			wrong = add_part(at, length, shows);
			any = true;
		}
		at += length + (at[length] == '/');
	}
	if (!any)
		return "names the root";
	parts[parts_count - 1].last = true;
	return wrong;
}

/* Adds a part to SET, and the one behind it where it may stand for nothing. At the end ANY_DEPTH stands for a name. */
static void add_to_set(uint64_t *set, size_t n)
{
	set_bit(set, n);
	for (; parts[n].name.kind == PATTERN_ANY_DEPTH && !parts[n].last; n++)
		set_bit(set, n + 1);
}

static bool is_empty(const uint64_t *set)
{
	for (size_t i = 0; i < set_words(); i++)
		if (set[i])
			return false;
	return true;
}

/* Whether SET shows all that lies below. */
static bool shows_all(const uint64_t *set)
{
	for (size_t i = 0; i < parts_count; i++)
		if (parts[i].shows && parts[i].last && parts[i].name.kind == PATTERN_ANY_DEPTH && has_bit(set, i))
			return true;
	return false;
}

/* Whether SET can still hide something. */
static bool hides_any(const uint64_t *set)
{
	for (size_t i = 0; i < parts_count; i++)
		if (!parts[i].shows && has_bit(set, i))
			return true;
	return false;
}

/* The state of SET, which becomes its own; NULL where nothing can be hidden any more. */
static struct state *state_of(uint64_t *set)
{
	if (is_empty(set) || !hides_any(set) || shows_all(set)) {
		free(set);
		return NULL;
	}
	for (struct state *state = all_states; state; state = state->following)
		if (memcmp(state->parts, set, set_words() * sizeof *set) == 0) {
			free(set);
			return state;
		}
	if (++states_count > MAX_STATES) {
		overflow = true;
		free(set);
		return NULL;
	}
	struct state *state = get_memory(1, sizeof *state);
	*state = (struct state){.parts = set, .following = all_states};
	return all_states = state;
}

/* What follows in STATE if the names in MATCHED match. */
static struct step follow(const struct state *state, const uint64_t *matched)
{
	uint64_t *next = get_memory(set_words(), sizeof *next);
	bool hidden = false, shown = false;
	size_t name = 0;
	for (size_t i = 0; i < parts_count; i++) {
		if (!has_bit(state->parts, i))
			continue;
		bool any_depth = parts[i].name.kind == PATTERN_ANY_DEPTH;
		if (any_depth)
			add_to_set(next, i);
		else if (!has_bit(matched, name++))
			continue;
		if (parts[i].last)
			*(parts[i].shows ? &shown : &hidden) = true;
		else if (!any_depth)
			add_to_set(next, i + 1);
	}
	return (struct step){.next = state_of(next), .hidden = hidden && !shown};
}

static void complete(struct state *state)
{
	state->names = get_memory(parts_count, sizeof *state->names);
	for (size_t i = 0; i < parts_count; i++)
		if (has_bit(state->parts, i) && parts[i].name.kind != PATTERN_ANY_DEPTH)
			state->names[state->names_count++] = i;
	state->words = (state->names_count + WORD - 1) / WORD;
	state->begins = get_memory(256 * state->words, sizeof *state->begins);
	state->ends = get_memory(256 * state->words, sizeof *state->ends);
	for (size_t n = 0; n < state->names_count; n++)
		for (size_t byte = 0; byte < 256; byte++) {
			const struct pattern_name *name = &parts[state->names[n]].name;
			if (pattern_may_begin(name, (unsigned char)byte))
				set_bit(state->begins + byte * state->words, n);
			if (pattern_may_end(name, (unsigned char)byte))
				set_bit(state->ends + byte * state->words, n);
		}
	uint64_t *none = get_memory(state->words, sizeof *none);
	state->other = follow(state, none);
	free(none);
	state->known = true;
}

static struct step remembered(struct state *state, const uint64_t *matched)
{
	const size_t bytes = state->words * sizeof *matched;
	for (struct transition *known = state->transitions; known; known = known->next)
		if (memcmp(known->matched, matched, bytes) == 0)
			return known->step;
	struct transition *made = get_memory(1, sizeof *made);
	uint64_t *copy = get_memory(state->words, sizeof *copy);
	memcpy(copy, matched, bytes);
	*made = (struct transition){copy, follow(state, copy), state->transitions};
	state->transitions = made;
	return made->step;
}

struct step states_step(const struct state *from, const char *name, size_t length)
{
	struct state *state = (struct state *)from;
	if (!state->known)
		complete(state);
	const uint64_t *begins = state->begins + (unsigned char)name[0] * state->words,
				   *ends = state->ends + (unsigned char)name[length - 1] * state->words;
	uint64_t small[8] = {0}, *matched = state->words > 8 ? get_memory(state->words, sizeof *matched) : small;
	bool any = false;
	for (size_t word = 0; word < state->words; word++)
		for (uint64_t left = begins[word] & ends[word]; left; left &= left - 1) {
			size_t n = word * WORD + (size_t)__builtin_ctzll(left);
			if (!pattern_matches(&parts[state->names[n]].name, name, length))
				continue;
			set_bit(matched, n);
			any = true;
		}
	struct step step = any ? remembered(state, matched) : state->other;
	if (matched != small)
		free(matched);
	return step;
}

static const struct state *first_state(void)
{
	uint64_t *set = get_memory(set_words(), sizeof *set);
	for (size_t i = 0; i < parts_count; i++)
		if (i == 0 || parts[i - 1].last)
			add_to_set(set, i);
	return state_of(set);
}

static struct step step_to(const char *path)
{
	struct step step = {.next = first_state()};
	while (*path && step.next && !step.hidden) {
		size_t length = strcspn(path, "/");
		if (length)
			step = states_step(step.next, path, length);
		path += length + (path[length] == '/');
	}
	return *path ? (struct step){.hidden = step.hidden} : step;
}

const struct state *states_at(const char *path) { return step_to(path).next; }
bool states_hide(const char *path) { return step_to(path).hidden; }
bool states_overflow(void) { return overflow; }
