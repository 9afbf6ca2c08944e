/* SPDX-License-Identifier: MIT */
/* engine.h: making an engine over a backend of one's own choice, for tests, and
 * winding one up, for shards. */
#ifndef HL_ENGINE_H
#define HL_ENGINE_H

#include "backend/backend.h"

#include <hail/engine.h>

int hl_engine_create_with(struct hail_engine **out,
			  const struct hail_engine_options *options,
			  const struct hl_backend_ops *ops, void *arg);

/* Closes without a handler's call what is open, cancels what is in flight, and
 * waits until the ports are free. The engine's thread, which then may only
 * destroy it, or end. */
void hl_engine_wind_up(struct hail_engine *engine);

#endif
