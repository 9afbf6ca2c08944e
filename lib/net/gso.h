/* SPDX-License-Identifier: MIT */
/*
 * net/gso.h: plans which messages of a submission may ride together as trains
 * (UDP_SEGMENT). Bytes aren't looked at and nothing is allocated.
 *
 * A train is of messages of one size to one remote, the last of which may be
 * shorter, from anywhere in the submission: order is promised for each remote
 * alone. It leaves where its first message stands, so the sends to a remote
 * stand in the order of their messages.
 *
 * The kernel may refuse a train where it would take its messages one by one
 * (too long for the path, a device that can't), and these are then sent again.
 * Had a later send to the same remote left meanwhile, order would be lost. So
 * what follows a train to a remote is made to fail with it: it bears a segment
 * size too, whether it is cut by it or not, and none that a path might take
 * where it doesn't take the train's.
 *
 * Against the path, kernels since 6.14 hold the segment or the whole message,
 * whichever is shorter. So a message that is shorter than the segments of a
 * train before it might pass where the train didn't: it ends the plan, unless
 * every path takes segments such as the train's.
 */
#ifndef HL_NET_GSO_H
#define HL_NET_GSO_H

#include "util/memory.h"

#include <hail/datagram.h>
#include <stdbool.h>
#include <stdint.h>

/* What the kernel cuts one train into at most (64 before Linux 6.9). */
#define HL_GSO_SEGMENTS_MAX 128
#define HL_GSO_SEGMENTS_OLD 64
#define HL_GSO_NONE UINT32_MAX

/* The limit of a kernel of this release, as uname() names it ("6.18.44-x"); the
 * old one where the name says nothing. A train that exceeds it is refused, and
 * a shorter one behind it isn't: so none is tried. */
uint32_t hl_gso_segments_max(const char *release);

/* A message's place in the plan. */
struct hl_gso_place {
	uint32_t head;    /* the first message of its send, or itself */
	uint32_t next;    /* the one that follows in the send; HL_GSO_NONE */
	uint16_t length;  /* of a head: messages of the send */
	uint16_t segment; /* of a head: the segment size; 0: none is needed */
};

/* A remote of the submission, and the latest send to it. */
struct hl_gso_way {
	uint64_t hash;
	uint32_t round; /* the plan that the entry belongs to */
	uint32_t head, tail;
	uint32_t room;   /* bytes that may join it */
	uint32_t pages;  /* that its bytes lie in; where they are counted */
	const char *end; /* where the last of them ends */
	uint16_t mark;   /* the longest segment of its trains so far; 0: none */
	bool closed;     /* nothing may join the latest send */
};

struct hl_gso {
	const struct hl_memory *memory;
	struct hl_gso_place *places;
	struct hl_gso_way *ways; /* a hash table, at most half full */
	uint32_t capacity;
	uint32_t mask;
	uint32_t round;
	/* Of this plan. */
	uint32_t segments_max;
	bool once;
	uint32_t pages_max; /* of a train that has `pages_least` bytes */
	uint32_t pages_least;
	size_t page;
	uint32_t trains; /* sends of several messages */
	uint32_t riders; /* messages in them */
	struct hl_gso_way *latest;
};

/* For plans of up to `capacity` messages. -ENOMEM. */
int hl_gso_init(struct hl_gso *gso, const struct hl_memory *memory,
		uint32_t capacity);
void hl_gso_fini(struct hl_gso *gso);

/* An empty plan: trains have at most `segments_max` messages (1: there are
 * none); with `once` there is but one send to each remote. */
void hl_gso_begin(struct hl_gso *gso, uint32_t segments_max, bool once);

/* The trains of this plan may be sent from where they are: those that have
 * `least` bytes end before they would lie in more than `pages_max` pages, each
 * of `page` bytes. */
void hl_gso_bound(struct hl_gso *gso, uint32_t pages_max, size_t page,
		  uint32_t least);

/* Pages that lie behind those of `end`, where the bytes begin there, or all
 * that they lie in. */
uint32_t hl_gso_pages(const void *end, const void *data, size_t size,
		      size_t page);

struct hl_gso_message {
	const struct hail_message *messages; /* of the plan, by index */
	const struct hail_addr *remote;      /* of this one, given or not */
	uint64_t hash;                       /* of the remote */
	uint32_t segment_max; /* of its trains: the longest that may be */
	bool alone;           /* rides in no train */
};

/* Adds the message of this index, one after the last. False: it would need a
 * second send to its remote where it may not have one, and isn't added; the
 * first of a plan always is. Messages of one hash are taken
 * for messages to one remote in what concerns order; they share a train only
 * where their addresses are equal. */
bool hl_gso_add(struct hl_gso *gso, uint32_t index,
		const struct hl_gso_message *message);

/* Adds up to `most` messages that follow the one added last, as long as they
 * are alike: of its train, its remote (the same pointer) and its size; returns
 * how many. For those no hash is needed, nor any other look. */
uint32_t hl_gso_extend(struct hl_gso *gso, const struct hail_message *messages,
		       uint32_t most);

/* A message of which nothing is planned: a plain send. */
void hl_gso_add_plain(struct hl_gso *gso, uint32_t index);

/* Whether nothing follows the send of this head to its remote. */
bool hl_gso_is_last(const struct hl_gso *gso, uint32_t head, uint64_t hash);

/* It isn't for its segment size that the send of this message failed. */
void hl_gso_forget(struct hl_gso *gso, uint32_t index);

/* Whether it is the segment size, perhaps, for which the send of this message
 * met an error. */
bool hl_gso_refused(const struct hl_gso *gso, uint32_t index, int result);

#endif
