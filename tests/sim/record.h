/* SPDX-License-Identifier: MIT */
/* record.h: records of the error queue, byte for byte as a kernel writes
 * them. */
#ifndef RECORD_H
#define RECORD_H

#include "support/sim.h"

#include <hail/addr.h>
#include <stdint.h>
#include <linux/errqueue.h>

/* An extended error about a datagram to `remote`, with the offender behind it,
 * which also says the family; NULL: nobody, in IPv4. */
struct sim_record record_of(const struct sock_extended_err *error,
			    const struct hail_addr *remote,
			    const struct hail_addr *offender);
/* "Port unreachable", by the remote itself, of either family. */
struct sim_record record_refused(const struct hail_addr *remote);
/* A queueing discipline dropped a datagram that was to leave at `time_ns`. */
struct sim_record record_txtime(unsigned code, uint64_t time_ns);
/* The id-th message that asked for a timestamp has left. */
struct sim_record record_stamp(uint32_t id, uint64_t time_ns,
			       uint64_t device_time_ns);

#endif
