/* SPDX-License-Identifier: MIT */
/* util/options.c: reads and writes structs that begin with their size, between
 * programs and libraries that know different lengths of them. */
#include "util/options.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* No struct of a later version grows by more: a size beyond is no size. */
#define HL_OPTIONS_GROWTH_MAX 4096

static bool all_zero(const unsigned char *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

int hl_options_read(void *own, size_t own_size, const void *given)
{
	size_t size = sizeof(size);

	if (given) {
		memcpy(&size, given, sizeof(size));
		if (size < sizeof(size))
			return -EINVAL;
		if (size > own_size + HL_OPTIONS_GROWTH_MAX)
			return -E2BIG;
		if (size > own_size &&
		    !all_zero((const unsigned char *)given + own_size,
			      size - own_size))
			return -E2BIG;
	}
	memset(own, 0, own_size);
	if (given)
		memcpy(own, given, size < own_size ? size : own_size);
	memcpy(own, &own_size, sizeof(own_size));
	return 0;
}

int hl_options_write(void *given, const void *own, size_t own_size)
{
	size_t size;

	if (!given)
		return -EINVAL;
	memcpy(&size, given, sizeof(size));
	if (size < sizeof(size))
		return -EINVAL;
	if (size > own_size)
		return -E2BIG;
	memcpy((unsigned char *)given + sizeof(size),
	       (const unsigned char *)own + sizeof(size), size - sizeof(size));
	return 0;
}
