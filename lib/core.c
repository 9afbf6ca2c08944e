/* SPDX-License-Identifier: MIT */
/* core.c: who may use the engine, and telling a foreign loop to turn it. */
#include "core.h"

#include "util/clock.h"

#include <errno.h>

int hl_core_check(const struct hail_engine *engine)
{
	return engine ? hl_owner_check(&engine->owner) : -EINVAL;
}

int hl_core_claim(struct hail_engine *engine)
{
	int err = hl_core_check(engine);

	if (err || engine->owner.claimed)
		return err;
	err = engine->backend->ops->start(engine->backend);
	if (!err)
		hl_owner_claim(&engine->owner);
	return err;
}

uint64_t hl_core_now(struct hail_engine *engine)
{
	if (!engine->now)
		engine->now = hl_clock_now();
	return engine->now;
}

void hl_core_touch(struct hail_engine *engine)
{
	if (!engine->turning)
		hl_notify_now(&engine->notify);
}
