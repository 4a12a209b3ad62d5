#include "plan/decode_value.h"

#include <stdio.h>
#include <string.h>

#include "plan/contract.h"

bool decode_refuse(struct decoder *d, const struct json_path *path, const char *message)
{
	plan_error_set(d->error, path, "%s", message);
	return false;
}

bool decode_expect(struct decoder *d, const struct json *node, enum json_kind kind, const struct json_path *path)
{
	static const char nouns[][11] = {
		[JSON_BOOL] = "a boolean",
		[JSON_INTEGER] = "an integer",
		[JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};
	if (node->kind == kind)
		return true;
	plan_error_set(d->error, path, "must be %s", nouns[kind]);
	return false;
}

void *decode_allocate(struct decoder *d, size_t count, size_t size)
{
	void *memory = arena_array(d->arena, count, size);
	if (!memory)
		decode_refuse(d, NULL, "out of memory");
	return memory;
}

const struct json *decode_member(const struct json *object, const char *key)
{
	for (const struct json *node = object->first; node; node = node->next)
		if (strcmp(node->key, key) == 0)
			return node;
	return NULL;
}

bool decode_int(
	struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path, int64_t *out)
{
	if (!decode_expect(d, node, JSON_INTEGER, path))
		return false;
	if (node->integer < field->min || node->integer > field->max) {
		plan_error_set(
			d->error, path, "must be an integer from %lld to %lld", (long long)field->min, (long long)field->max);
		return false;
	}
	*out = node->integer;
	return true;
}

bool decode_string(struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path,
	const char **out)
{
	if (!decode_expect(d, node, JSON_STRING, path))
		return false;
	if (field->host && node->text[0] != '/' && strncmp(node->text, "./", 2) != 0)
		return decode_refuse(d, path, "must be an absolute path, or start with ./");
	if (field->host && node->text[0] != '/' && !d->first_relative)
		d->first_relative = node->text;
	if (field->path && node->text[0] != '/')
		return decode_refuse(d, path, "must be an absolute path");
	if (field->min && node->length == 0)
		return decode_refuse(d, path, "must not be empty");
	if (field->max && node->length > field->max) {
		plan_error_set(d->error, path, "must have at most %lld bytes", (long long)field->max);
		return false;
	}
	*out = node->text;
	return true;
}

static bool is_base64(const char *text, size_t length, size_t *padding)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t used = strspn(text, digits);
	*padding = length - used;
	return length % 4 == 0 && *padding <= 2 && strspn(text + used, "=") == *padding;
}

bool decode_base64(struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path,
	const char **out)
{
	size_t padding;
	if (!decode_expect(d, node, JSON_STRING, path))
		return false;
	if (!is_base64(node->text, node->length, &padding))
		return decode_refuse(d, path, "must be base64");
	size_t bytes = (size_t)node->length / 4 * 3 - padding;
	if (bytes == 0 || bytes % (size_t)field->min != 0 || bytes > (size_t)field->max) {
		plan_error_set(d->error, path, "must stand for 1 to %lld entries of %lld bytes",
			(long long)(field->max / field->min), (long long)field->min);
		return false;
	}
	*out = node->text;
	return true;
}

bool decode_mode(struct decoder *d, const struct json *node, const struct json_path *path, unsigned *out)
{
	unsigned mode = 0;
	if (!decode_expect(d, node, JSON_STRING, path))
		return false;
	if ((node->length != 3 && node->length != 4) || strspn(node->text, "01234567") != node->length)
		return decode_refuse(d, path, "must be 3 or 4 octal digits");
	for (const char *c = node->text; *c; c++)
		mode = mode * 8 + (unsigned)(*c - '0');
	*out = mode;
	return true;
}

bool decode_find_word(const char *words, const char *text, unsigned *out)
{
	unsigned n = 0;
	for (; *words && strcmp(words, text) != 0; n++)
		words = next_word(words);
	*out = n;
	return *words != '\0';
}

/* Never inlined: clearing its buffer would take longer than finding a word. */
__attribute__((noinline)) static bool refuse_word(struct decoder *d, const char *words, const struct json_path *path)
{
	char list[sizeof d->error->message] = "";
	size_t used = 0;
	for (const char *word = words; *word && used < sizeof list; word = next_word(word))
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", word);
	plan_error_set(d->error, path, "must be one of %.620s", list);
	return false;
}

bool decode_word(
	struct decoder *d, const char *words, const struct json *node, const struct json_path *path, unsigned *out)
{
	if (!decode_expect(d, node, JSON_STRING, path))
		return false;
	return decode_find_word(words, node->text, out) || refuse_word(d, words, path);
}

bool decode_flags(
	struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path, uint64_t *out)
{
	struct json_path entry = {.up = path};
	const char *rest = contract_words + field->of;
	unsigned before = 0;
	if (!decode_expect(d, node, JSON_ARRAY, path))
		return false;
	for (const struct json *item = node->first; item; item = item->next, entry.index++) {
		unsigned n;
		/* Plans mostly name them in the list's order, so the search goes on from the word that was found last. */
		if (item->kind != JSON_STRING || !decode_find_word(rest, item->text, &n)) {
			rest = contract_words + field->of;
			before = 0;
			if (!decode_word(d, rest, item, &entry, &n))
				return false;
		}
		rest = word_at(rest, n);
		before = n += before;
		if (*out & UINT64_C(1) << n)
			return decode_refuse(d, &entry, "named twice");
		*out |= UINT64_C(1) << n;
	}
	return true;
}
