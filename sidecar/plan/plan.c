#include "plan/plan.h"

#include <string.h>

#include "plan/decode.h"
#include "plan/json.h"
#include "plan/rules.h"

static const char *first_relative;

const char *plan_first_relative(void) { return first_relative; }

bool plan_decode(
	const char *text, size_t length, struct arena *arena, const struct plan **out, struct plan_error *error)
{
	struct decoder d = {.arena = arena, .error = error};
	const struct json *node;
	struct plan *plan;
	if (!json_parse(text, length, arena, &node, error) || !rules_check_contract(&d, node))
		return false;
	plan = decode_allocate(&d, 1, sizeof *plan);
	if (!plan || !decode_plan(&d, node, plan) || !rules_check(&d, plan))
		return false;
	first_relative = d.first_relative;
	*out = plan;
	return true;
}

const char *plan_root_directory(const struct root *root)
{
	switch ((enum root_type)root->type) {
	case ROOT_DIRECTORY: return root->path;
	case ROOT_LAYERS: return root->lowers_count == 1 && !root->filesystems_count ? root->lowers[0] : NULL;
	case ROOT_EMPTY: break;
	}
	return NULL;
}

bool plan_shows_host(const struct root *root)
{
	const char *directory = plan_root_directory(root);
	return directory && strcmp(directory, "/") == 0;
}
