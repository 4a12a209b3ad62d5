/*
 * The part of the front end that remembers plans, src/launch/native/remember.h, as a program of its own: it carries out
 * requests from its standard input, so that tests need no box.
 *
 * A request is its length (4 bytes), then texts, each with its NUL: "remember" or "find", the id of the program, the
 * user, the group, the directory, three lists (words, variables, the record) with their number before them. The answer
 * is a length, and the plan that was found; a length of -1 means that there is none.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../src/launch/native/remember.h"

enum { MOST = 1 << 20, LIST_MOST = 4096 };

static char request[MOST];
static const char *at;

static char *next(void)
{
	const char *text = at;
	at += strlen(at) + 1;
	return (char *)text;
}

static size_t next_list(uintptr_t *list)
{
	size_t count = (size_t)atoi(next());
	for (size_t i = 0; i < count; i++)
		list[i] = (uintptr_t)next();
	list[count] = 0;
	return count;
}

static void answer(const char *plan)
{
	int32_t length = plan ? (int32_t)strlen(plan) : -1;
	if (write(1, &length, sizeof length) < 0 || (plan && write(1, plan, (size_t)length) < 0))
		exit(1);
}

/* What the kernel puts on the stack: the number of words, words, variables, and what it says about the user. */
static void carry_out(void)
{
	static uintptr_t stack[2 * LIST_MOST + 32], record[LIST_MOST];
	static char program[PROGRAM_ID];
	static struct start start;
	const char *what = next();
	strncpy(program, next(), sizeof program);
	uint64_t user = strtoull(next(), NULL, 10), group = strtoull(next(), NULL, 10);
	const uint64_t facts[] = {11, user, 12, user, 13, group, 14, group, 0, 0};
	if (chdir(next()) < 0) {
		answer(NULL);
		return;
	}
	size_t count = next_list(stack + 1);
	stack[0] = count;
	uintptr_t *variables = stack + 1 + count + 1;
	memcpy(variables + next_list(variables) + 1, facts, sizeof facts);
	next_list(record);
	start.bytes = NULL;
	char *plan = NULL;
	if (start_note(&start, (char **)variables, program)) {
		if (strcmp(what, "remember") == 0)
			start_remember(&start, (char **)record);
		else
			plan = start_find(&start);
	}
	answer(plan);
	if (plan)
		munmap(plan, strlen(plan) + 1);
	if (start.bytes)
		munmap(start.bytes, 2 * RECORD_MOST);
}

static int read_all(char *to, size_t length)
{
	for (size_t done = 0; done < length;) {
		ssize_t got = read(0, to + done, length - done);
		if (got <= 0)
			return 0;
		done += (size_t)got;
	}
	return 1;
}

int main(void)
{
	uint32_t length;
	while (read_all((char *)&length, sizeof length) && length <= MOST && read_all(request, length)) {
		at = request;
		carry_out();
	}
	return 0;
}
