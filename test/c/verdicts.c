/*
 * Runs the plan decoder on many texts, for test/plan/readers.test.ts. It reads each text behind its length (four bytes,
 * in this machine's byte order), and writes the JSON pointer and the message in the same form. An empty message means a
 * valid plan. It is linked with the sidecar's own sources, with their printf.
 */
#include "plan/plan.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put(const char *text)
{
	uint32_t length = (uint32_t)strlen(text);
	if (fwrite(&length, sizeof length, 1, stdout) != 1 || fwrite(text, 1, length, stdout) != length)
		exit(1);
}

static void judge(const char *text, size_t length)
{
	struct arena arena = {0};
	struct plan_error error = {{0}, {0}};
	const struct plan *plan;
	if (plan_decode(text, length, &arena, &plan, &error))
		error.pointer[0] = error.message[0] = '\0';
	put(error.pointer);
	put(error.message);
	arena_free(&arena);
}

int main(void)
{
	uint32_t length;
	while (fread(&length, sizeof length, 1, stdin) == 1) {
		/* Allocated in its exact size, so that the sanitizer sees a read past its end. */
		char *text = malloc(length);
		if (length && (!text || fread(text, 1, length, stdin) != length))
			return 1;
		judge(text, length);
		free(text);
	}
	return 0;
}
