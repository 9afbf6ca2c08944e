/* SPDX-License-Identifier: MIT */
/* util/options.h: structs that begin with their size and may grow. */
#ifndef HL_UTIL_OPTIONS_H
#define HL_UTIL_OPTIONS_H

#include <stddef.h>

/* Copies a caller's struct, whose first member is a size_t with its size, into
 * `own` of `own_size` bytes; what the caller's lacks is zero. `given` NULL:
 * all zero. -EINVAL: smaller than the size member; -E2BIG: it is larger than
 * the library's own and a byte past that isn't zero, or larger than any
 * version's can be. `own` is written only on success; its size member then
 * holds own_size. */
int hl_options_read(void *own, size_t own_size, const void *given);

/* Copies `own` of `own_size` bytes out to a caller's struct of the same kind,
 * as much as the caller's knows; its size member stays. -EINVAL: NULL, or
 * smaller than the size member; -E2BIG: larger than the library's own. */
int hl_options_write(void *given, const void *own, size_t own_size);

#endif
