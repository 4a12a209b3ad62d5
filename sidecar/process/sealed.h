#ifndef NSBOX_PROCESS_SEALED_H
#define NSBOX_PROCESS_SEALED_H

#include <stdbool.h>
#include <stddef.h>

#include "plan/contract.h"
#include "plan/invocation.h"

/*
 * Executes a sealed copy of this program in memory, with the plan TEXT, if processes of the box could reach the file
 * that runs now (CVE-2019-5736), or if the box stays. BAKED: the plan is part of that file.
 */
void sealed_ensure(
	const struct plan *plan, bool baked, const char *text, size_t length, const struct invocation *invocation);

#endif
