/* SPDX-License-Identifier: MIT */
/* plan.c: an oracle of plans, and the rules that each plan must keep. */
#include "plan.h"

#include "net/addr.h"
#include "net/payload.h"

#include <arpa/inet.h>
#include <string.h>

#define REMOTES 8
#define HASHES 3 /* ways to hash them */

/* ---- Messages of bytes ---- */

static struct hail_addr remotes[REMOTES], copies[REMOTES];

/* Two of IPv4, of which the first has a mapped spelling too, some of IPv6, and
 * the one that a socket is connected to, which messages don't name. */
static void set_remotes(void)
{
	for (uint16_t i = 0; i < REMOTES; i++) {
		const char *ip = i < 2 ? "192.0.2.1" : "2001:db8::1";

		hail_addr_parse(&remotes[i], i == 2 ? "::ffff:192.0.2.1" : ip,
				(uint16_t)(i == 2 ? 1 : i + 1));
		copies[i] = remotes[i];
	}
}

/* Mapped or not, a remote is one; and some are taken for one. */
static uint64_t hash_of(unsigned remote, unsigned way)
{
	static const uint64_t masks[HASHES] = {UINT64_MAX, 1, 0};
	uint64_t number = remote == 2 ? 0 : remote;

	return (number & masks[way]) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Few sizes, so that many are equal, around all limits. */
static size_t size_of(const uint8_t *bytes)
{
	static const uint16_t sizes[] = {0,   1,    160,  523,  524,  525,
					 700, 1200, 1232, 1233, 1400, 8000};

	if (bytes[0] & 0x80)
		return (size_t)(bytes[0] & 0x7f) << 8 | bytes[1];
	return sizes[bytes[1] % (sizeof(sizes) / sizeof(sizes[0]))];
}

static void read_message(struct plan *plan, uint32_t i, const uint8_t *bytes,
			 unsigned hashing)
{
	unsigned at = bytes[0] % REMOTES;
	const struct hail_addr *named =
		bytes[0] & 0x10 ? &copies[at] : &remotes[at];
	struct hl_gso_message *asked = &plan->asked[i];

	plan->messages[i] = (struct hail_message){
		.size = size_of(&bytes[2]),
		.remote = at == REMOTES - 1 ? NULL : named,
	};
	*asked = (struct hl_gso_message){
		.messages = plan->messages,
		.remote = named,
		.hash = hash_of(at, hashing),
		.segment_max = bytes[1] & 1 ? UINT32_MAX : 4u * bytes[1],
		.alone = (bytes[0] & 0xe0) == 0xe0,
	};
}

void plan_read(struct plan *plan, const uint8_t *bytes, size_t size)
{
	static const uint32_t segments[] = {1, 2, 3, 64, 128};
	unsigned hashing;

	set_remotes();
	plan->count = 0;
	if (size < PLAN_HEADER_SIZE)
		return;
	plan->segments_max = segments[bytes[0] % 5];
	plan->once = bytes[1] & 1;
	hashing = bytes[1] / 2 % HASHES;
	bytes += PLAN_HEADER_SIZE;
	size -= PLAN_HEADER_SIZE;
	for (; size >= PLAN_MESSAGE_SIZE && plan->count < PLAN_MESSAGES_MAX;
	     size -= PLAN_MESSAGE_SIZE, bytes += PLAN_MESSAGE_SIZE)
		read_message(plan, plan->count++, bytes, hashing);
}

/* ---- The oracle ---- */

static uint32_t safe_segment(const struct plan *plan, uint32_t i)
{
	return hl_addr_is_v4(plan->asked[i].remote) ? 524 : 1232;
}

static size_t limit_of(const struct plan *plan, uint32_t i)
{
	return hl_addr_is_v4(plan->asked[i].remote) ? 65507 : 65527;
}

static size_t bytes_of(const struct plan *plan, uint32_t head)
{
	size_t bytes = 0;

	for (uint32_t i = head; i != HL_GSO_NONE; i = plan->places[i].next)
		bytes += plan->messages[i].size;
	return bytes;
}

static uint32_t tail_of(const struct plan *plan, uint32_t head)
{
	while (plan->places[head].next != HL_GSO_NONE)
		head = plan->places[head].next;
	return head;
}

static bool is_way(const struct plan *plan, uint32_t i, uint32_t other)
{
	return plan->asked[i].hash == plan->asked[other].hash;
}

/* The head of the latest send of the way before a message. */
static uint32_t latest(const struct plan *plan, uint32_t first, uint32_t i)
{
	uint32_t found = HL_GSO_NONE;

	for (uint32_t j = first; j < i; j++)
		if (plan->places[j].head == j && is_way(plan, j, i))
			found = j;
	return found;
}

/* The longest segment on the way before a message. */
static uint32_t mark(const struct plan *plan, uint32_t first, uint32_t i)
{
	uint32_t longest = 0;

	for (uint32_t j = first; j < i; j++)
		if (plan->places[j].head == j && is_way(plan, j, i) &&
		    plan->places[j].segment > longest)
			longest = plan->places[j].segment;
	return longest;
}

static bool same_remote(const struct hail_message *a,
			const struct hail_message *b)
{
	return a->remote && b->remote ? hail_addr_equal(a->remote, b->remote)
				      : a->remote == b->remote;
}

static bool may_join(const struct plan *plan, uint32_t head, uint32_t i)
{
	const struct hail_message *message = &plan->messages[i];
	const struct hail_message *front = &plan->messages[head];

	if (plan->asked[i].alone || plan->asked[head].alone || !message->size ||
	    message->size > front->size ||
	    front->size > plan->asked[i].segment_max)
		return false;
	if (plan->messages[tail_of(plan, head)].size < front->size ||
	    plan->places[head].length >= plan->segments_max)
		return false;
	return bytes_of(plan, head) + message->size <= limit_of(plan, i) &&
	       same_remote(message, front);
}

static void join(struct plan *plan, uint32_t head, uint32_t i)
{
	plan->places[tail_of(plan, head)].next = i;
	plan->places[i] = (struct hl_gso_place){head, HL_GSO_NONE, 0, 0};
	plan->places[head].length++;
	plan->places[head].segment = (uint16_t)plan->messages[head].size;
}

/* Whether the plan that began at `first` takes the message. */
static bool add(struct plan *plan, uint32_t first, uint32_t i)
{
	uint32_t size = (uint32_t)plan->messages[i].size;
	uint32_t head = latest(plan, first, i);
	uint32_t longest = mark(plan, first, i);

	if (head != HL_GSO_NONE && may_join(plan, head, i)) {
		join(plan, head, i);
		return true;
	}
	if (head != HL_GSO_NONE && plan->once)
		return false;
	if (longest > safe_segment(plan, i) && size < longest)
		return false;
	if (longest && longest < size)
		longest = size;
	plan->places[i] =
		(struct hl_gso_place){i, HL_GSO_NONE, 1, (uint16_t)longest};
	return true;
}

/* ---- The rules ---- */

static const char *check_train(const struct plan *plan, uint32_t head)
{
	const struct hl_gso_place *place = &plan->places[head];
	size_t segment = place->segment;
	uint32_t length = 0;

	for (uint32_t i = head; i != HL_GSO_NONE; i = plan->places[i].next) {
		size_t size = plan->messages[i].size;

		length++;
		if (plan->places[i].head != head)
			return "a message is in two sends";
		if (!size || size > segment ||
		    (size < segment && plan->places[i].next != HL_GSO_NONE))
			return "a segment of another size";
		if (!same_remote(&plan->messages[head], &plan->messages[i]))
			return "a train to two remotes";
		if (plan->asked[i].alone)
			return "one that goes alone rides";
	}
	if (length != place->length || length > plan->segments_max)
		return "the length of a train";
	return bytes_of(plan, head) > limit_of(plan, head) ? "a train too long"
							   : NULL;
}

/* What the kernel holds against the path, and what against all else. */
static const char *check_pair(const struct plan *plan, uint32_t a, uint32_t b)
{
	uint32_t segment = plan->places[a].segment;
	size_t bytes = bytes_of(plan, b);

	if (bytes > plan->places[b].segment)
		bytes = plan->places[b].segment;
	if (plan->once)
		return "two sends to one remote";
	if (tail_of(plan, a) > b)
		return "order";
	if (segment > plan->places[b].segment &&
	    (segment > safe_segment(plan, b) || !plan->places[b].segment))
		return "a send may pass where one before it is refused";
	if (segment > safe_segment(plan, b) && bytes < segment &&
	    same_remote(&plan->messages[a], &plan->messages[b]))
		return "a shorter one may pass where a train is refused";
	return NULL;
}

static const char *check_rules(const struct plan *plan, uint32_t first,
			       uint32_t end)
{
	const char *broken = NULL;

	for (uint32_t i = first; i < end && !broken; i++) {
		if (plan->places[i].head != i)
			continue;
		if (plan->places[i].length > 1)
			broken = check_train(plan, i);
		for (uint32_t j = first; j < i && !broken; j++)
			if (plan->places[j].head == j && is_way(plan, i, j))
				broken = check_pair(plan, j, i);
	}
	return broken;
}

/* ---- Comparing ---- */

static const char *compare(const struct plan *plan, const struct hl_gso *gso,
			   uint32_t first, uint32_t end)
{
	uint32_t trains = 0, riders = 0;

	for (uint32_t i = first; i < end; i++) {
		const struct hl_gso_place *a = &plan->places[i];
		const struct hl_gso_place *b = &gso->places[i];

		if (a->head != b->head || a->next != b->next ||
		    a->length != b->length || a->segment != b->segment)
			return "another plan than the oracle's";
		if (a->length > 1) {
			trains++;
			riders += a->length;
		}
	}
	return trains == gso->trains && riders == gso->riders
		       ? NULL
		       : "the number of trains";
}

/* One plan from a message on; `end` is where it ended. */
static const char *check_from(struct plan *plan, struct hl_gso *gso,
			      uint32_t first, uint32_t *end)
{
	const char *broken;
	uint32_t i = first;

	hl_gso_begin(gso, plan->segments_max, plan->once);
	for (; i < plan->count; i++) {
		bool wanted = add(plan, first, i);

		if (hl_gso_add(gso, i, &plan->asked[i]) != wanted)
			return "a plan ends elsewhere";
		if (!wanted)
			break;
	}
	*end = i;
	if (i == first)
		return "the first of a plan isn't taken";
	broken = check_rules(plan, first, i);
	return broken ? broken : compare(plan, gso, first, i);
}

const char *plan_check(struct plan *plan, struct hl_gso *gso)
{
	const char *broken = NULL;

	for (uint32_t first = 0; first < plan->count && !broken;)
		broken = check_from(plan, gso, first, &first);
	return broken;
}
