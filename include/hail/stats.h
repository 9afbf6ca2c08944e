/* SPDX-License-Identifier: MIT */
/* stats.h: counters of an engine and of a socket, as plain structs. */
#ifndef HAIL_STATS_H
#define HAIL_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct hail_engine;
struct hail_socket;

/* Traffic, counted for each socket and for the engine. The engine's numbers
 * include those of sockets that are closed by now. */
struct hail_traffic {
	uint64_t received; /* datagrams handed to data handlers */
	uint64_t received_bytes;
	uint64_t truncated; /* of those, longer than the socket takes */
	uint64_t strangers; /* came to a connected socket from others */
	uint64_t dropped;   /* received and not handed over before the close */
	uint64_t sent;      /* datagrams that the kernel took */
	uint64_t sent_bytes;
	uint64_t refused;   /* sends answered with -EAGAIN */
	uint64_t drains;    /* calls of the drain handler that were owed */
	uint64_t failed;    /* taken, and then refused by the kernel */
	uint64_t cancelled; /* in flight when the socket was closed */
	uint64_t retried;   /* sent again: another remote's error, or its own */

	/* Why reception ended and was armed again. */
	uint64_t rearm_empty; /* by a datagram of zero bytes */
	uint64_t rearm_pool;  /* the kernel had no buffer left */
	uint64_t rearm_queue; /* the completion queue was full */
	uint64_t rearm_error; /* by an error, such as an ICMP message */

	uint64_t trains;        /* that left: sends of several datagrams */
	uint64_t train_sent;    /* datagrams that left in them */
	uint64_t train_refused; /* trains that left unsegmented after all */
	uint64_t coalesced; /* of those received, that came with others as one
			       piece (HAIL_DATAGRAM_COALESCED) */
};

/* A pool of receive buffers or of send blocks. */
struct hail_pool_stats {
	uint32_t total;  /* that exist by now */
	uint32_t in_use; /* held by datagrams, retained, in flight or lent */
	uint32_t in_use_max;
	uint32_t exhausted; /* times that none was left */
};

#define HAIL_STATS_ERRNO_MAX 134

struct hail_engine_stats {
	size_t size; /* sizeof(struct hail_engine_stats), set by the caller */
	struct hail_traffic traffic;
	uint64_t turns;
	uint64_t enters;      /* io_uring_enter calls */
	uint64_t submissions; /* requests that were given to the kernel */
	uint64_t completions; /* answers that were taken from it */
	uint64_t overflows;   /* enters that found the completion queue full */
	uint64_t spins;       /* looks without sleeping, of spin_ns */
	uint64_t spin_hits;   /* turns that found something so */
	uint64_t sleeps;      /* enters that were ready to wait */
	uint64_t batch_waits; /* of those, for a batch: see batch_wait_ns */
	/* For how long the latest wait was for a batch; 0: it was not, since
	 * too little came. Of batch_wait_ns, which bounds it. */
	uint64_t batch_wait_ns;
	uint64_t napi_us; /* as asked for, where the kernel does it; else 0 */
	uint64_t posts;
	uint64_t timers;  /* times that one fired */
	uint64_t sockets; /* open or closing now */
	/* Trains that were lent to the kernel to be sent without a copy; of
	 * these, those that it copied after all; and sends that were tried from
	 * registered memory. */
	uint64_t zero_copy_sent;
	uint64_t zero_copy_copied;
	uint64_t zero_copy_registered;
	struct hail_pool_stats buffers;
	struct hail_pool_stats small_buffers;
	struct hail_pool_stats send_blocks;
	struct hail_pool_stats send_blocks_large;
	/* Failed sends by errno, the positive number; those past the end are
	 * counted at 0. */
	uint64_t failed_by_errno[HAIL_STATS_ERRNO_MAX];
};

struct hail_socket_stats {
	size_t size; /* sizeof(struct hail_socket_stats), set by the caller */
	struct hail_traffic traffic;
	uint32_t in_flight; /* taken by hail and not yet by the kernel */
	uint32_t in_flight_max;
	uint32_t queued;      /* received and not yet handed over */
	uint32_t send_buffer; /* bytes, as the kernel books them */
	uint32_t receive_buffer;
	/* Datagrams that the kernel dropped before hail saw them, most often
	 * since the receive buffer was full; exact as of this call. */
	uint64_t kernel_drops;
	uint64_t peers;  /* that are open; what came by them is in the rest */
	bool coalescing; /* UDP_GRO is on now: see the option `coalesce` */
};

/* Copies the counters as they are now; at most out->size bytes are written,
 * so a program built against an older header gets what it knows.
 * -EINVAL: NULL or a size of 0; -E2BIG: a size above the library's own.
 * The engine's thread (-EPERM). */
int hail_engine_stats(const struct hail_engine *engine,
		      struct hail_engine_stats *out);

/* The same for a socket that isn't closed (-EBADF). */
int hail_socket_stats(const struct hail_socket *socket,
		      struct hail_socket_stats *out);

#ifdef __cplusplus
}
#endif

#endif
