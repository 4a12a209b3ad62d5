#include "plan/rules.h"

#include <string.h>

#include "plan/part.h"

bool rules_check_contract(struct decoder *d, const struct json *node)
{
	const struct json_path path = {.key = "contract", .length = strlen("contract")};
	const struct json *contract;
	if (!decode_expect(d, node, JSON_OBJECT, NULL))
		return false;
	contract = decode_member(node, "contract");
	if (!contract)
		return decode_refuse(d, &path, "missing required key");
	if (!decode_expect(d, contract, JSON_INTEGER, &path))
		return false;
	if (contract->integer == NSBOX_CONTRACT)
		return true;
	if (contract->integer >= 1 && contract->integer < NSBOX_CONTRACT)
		plan_error_set(d->error, &path,
			"an older nsbox made this plan (contract %lld, and this program speaks contract %d): make it anew with nsbox plan",
			(long long)contract->integer, NSBOX_CONTRACT);
	else
		plan_error_set(d->error, &path, "this plan has contract %lld, and this program speaks contract %d",
			(long long)contract->integer, NSBOX_CONTRACT);
	return false;
}

/* Refuses the value at KEY, or at KEY in the object UP, if it is wrong. */
static bool refuse_if(struct decoder *d, bool wrong, const char *up, const char *key, const char *message)
{
	const struct json_path above = {.key = up, .length = up ? strlen(up) : 0};
	const struct json_path at = {.up = up ? &above : NULL, .key = key, .length = strlen(key)};
	return !wrong || decode_refuse(d, &at, message);
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

static bool check_helpers(struct decoder *d, const struct plan *plan)
{
	const struct json_path helpers = {.key = "helpers", .length = strlen("helpers")};
	struct json_path entry = {.up = &helpers};
	for (; entry.index < plan->helpers_count; entry.index++)
		if (!plan->helpers[entry.index].program == (plan->helpers[entry.index].part == PART_ABSENT))
			return decode_refuse(d, &entry, "needs either program or part");
	return true;
}

bool rules_check(struct decoder *d, const struct plan *plan)
{
	static const char needs_net[] = "needs net in namespaces";
	const struct process *process = plan->process;
	bool user = plan->namespaces & PLAN_NAMESPACES_USER, net = plan->namespaces & PLAN_NAMESPACES_NET;
	return refuse_if(d, !(plan->namespaces & PLAN_NAMESPACES_MOUNT), NULL, "namespaces", "must contain mount") &&
		   refuse_if(d, !plan->enter && !plan->root, NULL, "root", "missing required key") &&
		   refuse_if(d,
			   plan->root && plan->root->type == ROOT_LAYERS &&
				   plan->root->lowers_count + plan->root->filesystems_count == 0,
			   "root", "lowers", "must have at least 1 entry") &&
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
			   "must not be true when by is self") &&
		   check_helpers(d, plan);
}
