/* SPDX-License-Identifier: MIT */
/* net/stamp_id.h: whether messages may number their own transmit timestamps. */
#ifndef HL_NET_STAMP_ID_H
#define HL_NET_STAMP_ID_H

#include <stdbool.h>

/* Whether this kernel takes SCM_TS_OPT_ID, as 6.13 does. One that doesn't
 * counts by itself, and a few kinds of failed sends count too. Sends nothing.
 */
bool hl_stamp_id_served(void);

#endif
