/*
 * What the decoder of plans says of many texts, for test/plan/readers.test.ts: reads each with its length before it (four bytes,
 * of this machine's order), and writes the pointer and the message likewise; an empty message is a plan that is taken.
 * It is linked with the sidecar's own sources, its printf among them.
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
		/* Of its own size, so that a read past its end is one past what was allocated. */
		char *text = malloc(length);
		if (length && (!text || fread(text, 1, length, stdin) != length))
			return 1;
		judge(text, length);
		free(text);
	}
	return 0;
}
