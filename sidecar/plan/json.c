#include "plan/json.h"

#include <string.h>

#include "base/utf8.h"

struct reader {
	const unsigned char *text;
	size_t length, at;
	unsigned depth;
	struct arena *arena;
	struct plan_error *error;
};

static struct json *read_value(struct reader *r, const struct json_path *path);

/* Returns NULL, so that a caller can return the call itself; as a bool it is false. */
static void *refuse(struct reader *r, size_t at, const char *what)
{
	plan_error_set(r->error, NULL, "not valid JSON: %s at byte %zu", what, at);
	return NULL;
}

static void *refuse_here(struct reader *r)
{
	return refuse(r, r->at, r->at == r->length ? "unexpected end" : "unexpected character");
}

static void *refuse_memory(struct reader *r)
{
	plan_error_set(r->error, NULL, "out of memory");
	return NULL;
}

/* The next byte, or -1 at the end. */
static int peek(const struct reader *r) { return r->at < r->length ? r->text[r->at] : -1; }

static bool is_digit(int c) { return c >= '0' && c <= '9'; }

static void skip_space(struct reader *r)
{
	for (int c = peek(r); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = peek(r))
		r->at++;
}

static bool take(struct reader *r, char c)
{
	if (peek(r) != c)
		return false;
	r->at++;
	return true;
}

static size_t utf8_put(char *out, unsigned code)
{
	if (code < 0x80) {
		out[0] = (char)code;
		return 1;
	}
	if (code < 0x800) {
		out[0] = (char)(0xc0 | code >> 6);
		out[1] = (char)(0x80 | (code & 0x3f));
		return 2;
	}
	if (code < 0x10000) {
		out[0] = (char)(0xe0 | code >> 12);
	} else {
		*out++ = (char)(0xf0 | code >> 18);
		out[0] = (char)(0x80 | (code >> 12 & 0x3f));
	}
	out[1] = (char)(0x80 | (code >> 6 & 0x3f));
	out[2] = (char)(0x80 | (code & 0x3f));
	return code < 0x10000 ? 3 : 4;
}

/* The code unit of the \uXXXX at a position, or -1. */
static int unit_at(const struct reader *r, size_t at)
{
	int unit = 0;
	if (r->length - at < 6 || r->text[at] != '\\' || r->text[at + 1] != 'u')
		return -1;
	for (size_t i = at + 2; i < at + 6; i++) {
		int c = r->text[i];
		int digit = is_digit(c)            ? c - '0'
					: c >= 'a' && c <= 'f' ? c - 'a' + 10
					: c >= 'A' && c <= 'F' ? c - 'A' + 10
										   : -1;
		if (digit < 0)
			return -1;
		unit = unit * 16 + digit;
	}
	return unit;
}

/* Writes the character that \uXXXX stands for. Returns the number of bytes, or 0. */
static size_t read_unit(struct reader *r, const struct json_path *path, char *out)
{
	size_t start = r->at;
	int unit = unit_at(r, start), second;
	if (unit < 0) {
		refuse(r, start, "incomplete escape");
		return 0;
	}
	r->at += 6;
	if (unit == 0) {
		plan_error_set(r->error, path, "must not contain NUL");
		return 0;
	}
	if (unit >= 0xdc80 && unit <= 0xdcff) {
		out[0] = (char)(unit - 0xdc00);
		return 1;
	}
	if (unit < 0xd800 || unit > 0xdfff)
		return utf8_put(out, (unsigned)unit);
	second = unit < 0xdc00 ? unit_at(r, r->at) : -1;
	if (second < 0xdc00 || second > 0xdfff) {
		refuse(r, start, "lone surrogate");
		return 0;
	}
	r->at += 6;
	return utf8_put(out, 0x10000 + ((unsigned)(unit - 0xd800) << 10) + (unsigned)(second - 0xdc00));
}

static size_t read_escape(struct reader *r, const struct json_path *path, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *found;
	int c = r->at + 1 < r->length ? r->text[r->at + 1] : 0;
	if (c == 'u')
		return read_unit(r, path, out);
	found = c ? strchr(from, c) : NULL;
	if (!found) {
		refuse(r, r->at, "unknown escape");
		return 0;
	}
	r->at += 2;
	out[0] = to[found - from];
	return 1;
}

/*
 * The number of bytes up to the closing quote, which the decoded text can't exceed. The first PLAIN bytes have no
 * quote.
 */
static size_t string_bound(const struct reader *r, size_t plain)
{
	size_t i = r->at + plain;
	while (i < r->length && r->text[i] != '"')
		i += r->text[i] == '\\' ? 2 : 1;
	return (i < r->length ? i : r->length) - r->at;
}

/* The number of bytes from here on that stand for themselves. Nearly all do: a plan's filter alone has thousands. */
static size_t plain_length(const struct reader *r)
{
	size_t i = r->at;
	while (i < r->length && r->text[i] >= 0x20 && r->text[i] < 0x80 && r->text[i] != '"' && r->text[i] != '\\')
		i++;
	return i - r->at;
}

static char *read_string(struct reader *r, const struct json_path *path, uint32_t *length)
{
	char *out;
	size_t used = 0, put;
	if (!take(r, '"'))
		return refuse_here(r);
	put = plain_length(r);
	out = arena_alloc(r->arena, string_bound(r, put) + 1);
	if (!out)
		return refuse_memory(r);
	for (;; put = plain_length(r)) {
		int c;
		memcpy(out + used, r->text + r->at, put);
		used += put;
		r->at += put;
		if (take(r, '"'))
			break;
		c = peek(r);
		if (c < 0)
			return refuse_here(r);
		if (c < 0x20)
			return refuse(r, r->at, "control character in a string");
		if (c == '\\') {
			put = read_escape(r, path, out + used);
			if (!put)
				return NULL;
		} else {
			put = utf8_length(r->text + r->at, r->length - r->at);
			if (!put)
				return refuse(r, r->at, "invalid UTF-8");
			memcpy(out + used, r->text + r->at, put);
			r->at += put;
		}
		used += put;
	}
	out[used] = '\0';
	*length = (uint32_t)used;
	return out;
}

static bool skip_digits(struct reader *r)
{
	if (!is_digit(peek(r)))
		return refuse_here(r);
	while (is_digit(peek(r)))
		r->at++;
	return true;
}

/* Reads the fraction and the exponent of a number. */
static bool skip_fraction(struct reader *r)
{
	if (take(r, '.') && !skip_digits(r))
		return false;
	if (take(r, 'e') || take(r, 'E')) {
		if (!take(r, '+'))
			take(r, '-');
		return skip_digits(r);
	}
	return true;
}

static struct json *read_number(struct reader *r, struct json *node)
{
	bool negative = take(r, '-');
	size_t start = r->at, end;
	int64_t value = 0;
	if (!skip_digits(r))
		return NULL;
	end = r->at;
	if (r->text[start] == '0' && end > start + 1)
		return refuse(r, start, "leading zero");
	if (!skip_fraction(r))
		return NULL;
	node->kind = r->at == end && end - start <= 16 ? JSON_INTEGER : JSON_FRACTION;
	if (node->kind == JSON_FRACTION)
		return node;
	for (size_t i = start; i < end; i++)
		value = value * 10 + (r->text[i] - '0');
	if (value > JSON_MAX_INTEGER)
		node->kind = JSON_FRACTION;
	else
		node->integer = negative ? -value : value;
	return node;
}

static bool take_word(struct reader *r, const char *word)
{
	size_t length = strlen(word);
	if (r->length - r->at < length || memcmp(r->text + r->at, word, length) != 0)
		return false;
	r->at += length;
	return true;
}

static struct json *read_array(struct reader *r, struct json *node, const struct json_path *path)
{
	const struct json **tail = &node->first;
	struct json_path entry = {.up = path};
	node->kind = JSON_ARRAY;
	skip_space(r);
	if (take(r, ']'))
		return node;
	for (;;) {
		struct json *value = read_value(r, &entry);
		if (!value)
			return NULL;
		*tail = value;
		tail = &value->next;
		node->length++;
		entry.index++;
		skip_space(r);
		if (take(r, ']'))
			return node;
		if (!take(r, ','))
			return refuse_here(r);
	}
}

static bool has_key(const struct json *object, const char *key, size_t length)
{
	for (const struct json *member = object->first; member; member = member->next)
		if (member->key_length == length && memcmp(member->key, key, length) == 0)
			return true;
	return false;
}

static struct json *read_member(struct reader *r, const struct json *object, const struct json_path *path)
{
	struct json_path inner = {.up = path};
	struct json *value;
	uint32_t length;
	size_t start;
	skip_space(r);
	start = r->at;
	inner.key = read_string(r, path, &length);
	if (!inner.key)
		return NULL;
	inner.length = length;
	if (object->length == JSON_MAX_KEYS)
		return refuse(r, start, "too many keys in an object");
	if (has_key(object, inner.key, length)) {
		plan_error_set(r->error, &inner, "duplicate key");
		return NULL;
	}
	skip_space(r);
	if (!take(r, ':'))
		return refuse_here(r);
	value = read_value(r, &inner);
	if (!value)
		return NULL;
	value->key = inner.key;
	value->key_length = length;
	return value;
}

static struct json *read_object(struct reader *r, struct json *node, const struct json_path *path)
{
	const struct json **tail = &node->first;
	node->kind = JSON_OBJECT;
	skip_space(r);
	if (take(r, '}'))
		return node;
	for (;;) {
		struct json *value = read_member(r, node, path);
		if (!value)
			return NULL;
		*tail = value;
		tail = &value->next;
		node->length++;
		skip_space(r);
		if (take(r, '}'))
			return node;
		if (!take(r, ','))
			return refuse_here(r);
	}
}

static struct json *read_container(struct reader *r, struct json *node, const struct json_path *path)
{
	bool array = peek(r) == '[';
	struct json *done;
	if (r->depth == JSON_MAX_DEPTH)
		return refuse(r, r->at, "nested too deeply");
	r->depth++;
	r->at++;
	done = array ? read_array(r, node, path) : read_object(r, node, path);
	r->depth--;
	return done;
}

static struct json *read_value(struct reader *r, const struct json_path *path)
{
	struct json *node = arena_alloc(r->arena, sizeof *node);
	int c;
	if (!node)
		return refuse_memory(r);
	skip_space(r);
	c = peek(r);
	if (c == '[' || c == '{')
		return read_container(r, node, path);
	if (c == '-' || is_digit(c))
		return read_number(r, node);
	if (c == '"') {
		node->kind = JSON_STRING;
		node->text = read_string(r, path, &node->length);
		return node->text ? node : NULL;
	}
	node->kind = JSON_BOOL;
	if (take_word(r, "false"))
		return node;
	node->boolean = true;
	if (take_word(r, "true"))
		return node;
	node->kind = JSON_NULL;
	return take_word(r, "null") ? node : refuse_here(r);
}

bool json_parse(const char *text, size_t length, struct arena *arena, const struct json **out, struct plan_error *error)
{
	struct reader r = {.text = (const unsigned char *)text, .length = length, .arena = arena, .error = error};
	if (length > UINT32_MAX) {
		plan_error_set(error, NULL, "too large");
		return false;
	}
	if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		return refuse(&r, 0, "byte order mark");
	*out = read_value(&r, NULL);
	if (!*out)
		return false;
	skip_space(&r);
	if (r.at == length)
		return true;
	return refuse(&r, r.at, "text after the end");
}
