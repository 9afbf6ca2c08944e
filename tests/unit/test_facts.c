/* SPDX-License-Identifier: MIT */
/* Facts are read from the buffer that the datagram lies in. */
#include "control.h"
#include "core.h"
#include "net/recvmsg.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <hail/facts.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define SPACE 64

/* One received datagram, in a pool of one buffer. */
struct received {
	struct hail_engine engine;
	struct hl_pool pool;
	struct hail_buffer buffer;
	struct hail_datagram datagram;
};

/* Told of a TTL of 7, and drops of 9. */
static struct received *received_create(void)
{
	struct received *received = calloc(1, sizeof(*received));
	struct hl_recvmsg_header header = {0};
	struct test_control control = {0};
	unsigned char *memory;

	test_control_add_int(&control, IPPROTO_IP, IP_TTL, 7);
	test_control_add_int(&control, SOL_SOCKET, SO_RXQ_OVFL, 9);
	header.control_size = (uint32_t)control.size;
	memory = malloc(HL_RECVMSG_OVERHEAD + SPACE);
	cr_assert(received && memory);
	memset(memory, 0, HL_RECVMSG_OVERHEAD + SPACE);
	memcpy(memory, &header, sizeof(header));
	memcpy(memory + HL_RECVMSG_OVERHEAD, control.bytes, control.size);

	cr_assert_eq(hl_owner_init(&received->engine.owner), 0);
	received->pool.engine = &received->engine;
	received->pool.memory.base = memory;
	received->buffer.pool = &received->pool;
	received->buffer.size = HL_RECVMSG_OVERHEAD + SPACE;
	received->buffer.holds = 1;
	received->datagram.buffer = &received->buffer;
	return received;
}

static void received_destroy(struct received *received)
{
	hl_owner_fini(&received->engine.owner);
	free(received->pool.memory.base);
	free(received);
}

static void set_control_size(struct received *received, uint32_t size)
{
	memcpy(received->pool.memory.base +
		       offsetof(struct hl_recvmsg_header, control_size),
	       &size, sizeof(size));
}

static void assert_refused(const struct hail_datagram *datagram, size_t size,
			   int error)
{
	struct hail_facts facts, before;

	memset(&facts, 0x5a, sizeof(facts));
	facts.size = size;
	before = facts;
	cr_assert_eq(hail_datagram_facts(datagram, &facts), error);
	cr_assert_arr_eq(&facts, &before, sizeof(facts));
}

Test(facts, what_was_told_of_a_datagram_is_read)
{
	struct received *received = received_create();
	struct hail_facts facts = {.size = sizeof(facts)};

	cr_assert_eq(hail_datagram_facts(&received->datagram, &facts), 0);
	cr_assert_eq(facts.size, sizeof(facts));
	cr_assert_eq(facts.known, HAIL_FACT_TTL | HAIL_FACT_DROPS);
	cr_assert_eq(facts.ttl, 7);
	cr_assert_eq(facts.drops, 9);
	received_destroy(received);
}

Test(facts, only_what_the_header_says_is_there_counts)
{
	struct received *received = received_create();
	struct hail_facts facts = {.size = sizeof(facts)};

	set_control_size(received, CMSG_SPACE(sizeof(int)));
	cr_assert_eq(hail_datagram_facts(&received->datagram, &facts), 0);
	cr_assert_eq(facts.known, HAIL_FACT_TTL);
	set_control_size(received, 0);
	cr_assert_eq(hail_datagram_facts(&received->datagram, &facts), 0);
	cr_assert_eq(facts.known, 0);
	received_destroy(received);
}

Test(facts, a_length_that_is_not_there_is_never_believed)
{
	const size_t whole = HL_RECVMSG_OVERHEAD + CMSG_LEN(sizeof(int));
	struct received *received = received_create();
	struct hail_facts facts = {.size = sizeof(facts)};

	set_control_size(received, UINT32_MAX);
	cr_assert_eq(hail_datagram_facts(&received->datagram, &facts), 0);
	cr_assert_eq(facts.known, HAIL_FACT_TTL | HAIL_FACT_DROPS);
	for (uint32_t size = 0; size <= whole; size++) {
		received->buffer.size = size;
		cr_assert_eq(hail_datagram_facts(&received->datagram, &facts),
			     0);
		cr_assert_eq(facts.known, size < whole ? 0 : HAIL_FACT_TTL);
	}
	received_destroy(received);
}

Test(facts, a_program_that_knows_less_gets_less)
{
	struct received *received = received_create();
	struct hail_facts facts;

	memset(&facts, 0x5a, sizeof(facts));
	facts.size = offsetof(struct hail_facts, interface);
	cr_assert_eq(hail_datagram_facts(&received->datagram, &facts), 0);
	cr_assert_eq(facts.size, offsetof(struct hail_facts, interface));
	cr_assert_eq(facts.known, HAIL_FACT_TTL | HAIL_FACT_DROPS);
	cr_assert_eq(facts.ttl, 0x5a);
	received_destroy(received);
}

Test(facts, arguments_that_are_none_are_refused)
{
	const struct hail_datagram none = {0};
	struct received *received = received_create();
	const size_t size = sizeof(struct hail_facts);

	assert_refused(NULL, size, -EINVAL);
	assert_refused(&none, size, -EINVAL);
	assert_refused(&received->datagram, 0, -EINVAL);
	assert_refused(&received->datagram, size + 1, -E2BIG);
	cr_assert_eq(hail_datagram_facts(&received->datagram, NULL), -EINVAL);
	received->buffer.holds = 0;
	assert_refused(&received->datagram, size, -EINVAL);
	received_destroy(received);
}

static void *ask_elsewhere(void *arg)
{
	struct received *received = arg;

	assert_refused(&received->datagram, sizeof(struct hail_facts), -EPERM);
	return NULL;
}

Test(facts, another_thread_is_refused)
{
	struct received *received = received_create();
	pthread_t thread;

	hl_owner_claim(&received->engine.owner);
	cr_assert_eq(pthread_create(&thread, NULL, ask_elsewhere, received), 0);
	pthread_join(thread, NULL);
	received_destroy(received);
}
