/* SPDX-License-Identifier: MIT */
/* net/txtime.c: asks the kernel which queueing disciplines an interface has,
 * and reads its answers. How a message is given its time is not here. */
#include "net/txtime.h"

#include <hail/facts.h>

#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel makes no larger answer for who reads with no larger buffer. */
#define ANSWER_MAX 8192
#define ERRNO_MAX 4095

struct bytes {
	const unsigned char *at;
	size_t size;
};

/* Messages and attributes begin at multiples of 4; the last may end without. */
static void skip(struct bytes *rest, size_t length)
{
	length = (length + 3) & ~(size_t)3;
	if (length > rest->size)
		length = rest->size;
	rest->at += length;
	rest->size -= length;
}

/* Takes `length` bytes off `rest`, `head_size` of which are known to be there,
 * and lets `body` be what follows the head. */
static int take(struct bytes *rest, size_t head_size, size_t length,
		struct bytes *body)
{
	if (length < head_size || length > rest->size)
		return -EBADMSG;
	body->at = rest->at + head_size;
	body->size = length - head_size;
	skip(rest, length);
	return 0;
}

static int take_message(struct bytes *rest, struct nlmsghdr *head,
			struct bytes *body)
{
	if (rest->size < sizeof(*head))
		return -EBADMSG;
	memcpy(head, rest->at, sizeof(*head));
	return take(rest, sizeof(*head), head->nlmsg_len, body);
}

static int take_attribute(struct bytes *rest, struct rtattr *head,
			  struct bytes *body)
{
	if (rest->size < sizeof(*head))
		return -EBADMSG;
	memcpy(head, rest->at, sizeof(*head));
	return take(rest, sizeof(*head), head->rta_len, body);
}

/* With or without a zero at its end. */
static bool is_text(const struct bytes *bytes, const char *text)
{
	size_t length = strnlen((const char *)bytes->at, bytes->size);

	return length == strlen(text) && memcmp(bytes->at, text, length) == 0;
}

/* All attributes are walked, so that what is cut is refused wherever it is. */
static int read_kind(struct bytes attributes)
{
	int answer = HL_TXTIME_MORE;

	while (attributes.size > 0) {
		struct rtattr head;
		struct bytes value;
		int rc = take_attribute(&attributes, &head, &value);

		if (rc < 0)
			return rc;
		if ((head.rta_type & NLA_TYPE_MASK) != TCA_KIND)
			continue;
		if (is_text(&value, "fq") || is_text(&value, "etf"))
			answer = HL_TXTIME_SERVED;
	}
	return answer;
}

static int read_qdisc(struct bytes body, uint32_t interface)
{
	struct tcmsg head;

	if (body.size < sizeof(head))
		return -EBADMSG;
	memcpy(&head, body.at, sizeof(head));
	if ((uint32_t)head.tcm_ifindex != interface)
		return HL_TXTIME_MORE;
	skip(&body, sizeof(head));
	return read_kind(body);
}

/* The last message begins with 0 or what went wrong, as an error's does. */
static int read_end(struct bytes body)
{
	int32_t code;

	if (body.size < sizeof(code))
		return -EBADMSG;
	memcpy(&code, body.at, sizeof(code));
	if (code < -ERRNO_MAX)
		return -EBADMSG;
	return code < 0 ? code : HL_TXTIME_END;
}

static int read_message(uint16_t type, struct bytes body, uint32_t interface)
{
	switch (type) {
	case RTM_NEWQDISC:
		return read_qdisc(body, interface);
	case NLMSG_DONE:
	case NLMSG_ERROR:
		return read_end(body);
	default:
		return HL_TXTIME_MORE;
	}
}

int hl_txtime_parse(const void *answer, size_t size, uint32_t interface)
{
	struct bytes rest = {answer, size};
	int rc;

	do {
		struct nlmsghdr head;
		struct bytes body;

		rc = take_message(&rest, &head, &body);
		if (rc == 0)
			rc = read_message(head.nlmsg_type, body, interface);
	} while (rc == HL_TXTIME_MORE && rest.size > 0);
	return rc;
}

/* Of all interfaces: the kernel can't be asked for one. Invisible ones are
 * those that a discipline made for its classes by itself. */
static int ask(int fd)
{
	const struct {
		struct nlmsghdr head;
		struct tcmsg tc;
		struct rtattr invisible;
	} question = {
		.head = {.nlmsg_len = sizeof(question),
			 .nlmsg_type = RTM_GETQDISC,
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.tc = {.tcm_family = AF_UNSPEC},
		.invisible = {.rta_len = sizeof(question.invisible),
			      .rta_type = TCA_DUMP_INVISIBLE},
	};

	if (send(fd, &question, sizeof(question), 0) < 0)
		return -errno;
	return 0;
}

static int read_answer(int fd, uint32_t interface)
{
	unsigned char answer[ANSWER_MAX];
	struct sockaddr_nl from = {.nl_family = AF_UNSPEC};
	socklen_t from_size = sizeof(from);
	ssize_t size;

	do {
		size = recvfrom(fd, answer, sizeof(answer), MSG_TRUNC,
				(struct sockaddr *)&from, &from_size);
	} while (size < 0 && errno == EINTR);
	if (size < 0)
		return -errno;
	/* Only the kernel is asked, and it is number 0. */
	if (from.nl_pid != 0)
		return HL_TXTIME_MORE;
	if ((size_t)size > sizeof(answer))
		return -EBADMSG;
	return hl_txtime_parse(answer, (size_t)size, interface);
}

static int ask_and_read(int fd, uint32_t interface)
{
	int rc = ask(fd);

	if (rc < 0)
		return rc;
	do {
		rc = read_answer(fd, interface);
	} while (rc == HL_TXTIME_MORE);
	/* A kernel without queueing disciplines has none of these either. */
	if (rc == -EOPNOTSUPP)
		return 0;
	return rc < 0 ? rc : rc == HL_TXTIME_SERVED;
}

/* The dump leaves out an interface that isn't there as it does one that has no
 * discipline, so that is asked first. A socket of any kind will do. */
static int check_interface(int fd, uint32_t interface)
{
	struct ifreq request = {.ifr_ifindex = (int)interface};

	return ioctl(fd, SIOCGIFNAME, &request) < 0 ? -errno : 0;
}

int hail_txtime_served(uint32_t interface)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	int rc;

	if (fd < 0)
		return -errno;
	rc = check_interface(fd, interface);
	if (rc == 0)
		rc = ask_and_read(fd, interface);
	close(fd);
	return rc;
}
