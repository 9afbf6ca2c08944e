/* SPDX-License-Identifier: MIT */
/* Answers of the kernel about queueing disciplines: those that honour transmit
 * times are seen, on the right interface, and what is cut is refused. */
#include "net/txtime.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <hail/facts.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define ANSWER_MAX 1024
#define INTERFACE 3
#define OTHER 4

struct answer {
	unsigned char bytes[ANSWER_MAX];
	size_t size;
	size_t message; /* where the last one begins */
};

static void put(struct answer *answer, const void *data, size_t size)
{
	memcpy(answer->bytes + answer->size, data, size);
	answer->size += size;
}

static void pad(struct answer *answer)
{
	while (answer->size % 4 != 0)
		answer->bytes[answer->size++] = 0;
}

/* The last message is as long as what has been put since it began. */
static void close_message(struct answer *answer)
{
	uint32_t length = (uint32_t)(answer->size - answer->message);

	memcpy(answer->bytes + answer->message, &length, sizeof(length));
}

static void put_message(struct answer *answer, uint16_t type, const void *body,
			size_t size)
{
	const struct nlmsghdr head = {.nlmsg_type = type};

	pad(answer);
	answer->message = answer->size;
	put(answer, &head, sizeof(head));
	put(answer, body, size);
	close_message(answer);
}

static void put_attribute(struct answer *answer, uint16_t type,
			  const void *value, size_t size)
{
	const struct rtattr head = {
		.rta_len = (unsigned short)(sizeof(head) + size),
		.rta_type = type,
	};

	put(answer, &head, sizeof(head));
	put(answer, value, size);
	pad(answer);
	close_message(answer);
}

/* As the kernel writes them: the kind, then its options and figures. */
static void put_qdisc(struct answer *answer, int interface, const char *kind)
{
	const struct tcmsg head = {.tcm_ifindex = interface};

	put_message(answer, RTM_NEWQDISC, &head, sizeof(head));
	put_attribute(answer, TCA_KIND, kind, strlen(kind) + 1);
	put_attribute(answer, TCA_OPTIONS, "12345", 5);
	put_attribute(answer, TCA_STATS2, "", 0);
}

static void put_end(struct answer *answer, uint16_t type, int32_t code)
{
	put_message(answer, type, &code, sizeof(code));
}

/* In memory of its exact size, so that a sanitizer sees a read past it. */
static int parse_part(const struct answer *answer, size_t size)
{
	unsigned char *exact = malloc(size + (size == 0));
	int rc;

	memcpy(exact, answer->bytes, size);
	rc = hl_txtime_parse(exact, size, INTERFACE);
	free(exact);
	return rc;
}

static void assert_answer(const struct answer *answer, int wanted)
{
	int rc = parse_part(answer, answer->size);

	cr_assert_eq(rc, wanted, "%d, wanted %d", rc, wanted);
}

static struct answer of_kind(const char *kind)
{
	struct answer answer = {.size = 0};

	put_qdisc(&answer, INTERFACE, kind);
	return answer;
}

Test(txtime_parse, fq_and_etf_serve)
{
	struct answer fq = of_kind("fq"), etf = of_kind("etf");

	assert_answer(&fq, HL_TXTIME_SERVED);
	assert_answer(&etf, HL_TXTIME_SERVED);
}

Test(txtime_parse, no_other_kind_serves)
{
	static const char *const kinds[] = {
		"",   "f",    "fq_codel", "fq_pie", "FQ",         "xfq",
		"et", "etfx", "noqueue",  "mq",     "pfifo_fast", "clsact",
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct answer answer = of_kind(kinds[i]);

		cr_assert_eq(parse_part(&answer, answer.size), HL_TXTIME_MORE,
			     "\"%s\"", kinds[i]);
	}
}

Test(txtime_parse, a_kind_needs_no_zero_at_its_end)
{
	const struct tcmsg head = {.tcm_ifindex = INTERFACE};
	struct answer answer = {.size = 0};

	put_message(&answer, RTM_NEWQDISC, &head, sizeof(head));
	put_attribute(&answer, TCA_KIND, "etf", 3);
	assert_answer(&answer, HL_TXTIME_SERVED);
}

Test(txtime_parse, it_may_be_anywhere_in_the_tree)
{
	struct answer answer = of_kind("mq");

	put_qdisc(&answer, INTERFACE, "pfifo");
	put_qdisc(&answer, INTERFACE, "fq");
	put_qdisc(&answer, INTERFACE, "pfifo");
	put_end(&answer, NLMSG_DONE, 0);
	assert_answer(&answer, HL_TXTIME_SERVED);
}

Test(txtime_parse, that_of_another_interface_does_not_count)
{
	struct answer answer = of_kind("noqueue");

	put_qdisc(&answer, OTHER, "fq");
	put_qdisc(&answer, OTHER, "etf");
	assert_answer(&answer, HL_TXTIME_MORE);
	put_end(&answer, NLMSG_DONE, 0);
	assert_answer(&answer, HL_TXTIME_END);
}

Test(txtime_parse, the_kind_is_no_other_attribute)
{
	const struct tcmsg head = {.tcm_ifindex = INTERFACE};
	struct answer answer = {.size = 0};

	put_message(&answer, RTM_NEWQDISC, &head, sizeof(head));
	put_attribute(&answer, TCA_OPTIONS, "fq", 3);
	assert_answer(&answer, HL_TXTIME_MORE);
}

Test(txtime_parse, messages_of_other_types_are_passed_over)
{
	const struct tcmsg head = {.tcm_ifindex = INTERFACE};
	struct answer answer = {.size = 0};

	put_message(&answer, NLMSG_NOOP, "", 0);
	put_message(&answer, RTM_DELQDISC, &head, sizeof(head));
	put_attribute(&answer, TCA_KIND, "fq", 3);
	put_message(&answer, RTM_NEWTCLASS, "x", 1);
	assert_answer(&answer, HL_TXTIME_MORE);
	put_qdisc(&answer, INTERFACE, "fq");
	assert_answer(&answer, HL_TXTIME_SERVED);
}

Test(txtime_parse, what_the_kernel_answered_is_told)
{
	struct answer refused = {.size = 0}, broken = of_kind("mq");

	put_end(&refused, NLMSG_ERROR, -EPERM);
	assert_answer(&refused, -EPERM);
	put_end(&broken, NLMSG_DONE, -ENOBUFS);
	assert_answer(&broken, -ENOBUFS);
}

Test(txtime_parse, what_follows_the_end_does_not_count)
{
	struct answer answer = {.size = 0};

	put_end(&answer, NLMSG_DONE, 0);
	put_qdisc(&answer, INTERFACE, "fq");
	assert_answer(&answer, HL_TXTIME_END);
}

Test(txtime_parse, an_end_without_its_code_or_with_no_errno_is_ebadmsg)
{
	struct answer none = {.size = 0}, forged = {.size = 0};

	put_message(&none, NLMSG_DONE, "xyz", 3);
	assert_answer(&none, -EBADMSG);
	put_end(&forged, NLMSG_ERROR, -4096);
	assert_answer(&forged, -EBADMSG);
	forged.size = 0;
	put_end(&forged, NLMSG_ERROR, INT32_MIN);
	assert_answer(&forged, -EBADMSG);
}

/* Where one message ends and the next begins it isn't cut. */
Test(txtime_parse, what_is_cut_is_ebadmsg_wherever_it_is_cut)
{
	struct answer answer = of_kind("mq");
	size_t first = answer.size;

	put_end(&answer, NLMSG_DONE, 0);
	for (size_t size = 0; size < answer.size; size++)
		cr_assert_eq(parse_part(&answer, size),
			     size == first ? HL_TXTIME_MORE : -EBADMSG, "%zu",
			     size);
	assert_answer(&answer, HL_TXTIME_END);
}

Test(txtime_parse, no_length_of_a_message_leads_astray)
{
	static const uint32_t lengths[] = {
		0,          1,  15,         17,         35,
		37,         39, 0x7fffffff, 0x80000000, UINT32_MAX - 3,
		UINT32_MAX,
	};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct answer answer = of_kind("fq");

		memcpy(answer.bytes, &lengths[i], sizeof(lengths[i]));
		cr_assert_eq(parse_part(&answer, answer.size), -EBADMSG, "%u",
			     lengths[i]);
	}
}

Test(txtime_parse, no_length_of_an_attribute_leads_astray)
{
	static const uint16_t lengths[] = {0, 1, 2, 3, 100, 0x7fff, 0xffff};
	const size_t at = sizeof(struct nlmsghdr) + sizeof(struct tcmsg);

	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct answer answer = of_kind("fq");

		memcpy(answer.bytes + at, &lengths[i], sizeof(lengths[i]));
		cr_assert_eq(parse_part(&answer, answer.size), -EBADMSG, "%u",
			     lengths[i]);
	}
}

Test(txtime_parse, bytes_need_not_be_aligned)
{
	struct answer answer = of_kind("fq");
	unsigned char bytes[ANSWER_MAX + 1];

	memcpy(bytes + 1, answer.bytes, answer.size);
	cr_assert_eq(hl_txtime_parse(bytes + 1, answer.size, INTERFACE),
		     HL_TXTIME_SERVED);
}

Test(txtime_served, an_interface_that_is_not_there_is_enodev)
{
	static const uint32_t interfaces[] = {0, INT32_MAX, UINT32_MAX};

	for (size_t i = 0; i < sizeof(interfaces) / sizeof(*interfaces); i++)
		cr_assert_eq(hail_txtime_served(interfaces[i]), -ENODEV, "%u",
			     interfaces[i]);
}

/* Asserting needs descriptors, so they are wanting for the call alone. */
Test(txtime_served, want_of_descriptors_is_told)
{
	const uint32_t lo = if_nametoindex("lo");
	struct rlimit limit, none;
	int rc;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = limit;
	none.rlim_cur = 0;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	rc = hail_txtime_served(lo);
	setrlimit(RLIMIT_NOFILE, &limit);
	cr_assert_eq(rc, -EMFILE, "%d", rc);
}
