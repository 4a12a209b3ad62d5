#define NSBOX_CONTRACT_FIELDS
#include "plan/decode.h"

#include <string.h>

/* A list in a structure is `T *name; size_t name_count;`. */
struct list {
	void *entries;
	size_t count;
};

/* Fills OUT, a zeroed structure, from an object. SKIP, or NULL, is a key that was decoded before. */
static bool decode_object(struct decoder *d, const struct object *table, const struct json *node,
	const struct json_path *path, const char *skip, void *out);

/* Checks that the value is an array with as many entries as the field allows. */
static bool expect_array(
	struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path)
{
	if (!decode_expect(d, node, JSON_ARRAY, path))
		return false;
	if (node->length < (uint32_t)field->min) {
		plan_error_set(
			d->error, path, "must have at least %lld %s", (long long)field->min, field->min == 1 ? "entry" : "entries");
		return false;
	}
	if (field->max && node->length > field->max) {
		plan_error_set(d->error, path, "must have at most %lld entries", (long long)field->max);
		return false;
	}
	return true;
}

static bool decode_text(struct decoder *d, const struct field *field, const struct json *node,
	const struct json_path *path, const char **out)
{
	/* The length limits of this field count entries, not bytes. */
	const struct field text = {.path = field->path, .host = field->host};
	if (!decode_string(d, &text, node, path, out))
		return false;
	return !field->assignment || (*node->text != '=' && strchr(node->text, '=')) ||
		   decode_refuse(d, path, "must be NAME=VALUE");
}

static bool decode_variant(struct decoder *d, const struct variants *variants, const struct json *node,
	const struct json_path *path, char *out)
{
	struct json_path inner = {.up = path, .key = "type", .length = strlen("type")};
	const struct json *type;
	unsigned n;
	if (!decode_expect(d, node, JSON_OBJECT, path))
		return false;
	type = decode_member(node, "type");
	if (!type)
		return decode_refuse(d, &inner, "missing required key");
	if (!decode_expect(d, type, JSON_STRING, &inner))
		return false;
	if (!decode_find_word(contract_words + variants->types, type->text, &n))
		return decode_refuse(d, &inner, "unknown type");
	memcpy(out + variants->type_offset, &n, sizeof n);
	return decode_object(d, &contract_objects[variants->first + n], node, path, "type", out);
}

static bool decode_id(struct decoder *d, const struct json *node, const struct json_path *path, uint32_t *out)
{
	/* -1 stands for no id, setresuid(2). */
	static const struct field id = {.max = UINT32_MAX - 1};
	int64_t number = 0;
	bool decoded = decode_int(d, &id, node, path, &number);
	*out = (uint32_t)number;
	return decoded;
}

static size_t entry_size(const struct field *field)
{
	switch (field->kind) {
	case KIND_STRINGS: return sizeof(char *);
	case KIND_IDS: return sizeof(uint32_t);
	case KIND_OBJECTS: return contract_objects[field->of].size;
	default: return contract_variants[field->of].size;
	}
}

static bool decode_entry(
	struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path, char *out)
{
	switch (field->kind) {
	case KIND_STRINGS: return decode_text(d, field, node, path, (const char **)(void *)out);
	case KIND_IDS: return decode_id(d, node, path, (uint32_t *)(void *)out);
	case KIND_OBJECTS: return decode_object(d, &contract_objects[field->of], node, path, NULL, out);
	default: return decode_variant(d, &contract_variants[field->of], node, path, out);
	}
}

/* Behind the entries is room for one more: a list of strings ends in NULL. */
static bool decode_entries(struct decoder *d, const struct field *field, const struct json *node,
	const struct json_path *path, struct list *out)
{
	struct json_path at = {.up = path};
	const size_t size = entry_size(field);
	char *entries;
	if (!expect_array(d, field, node, path))
		return false;
	entries = decode_allocate(d, (size_t)node->length + 1, size);
	if (!entries)
		return false;
	for (const struct json *item = node->first; item; item = item->next, at.index++)
		if (!decode_entry(d, field, item, &at, entries + at.index * size))
			return false;
	*out = (struct list){entries, node->length};
	return true;
}

/*
 * Stores a pointer in a member, by memcpy: the members have pointer types of their own, so an assignment would alias.
 */
static bool decode_container(
	struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path, char *member)
{
	struct list list = {NULL, 0};
	switch (field->kind) {
	case KIND_STRINGS:
	case KIND_IDS:
	case KIND_OBJECTS:
	case KIND_VARIANTS:
		if (!decode_entries(d, field, node, path, &list))
			return false;
		break;
	case KIND_VARIANT:
		list.entries = decode_allocate(d, 1, contract_variants[field->of].size);
		if (!list.entries || !decode_variant(d, &contract_variants[field->of], node, path, list.entries))
			return false;
		memcpy(member, &list.entries, sizeof list.entries);
		return true;
	default:
		list.entries = decode_allocate(d, 1, contract_objects[field->of].size);
		if (!list.entries || !decode_object(d, &contract_objects[field->of], node, path, NULL, list.entries))
			return false;
		memcpy(member, &list.entries, sizeof list.entries);
		return true;
	}
	memcpy(member, &list, sizeof list);
	return true;
}

static bool decode_field(
	struct decoder *d, const struct field *field, const struct json *node, const struct json_path *path, char *member)
{
	switch (field->kind) {
	case KIND_BOOL:
		*(bool *)member = node->kind == JSON_BOOL && node->boolean;
		return decode_expect(d, node, JSON_BOOL, path);
	case KIND_INT: return decode_int(d, field, node, path, (int64_t *)(void *)member);
	case KIND_STRING: return decode_string(d, field, node, path, (const char **)(void *)member);
	case KIND_BASE64: return decode_base64(d, field, node, path, (const char **)(void *)member);
	case KIND_MODE: return decode_mode(d, node, path, (unsigned *)(void *)member);
	case KIND_ENUM: return decode_word(d, contract_words + field->of, node, path, (unsigned *)(void *)member);
	case KIND_FLAGS: return decode_flags(d, field, node, path, (uint64_t *)(void *)member);
	default: return decode_container(d, field, node, path, member);
	}
}

/* Stores the values of absent keys. The structure is zeroed already. */
static void set_defaults(const struct object *table, char *out)
{
	for (size_t n = 0; n < table->count; n++) {
		const struct field *field = &contract_fields[table->first + n];
		unsigned small = (unsigned)field->absent;
		int64_t large = field->absent;
		if (field->kind == KIND_INT)
			memcpy(out + field->offset, &large, sizeof large);
		else if (field->kind == KIND_MODE || field->kind == KIND_ENUM)
			memcpy(out + field->offset, &small, sizeof small);
	}
}

static const struct field *find_field(const struct object *table, const char *key)
{
	const struct field *fields = contract_fields + table->first;
	for (size_t n = 0; n < table->count; n++)
		if (*fields[n].key == *key && strcmp(fields[n].key, key) == 0)
			return &fields[n];
	return NULL;
}

static bool decode_object(struct decoder *d, const struct object *table, const struct json *node,
	const struct json_path *path, const char *skip, void *out)
{
	if (!decode_expect(d, node, JSON_OBJECT, path))
		return false;
	set_defaults(table, out);
	for (const struct json *item = node->first; item; item = item->next) {
		struct json_path inner = {.up = path, .key = item->key, .length = item->key_length};
		const struct field *field = find_field(table, item->key);
		if (skip && strcmp(item->key, skip) == 0)
			continue;
		if (!field)
			return decode_refuse(d, &inner, "unknown key");
		if (!decode_field(d, field, item, &inner, (char *)out + field->offset))
			return false;
	}
	for (size_t n = 0; n < table->count; n++) {
		const struct field *field = &contract_fields[table->first + n];
		if (!field->required || decode_member(node, field->key))
			continue;
		struct json_path inner = {.up = path, .key = field->key, .length = strlen(field->key)};
		return decode_refuse(d, &inner, "missing required key");
	}
	return true;
}

bool decode_plan(struct decoder *d, const struct json *node, struct plan *out)
{
	return decode_object(d, &contract_objects[PLAN_OBJECT], node, NULL, NULL, out);
}
