/* SPDX-License-Identifier: MIT */
/* engine.h: making an engine over a backend of one's own choice, for tests. */
#ifndef HL_ENGINE_H
#define HL_ENGINE_H

#include "backend/backend.h"

#include <hail/engine.h>

int hl_engine_create_with(struct hail_engine **out,
			  const struct hail_engine_options *options,
			  const struct hl_backend_ops *ops, void *arg);

#endif
