/* SPDX-License-Identifier: MIT */
/* engine_options.h: an engine's options as they are in force. */
#ifndef HL_ENGINE_OPTIONS_H
#define HL_ENGINE_OPTIONS_H

#include <hail/engine.h>

/* Reads the caller's options, which may be NULL, checks them and puts the
 * defaults in. -EINVAL, -E2BIG: see hail_engine_create(). */
int hl_engine_options_read(struct hail_engine_options *out,
			   const struct hail_engine_options *given);

#endif
