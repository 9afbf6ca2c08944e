/* SPDX-License-Identifier: MIT */
/* net/interface.h: an interface by its name alone. */
#ifndef HL_NET_INTERFACE_H
#define HL_NET_INTERFACE_H

#include <stdint.h>

/* -ENODEV: there is none of that name; -EMFILE, -ENFILE, -ENOMEM. */
int hl_interface_by_name(uint32_t *out, const char *name);

#endif
