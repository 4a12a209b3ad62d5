/*
 * Feeds arbitrary text to the JSON reader, and checks that what it accepts is as json.h promises. Build it as
 * plan_fuzz.c.
 */
#define ARENA_CHUNK 0
#include "base/arena.c"
#include "plan/json_pointer.c"
#include "plan/json.c"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_text(const char *text, size_t length) { check(strlen(text) == length); }

static void check_node(const struct json *node, unsigned depth)
{
	size_t count = 0;
	check(depth <= JSON_MAX_DEPTH);
	switch (node->kind) {
	case JSON_STRING: check_text(node->text, node->length); break;
	case JSON_INTEGER: check(node->integer >= -JSON_MAX_INTEGER && node->integer <= JSON_MAX_INTEGER); break;
	case JSON_ARRAY:
	case JSON_OBJECT:
		for (const struct json *item = node->first; item; item = item->next, count++) {
			check((item->key != NULL) == (node->kind == JSON_OBJECT));
			if (item->key)
				check_text(item->key, item->key_length);
			check_node(item, depth + 1);
		}
		check(count == node->length);
		check(node->kind == JSON_ARRAY || count <= JSON_MAX_KEYS);
		break;
	default: break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = {0};
	struct plan_error error = {{1}, {0}};
	const struct json *node;
	if (json_parse((const char *)data, size, &arena, &node, &error))
		check_node(node, 0);
	else
		check(error.message[0] && memchr(error.pointer, 0, sizeof error.pointer));
	arena_free(&arena);
	return 0;
}
