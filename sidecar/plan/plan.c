#define NSBOX_CONTRACT_FIELDS
#include "plan/plan.h"

#include <stdio.h>
#include <string.h>

#include "plan/json.h"

static const char *first_relative;

const char *plan_first_relative(void) { return first_relative; }

struct decoder {
	struct arena *arena;
	struct plan_error *error;
};

/* A list in a structure is `T *name; size_t name_count;`. */
struct list {
	void *entries;
	size_t count;
};

static bool decode_object(struct decoder *d, const struct object *table, const struct json *node,
	const struct place *place, const char *skip, void *out);

static bool refuse_plain(struct decoder *d, const struct place *place, const char *message)
{
	plan_error_set(d->error, place, "%s", message);
	return false;
}

static bool expect(struct decoder *d, const struct json *node, enum json_kind kind, const struct place *place)
{
	static const char *const nouns[] = {
		[JSON_BOOL] = "a boolean",
		[JSON_INTEGER] = "an integer",
		[JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};
	if (node->kind == kind)
		return true;
	plan_error_set(d->error, place, "must be %s", nouns[kind]);
	return false;
}

static void *allocate(struct decoder *d, size_t count, size_t size)
{
	void *memory = arena_array(d->arena, count, size);
	if (!memory)
		refuse_plain(d, NULL, "out of memory");
	return memory;
}

static const struct json *member(const struct json *object, const char *key)
{
	for (const struct json *node = object->first; node; node = node->next)
		if (strcmp(node->key, key) == 0)
			return node;
	return NULL;
}

static bool decode_int(
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place, int64_t *out)
{
	if (!expect(d, node, JSON_INTEGER, place))
		return false;
	if (node->integer < field->min || node->integer > field->max) {
		plan_error_set(
			d->error, place, "must be an integer from %lld to %lld", (long long)field->min, (long long)field->max);
		return false;
	}
	*out = node->integer;
	return true;
}

static bool decode_string(
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place, const char **out)
{
	if (!expect(d, node, JSON_STRING, place))
		return false;
	if (field->host && node->text[0] != '/' && strncmp(node->text, "./", 2) != 0)
		return refuse_plain(d, place, "must be an absolute path, or start with ./");
	if (field->host && node->text[0] != '/' && !first_relative)
		first_relative = node->text;
	if (field->path && node->text[0] != '/')
		return refuse_plain(d, place, "must be an absolute path");
	if (field->min && node->length == 0)
		return refuse_plain(d, place, "must not be empty");
	if (field->max && node->length > field->max) {
		plan_error_set(d->error, place, "must have at most %lld bytes", (long long)field->max);
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

static bool decode_base64(
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place, const char **out)
{
	size_t padding;
	if (!expect(d, node, JSON_STRING, place))
		return false;
	if (!is_base64(node->text, node->length, &padding))
		return refuse_plain(d, place, "must be base64");
	size_t bytes = (size_t)node->length / 4 * 3 - padding;
	if (bytes == 0 || bytes % (size_t)field->min != 0 || bytes > (size_t)field->max) {
		plan_error_set(d->error, place, "must stand for 1 to %lld entries of %lld bytes",
			(long long)(field->max / field->min), (long long)field->min);
		return false;
	}
	*out = node->text;
	return true;
}

static bool decode_mode(struct decoder *d, const struct json *node, const struct place *place, unsigned *out)
{
	unsigned mode = 0;
	if (!expect(d, node, JSON_STRING, place))
		return false;
	if ((node->length != 3 && node->length != 4) || strspn(node->text, "01234567") != node->length)
		return refuse_plain(d, place, "must be 3 or 4 octal digits");
	for (const char *c = node->text; *c; c++)
		mode = mode * 8 + (unsigned)(*c - '0');
	*out = mode;
	return true;
}

/* Finds the number of a text in a list of words. */
static bool find_word(const char *words, const char *text, unsigned *out)
{
	unsigned n = 0;
	for (; *words && strcmp(words, text) != 0; n++)
		words = next_word(words);
	*out = n;
	return *words != '\0';
}

/* Never inlined: clearing its buffer would take longer than finding a word. */
__attribute__((noinline)) static bool refuse_word(struct decoder *d, const char *words, const struct place *place)
{
	char list[sizeof d->error->message] = "";
	size_t used = 0;
	for (const char *word = words; *word && used < sizeof list; word = next_word(word))
		used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", word);
	plan_error_set(d->error, place, "must be one of %.620s", list);
	return false;
}

static bool decode_word(
	struct decoder *d, const char *words, const struct json *node, const struct place *place, unsigned *out)
{
	if (!expect(d, node, JSON_STRING, place))
		return false;
	return find_word(words, node->text, out) || refuse_word(d, words, place);
}

static bool decode_flags(
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place, uint64_t *out)
{
	struct place entry = {.up = place};
	const char *rest = field->words;
	unsigned before = 0;
	if (!expect(d, node, JSON_ARRAY, place))
		return false;
	for (const struct json *item = node->first; item; item = item->next, entry.index++) {
		unsigned n;
		/* Plans mostly name them in the list's order, so the search goes on from the word that was found last. */
		if (item->kind != JSON_STRING || !find_word(rest, item->text, &n)) {
			rest = field->words;
			before = 0;
			if (!decode_word(d, rest, item, &entry, &n))
				return false;
		}
		rest = word_at(rest, n);
		before = n += before;
		if (*out & UINT64_C(1) << n)
			return refuse_plain(d, &entry, "named twice");
		*out |= UINT64_C(1) << n;
	}
	return true;
}

/* Checks that the value is an array with as many entries as the field allows. */
static bool expect_array(
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place)
{
	if (!expect(d, node, JSON_ARRAY, place))
		return false;
	if (node->length < (uint32_t)field->min) {
		plan_error_set(d->error, place, "must have at least %lld %s", (long long)field->min,
			field->min == 1 ? "entry" : "entries");
		return false;
	}
	if (field->max && node->length > field->max) {
		plan_error_set(d->error, place, "must have at most %lld entries", (long long)field->max);
		return false;
	}
	return true;
}

static bool decode_text(
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place, const char **out)
{
	/* The length limits of this field count entries, not bytes. */
	const struct field text = {.path = field->path, .host = field->host};
	if (!decode_string(d, &text, node, place, out))
		return false;
	return !field->assignment || (*node->text != '=' && strchr(node->text, '=')) ||
		   refuse_plain(d, place, "must be NAME=VALUE");
}

static bool decode_variant(
	struct decoder *d, const struct variants *variants, const struct json *node, const struct place *place, char *out)
{
	struct place inner = {.up = place, .key = "type", .length = strlen("type")};
	const struct json *type;
	unsigned n;
	if (!expect(d, node, JSON_OBJECT, place))
		return false;
	type = member(node, "type");
	if (!type)
		return refuse_plain(d, &inner, "missing required key");
	if (!expect(d, type, JSON_STRING, &inner))
		return false;
	if (!find_word(variants->types, type->text, &n))
		return refuse_plain(d, &inner, "unknown type");
	memcpy(out + variants->type_offset, &n, sizeof n);
	return decode_object(d, variants->objects[n], node, place, "type", out);
}

static bool decode_id(struct decoder *d, const struct json *node, const struct place *place, uint32_t *out)
{
	/* -1 stands for no id, setresuid(2). */
	static const struct field id = {.max = UINT32_MAX - 1};
	int64_t number = 0;
	bool decoded = decode_int(d, &id, node, place, &number);
	*out = (uint32_t)number;
	return decoded;
}

static size_t entry_size(const struct field *field)
{
	switch (field->kind) {
	case KIND_STRINGS: return sizeof(char *);
	case KIND_IDS: return sizeof(uint32_t);
	case KIND_OBJECTS: return field->object->size;
	default: return field->variants->size;
	}
}

static bool decode_entry(
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place, char *out)
{
	switch (field->kind) {
	case KIND_STRINGS: return decode_text(d, field, node, place, (const char **)(void *)out);
	case KIND_IDS: return decode_id(d, node, place, (uint32_t *)(void *)out);
	case KIND_OBJECTS: return decode_object(d, field->object, node, place, NULL, out);
	default: return decode_variant(d, field->variants, node, place, out);
	}
}

/* Behind the entries is room for one more: a list of strings ends in NULL. */
static bool decode_entries(
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place, struct list *out)
{
	struct place at = {.up = place};
	const size_t size = entry_size(field);
	char *entries;
	if (!expect_array(d, field, node, place))
		return false;
	entries = allocate(d, (size_t)node->length + 1, size);
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
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place, char *member)
{
	struct list list = {NULL, 0};
	switch (field->kind) {
	case KIND_STRINGS:
	case KIND_IDS:
	case KIND_OBJECTS:
	case KIND_VARIANTS:
		if (!decode_entries(d, field, node, place, &list))
			return false;
		break;
	case KIND_VARIANT:
		list.entries = allocate(d, 1, field->variants->size);
		if (!list.entries || !decode_variant(d, field->variants, node, place, list.entries))
			return false;
		memcpy(member, &list.entries, sizeof list.entries);
		return true;
	default:
		list.entries = allocate(d, 1, field->object->size);
		if (!list.entries || !decode_object(d, field->object, node, place, NULL, list.entries))
			return false;
		memcpy(member, &list.entries, sizeof list.entries);
		return true;
	}
	memcpy(member, &list, sizeof list);
	return true;
}

static bool decode_field(
	struct decoder *d, const struct field *field, const struct json *node, const struct place *place, char *member)
{
	switch (field->kind) {
	case KIND_BOOL:
		*(bool *)member = node->kind == JSON_BOOL && node->boolean;
		return expect(d, node, JSON_BOOL, place);
	case KIND_INT: return decode_int(d, field, node, place, (int64_t *)(void *)member);
	case KIND_STRING: return decode_string(d, field, node, place, (const char **)(void *)member);
	case KIND_BASE64: return decode_base64(d, field, node, place, (const char **)(void *)member);
	case KIND_MODE: return decode_mode(d, node, place, (unsigned *)(void *)member);
	case KIND_ENUM: return decode_word(d, field->words, node, place, (unsigned *)(void *)member);
	case KIND_FLAGS: return decode_flags(d, field, node, place, (uint64_t *)(void *)member);
	default: return decode_container(d, field, node, place, member);
	}
}

/* Stores the values of absent keys. The structure is zeroed already. */
static void set_defaults(const struct object *table, char *out)
{
	for (size_t n = 0; n < table->count; n++) {
		const struct field *field = &table->fields[n];
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
	for (size_t n = 0; n < table->count; n++)
		if (*table->fields[n].key == *key && strcmp(table->fields[n].key, key) == 0)
			return &table->fields[n];
	return NULL;
}

/* SKIP: a key that was decoded before. */
static bool decode_object(struct decoder *d, const struct object *table, const struct json *node,
	const struct place *place, const char *skip, void *out)
{
	if (!expect(d, node, JSON_OBJECT, place))
		return false;
	set_defaults(table, out);
	for (const struct json *item = node->first; item; item = item->next) {
		struct place inner = {.up = place, .key = item->key, .length = item->key_length};
		const struct field *field = find_field(table, item->key);
		if (skip && strcmp(item->key, skip) == 0)
			continue;
		if (!field)
			return refuse_plain(d, &inner, "unknown key");
		if (!decode_field(d, field, item, &inner, (char *)out + field->offset))
			return false;
	}
	for (size_t n = 0; n < table->count; n++) {
		const char *key = table->fields[n].key;
		if (!table->fields[n].required || member(node, key))
			continue;
		struct place inner = {.up = place, .key = key, .length = strlen(key)};
		return refuse_plain(d, &inner, "missing required key");
	}
	return true;
}

/* Checked first, since a plan of another contract may have any keys. */
static bool check_contract(struct decoder *d, const struct json *node)
{
	const struct place place = {.key = "contract", .length = strlen("contract")};
	const struct json *contract;
	if (!expect(d, node, JSON_OBJECT, NULL))
		return false;
	contract = member(node, "contract");
	if (!contract)
		return refuse_plain(d, &place, "missing required key");
	if (!expect(d, contract, JSON_INTEGER, &place))
		return false;
	if (contract->integer == NSBOX_CONTRACT)
		return true;
	if (contract->integer >= 1 && contract->integer < NSBOX_CONTRACT)
		plan_error_set(d->error, &place,
			"an older nsbox made this plan (contract %lld, and this program speaks contract %d): make it anew with nsbox plan",
			(long long)contract->integer, NSBOX_CONTRACT);
	else
		plan_error_set(d->error, &place, "this plan has contract %lld, and this program speaks contract %d",
			(long long)contract->integer, NSBOX_CONTRACT);
	return false;
}

/* Refuses the value at KEY, or at KEY in the object UP, if it is wrong. */
static bool refuse_if(struct decoder *d, bool wrong, const char *up, const char *key, const char *message)
{
	const struct place above = {.key = up, .length = up ? strlen(up) : 0};
	const struct place at = {.up = up ? &above : NULL, .key = key, .length = strlen(key)};
	return !wrong || refuse_plain(d, &at, message);
}

/* A box that is entered is made already, and has its own process 1. */
static bool check_beside_enter(struct decoder *d, const struct plan *plan)
{
	static const char words[] = "must not be there beside enter", no[] = "must not be true beside enter";
	return refuse_if(d, plan->root, NULL, "root", words) && refuse_if(d, plan->mounts_count, NULL, "mounts", words) &&
		   refuse_if(d, plan->idmap, NULL, "idmap", words) && refuse_if(d, plan->hostname, NULL, "hostname", words) &&
		   refuse_if(d, plan->loopback, NULL, "loopback", words) && refuse_if(d, plan->ping, NULL, "ping", words) &&
		   refuse_if(d, plan->low_ports, NULL, "lowPorts", words) &&
		   refuse_if(d, plan->own_count, NULL, "own", words) &&
		   refuse_if(d, plan->take_back, NULL, "takeBack", words) &&
		   refuse_if(d, plan->cgroup, NULL, "cgroup", words) &&
		   refuse_if(d, plan->helpers_count, NULL, "helpers", words) &&
		   refuse_if(d, plan->process->pause, "process", "pause", no) &&
		   refuse_if(d, plan->supervision && plan->supervision->init, "supervision", "init", no);
}

/* Checks what the table can't say: keys that need each other. */
static bool check_sense(struct decoder *d, const struct plan *plan)
{
	static const char needs_net[] = "needs net in namespaces";
	const struct process *process = plan->process;
	bool user = plan->namespaces & PLAN_NAMESPACES_USER, net = plan->namespaces & PLAN_NAMESPACES_NET;
	return refuse_if(d, !(plan->namespaces & PLAN_NAMESPACES_MOUNT), NULL, "namespaces", "must contain mount") &&
		   refuse_if(d, !plan->enter && !plan->root, NULL, "root", "missing required key") &&
		   (!plan->enter || check_beside_enter(d, plan)) &&
		   refuse_if(d, process->pause && !(plan->supervision && plan->supervision->init), "process", "pause",
			   "needs an init") &&
		   refuse_if(
			   d, user && !plan->idmap && !plan->enter, NULL, "idmap", "must be there when namespaces contain user") &&
		   refuse_if(d, !user && plan->idmap, NULL, "idmap", "needs user in namespaces") &&
		   refuse_if(d, plan->hostname && !(plan->namespaces & PLAN_NAMESPACES_UTS), NULL, "hostname",
			   "needs uts in namespaces") &&
		   refuse_if(d, plan->loopback && !net, NULL, "loopback", needs_net) &&
		   refuse_if(d, plan->ping && !net, NULL, "ping", needs_net) &&
		   refuse_if(d, plan->low_ports && !net, NULL, "lowPorts", needs_net) &&
		   refuse_if(
			   d, process->cwd_of_caller && process->cwd, "process", "cwd", "must not be there beside cwdOfCaller") &&
		   refuse_if(d, process->cwd_of_host && !process->cwd, "process", "cwdOfHost", "needs cwd") &&
		   refuse_if(d, plan->idmap && plan->idmap->setgroups && plan->idmap->by == IDMAP_BY_SELF, "idmap", "setgroups",
			   "must not be true when by is self");
}

bool plan_decode(
	const char *text, size_t length, struct arena *arena, const struct plan **out, struct plan_error *error)
{
	struct decoder d = {arena, error};
	const struct json *node;
	struct plan *plan;
	if (!json_parse(text, length, arena, &node, error) || !check_contract(&d, node))
		return false;
	plan = allocate(&d, 1, sizeof *plan);
	if (!plan || !decode_object(&d, &plan_object, node, NULL, NULL, plan) || !check_sense(&d, plan))
		return false;
	*out = plan;
	return true;
}

const char *plan_root_directory(const struct root *root)
{
	switch ((enum root_type)root->type) {
	case ROOT_DIRECTORY: return root->path;
	case ROOT_LAYERS: return root->lowers_count == 1 ? root->lowers[0] : NULL;
	case ROOT_EMPTY: break;
	}
	return NULL;
}

bool plan_shows_host(const struct root *root)
{
	const char *directory = plan_root_directory(root);
	return directory && strcmp(directory, "/") == 0;
}
