/* SPDX-License-Identifier: MIT */
/* peer_table.c: a hash table of a socket's children, probed one by one, and a
 * list of them all. */
#include "peer_table.h"

#include "core.h"
#include "train.h"

#include <errno.h>
#include <string.h>

#define HL_PEER_TABLE_MIN 8

/* Whether two names are one remote's: on a dual-stack socket an IPv4 address
 * may be mapped or plain. */
static bool same(const struct hail_addr *a, const struct hail_addr *b)
{
	struct hail_addr plain[2];

	if (a->sa.sa_family == b->sa.sa_family)
		return hail_addr_equal(a, b);
	plain[0] = *a;
	plain[1] = *b;
	return !hail_addr_unmap(&plain[0]) && !hail_addr_unmap(&plain[1]) &&
	       hail_addr_equal(&plain[0], &plain[1]);
}

struct hail_socket *hl_peer_find(const struct hl_peers *peers,
				 const struct hail_addr *remote, uint64_t hash)
{
	for (uint32_t at = (uint32_t)hash;; at++) {
		struct hail_socket *child = peers->children[at & peers->mask];

		if (!child)
			return NULL;
		if (child->peer_hash == hash && same(&child->remote, remote))
			return child;
	}
}

struct hail_socket *hl_peer_next(const struct hail_socket *parent,
				 const struct hail_socket *child)
{
	struct hl_list *link;

	if (!parent->peers)
		return NULL;
	link = child ? child->siblings.next : parent->peers->all.next;
	if (link == &parent->peers->all)
		return NULL;
	return hl_list_entry(link, struct hail_socket, siblings);
}

/* Puts it where the probing for its hash ends. */
static void place(struct hl_peers *peers, struct hail_socket *child)
{
	uint32_t at = (uint32_t)child->peer_hash;

	while (peers->children[at & peers->mask])
		at++;
	peers->children[at & peers->mask] = child;
}

static int grow(struct hail_socket *parent, uint32_t size)
{
	const struct hl_memory *memory = &parent->engine->allocator;
	struct hl_peers *peers = parent->peers;
	struct hail_socket **before = peers->children;
	uint32_t old = before ? peers->mask + 1 : 0;
	struct hail_socket **children =
		hl_memory_allocate(memory, size, sizeof(struct hail_socket *));

	if (!children)
		return -ENOMEM;
	peers->children = children;
	peers->mask = size - 1;
	for (uint32_t i = 0; i < old; i++) {
		if (before[i])
			place(peers, before[i]);
	}
	hl_memory_release(memory, before, old, sizeof(struct hail_socket *));
	return 0;
}

static int start(struct hail_socket *parent)
{
	struct hl_peers *peers = hl_memory_allocate(&parent->engine->allocator,
						    1, sizeof(*peers));

	if (!peers)
		return -ENOMEM;
	hl_list_init(&peers->all);
	parent->peers = peers;
	return 0;
}

void hl_peer_fini(struct hail_socket *parent)
{
	const struct hl_memory *memory = &parent->engine->allocator;
	struct hl_peers *peers = parent->peers;

	if (!peers)
		return;
	if (peers->children)
		hl_memory_release(memory, peers->children, peers->mask + 1,
				  sizeof(struct hail_socket *));
	hl_memory_release(memory, peers, 1, sizeof(*peers));
	parent->peers = NULL;
}

int hl_peer_table_reserve(struct hail_socket *parent)
{
	struct hl_peers *peers;
	int err = 0;

	if (!parent->peers && start(parent))
		return -ENOMEM;
	peers = parent->peers;
	if (!peers->children)
		err = grow(parent, HL_PEER_TABLE_MIN);
	else if (2 * (peers->count + 1) > peers->mask + 1)
		err = grow(parent, 2 * (peers->mask + 1));
	if (err && !peers->total)
		hl_peer_fini(parent);
	return err;
}

void hl_peer_table_link(struct hail_socket *child)
{
	struct hl_peers *peers = child->parent->peers;

	hl_list_append(&peers->all, &child->siblings);
	peers->total++;
	child->engine->peers++;
}

void hl_peer_table_unlink(struct hail_socket *child)
{
	struct hl_peers *peers = child->parent->peers;

	hl_list_unlink(&child->siblings);
	child->engine->peers--;
	peers->total--;
}

int hl_peer_table_add(struct hail_socket *child)
{
	struct hl_peers *peers = child->parent->peers;

	child->peer_hash = hl_train_hash(child->engine, &child->remote);
	if (hl_peer_find(peers, &child->remote, child->peer_hash))
		return -EEXIST;
	place(peers, child);
	peers->count++;
	return 0;
}

void hl_peer_forget_all(struct hail_socket *parent)
{
	struct hl_peers *peers = parent->peers;

	if (!peers)
		return;
	memset(peers->children, 0,
	       (peers->mask + 1) * sizeof(struct hail_socket *));
	peers->count = 0;
}

/* Whether the one at `at`, for which the probing begins at `home`, would be
 * found no more if the hole before it stayed. */
static bool must_move(uint32_t home, uint32_t hole, uint32_t at, uint32_t mask)
{
	return ((at - home) & mask) >= ((at - hole) & mask);
}

/* Those behind it move up, as far as they would not be found otherwise. */
static void close_gap(struct hl_peers *peers, uint32_t hole)
{
	uint32_t mask = peers->mask;
	uint32_t at = hole;

	peers->children[hole] = NULL;
	for (;;) {
		struct hail_socket *child;

		at = (at + 1) & mask;
		child = peers->children[at];
		if (!child)
			return;
		if (!must_move((uint32_t)child->peer_hash & mask, hole, at,
			       mask))
			continue;
		peers->children[hole] = child;
		peers->children[at] = NULL;
		hole = at;
	}
}

bool hl_peer_table_remove(struct hail_socket *child)
{
	struct hl_peers *peers = child->parent->peers;
	uint32_t at = (uint32_t)child->peer_hash;

	for (; peers->children[at & peers->mask] != child; at++) {
		if (!peers->children[at & peers->mask])
			return false;
	}
	close_gap(peers, at & peers->mask);
	peers->count--;
	return true;
}
