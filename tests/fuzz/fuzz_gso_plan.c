/* SPDX-License-Identifier: MIT */
/* Any set of messages: the plan of its trains is what the rules call for. See
 * support/plan.h for what the bytes say. */
#include "fuzz.h"
#include "plan.h"

static const struct hl_memory memory; /* malloc() and free() */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct plan plan;
	struct hl_gso gso = {0};
	const char *broken;

	plan_read(&plan, data, size);
	if (!plan.count)
		return 0;
	/* Exactly as large, so that its table is as full as it can be. */
	FUZZ_CHECK(hl_gso_init(&gso, &memory, plan.count) == 0);
	broken = plan_check(&plan, &gso);
	if (broken)
		fprintf(stderr, "%s\n", broken);
	FUZZ_CHECK(!broken);
	hl_gso_fini(&gso);
	return 0;
}
