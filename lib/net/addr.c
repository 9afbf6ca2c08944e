/* SPDX-License-Identifier: MIT */
/* net/addr.c: the public functions over addresses: text to address and back,
 * names to addresses, and comparing. No sockets of hail's are touched here. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>

/* The part of an address text behind its '%': an interface's name, or else its
 * number. The name comes first, as in getaddrinfo(), since an interface may be
 * called "7". */
static int parse_scope(uint32_t *out, const char *text)
{
	uint64_t number = if_nametoindex(text);

	if (number == 0) {
		if (*text == '\0' || *text == '0')
			return -EINVAL;
		for (; *text != '\0'; text++) {
			if (*text < '0' || *text > '9')
				return -ENODEV;
			number = number * 10 + (uint64_t)(*text - '0');
			if (number > UINT32_MAX)
				return -EINVAL;
		}
	}
	*out = (uint32_t)number;
	return 0;
}

static int parse_v4(struct hail_addr *out, const char *ip, uint16_t port)
{
	struct hail_addr addr = {.v4.sin_family = AF_INET};

	if (inet_pton(AF_INET, ip, &addr.v4.sin_addr) != 1)
		return -EINVAL;
	addr.v4.sin_port = htons(port);
	*out = addr;
	return 0;
}

static int parse_v6(struct hail_addr *out, const char *ip, uint16_t port)
{
	struct hail_addr addr = {.v6.sin6_family = AF_INET6};
	size_t length = strcspn(ip, "%");
	char text[INET6_ADDRSTRLEN];
	int rc;

	if (length >= sizeof(text))
		return -EINVAL;
	memcpy(text, ip, length);
	text[length] = '\0';
	if (inet_pton(AF_INET6, text, &addr.v6.sin6_addr) != 1)
		return -EINVAL;
	if (ip[length] == '%') {
		rc = parse_scope(&addr.v6.sin6_scope_id, ip + length + 1);
		if (rc < 0)
			return rc;
	}
	addr.v6.sin6_port = htons(port);
	*out = addr;
	return 0;
}

int hail_addr_parse(struct hail_addr *out, const char *ip, uint16_t port)
{
	if (!out || !ip)
		return -EINVAL;
	if (strchr(ip, ':'))
		return parse_v6(out, ip, port);
	return parse_v4(out, ip, port);
}

/* What getaddrinfo() answered, as an errno. */
static int resolve_error(int answer)
{
	switch (answer) {
	case EAI_AGAIN:
		return -EAGAIN;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_SYSTEM:
		return errno > 0 ? -errno : -ENOENT;
	default:
		return -ENOENT;
	}
}

static int resolve_first(struct hail_addr *out, const struct addrinfo *info,
			 uint16_t port)
{
	struct hail_addr addr = {.sa.sa_family = AF_UNSPEC};

	for (; info; info = info->ai_next) {
		if (info->ai_addrlen > sizeof(addr))
			continue;
		memcpy(&addr, info->ai_addr, info->ai_addrlen);
		if (hl_addr_size(&addr) == info->ai_addrlen)
			break;
	}
	if (!info)
		return -ENOENT;
	if (addr.sa.sa_family == AF_INET)
		addr.v4.sin_port = htons(port);
	else
		addr.v6.sin6_port = htons(port);
	*out = addr;
	return 0;
}

int hail_addr_resolve(struct hail_addr *out, const char *host, uint16_t port)
{
	const struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_DGRAM,
	};
	struct addrinfo *found;
	int rc;

	if (!out || !host)
		return -EINVAL;
	rc = getaddrinfo(host, NULL, &hints, &found);
	if (rc != 0)
		return resolve_error(rc);
	rc = resolve_first(out, found, port);
	freeaddrinfo(found);
	return rc;
}

static int format_v4(char *text, size_t size, const struct sockaddr_in *v4)
{
	char ip[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, &v4->sin_addr, ip, sizeof(ip));
	return snprintf(text, size, "%s:%u", ip, ntohs(v4->sin_port));
}

static int format_v6(char *text, size_t size, const struct sockaddr_in6 *v6)
{
	char ip[INET6_ADDRSTRLEN], name[IF_NAMESIZE];
	unsigned port = ntohs(v6->sin6_port);
	uint32_t scope = v6->sin6_scope_id;

	inet_ntop(AF_INET6, &v6->sin6_addr, ip, sizeof(ip));
	if (scope == 0)
		return snprintf(text, size, "[%s]:%u", ip, port);
	if (!if_indextoname(scope, name))
		return snprintf(text, size, "[%s%%%u]:%u", ip, scope, port);
	return snprintf(text, size, "[%s%%%s]:%u", ip, name, port);
}

int hail_addr_format(const struct hail_addr *addr, char *text, size_t size)
{
	char own[HAIL_ADDR_TEXT_MAX];
	int length;

	if (!addr || !text)
		return -EINVAL;
	if (addr->sa.sa_family == AF_INET)
		length = format_v4(own, sizeof(own), &addr->v4);
	else if (addr->sa.sa_family == AF_INET6)
		length = format_v6(own, sizeof(own), &addr->v6);
	else
		return -EAFNOSUPPORT;
	if ((size_t)length >= size)
		return -ENOSPC;
	memcpy(text, own, (size_t)length + 1);
	return length;
}

uint16_t hail_addr_port(const struct hail_addr *addr)
{
	if (!addr)
		return 0;
	switch (addr->sa.sa_family) {
	case AF_INET:
		return ntohs(addr->v4.sin_port);
	case AF_INET6:
		return ntohs(addr->v6.sin6_port);
	default:
		return 0;
	}
}

static bool equal_v4(const struct sockaddr_in *a, const struct sockaddr_in *b)
{
	return a->sin_port == b->sin_port &&
	       a->sin_addr.s_addr == b->sin_addr.s_addr;
}

/* The flow label isn't compared: it names a way through the network, not an
 * endpoint. */
static bool equal_v6(const struct sockaddr_in6 *a, const struct sockaddr_in6 *b)
{
	return a->sin6_port == b->sin6_port &&
	       a->sin6_scope_id == b->sin6_scope_id &&
	       memcmp(&a->sin6_addr, &b->sin6_addr, sizeof(a->sin6_addr)) == 0;
}

bool hail_addr_equal(const struct hail_addr *a, const struct hail_addr *b)
{
	if (!a || !b || a->sa.sa_family != b->sa.sa_family)
		return false;
	switch (a->sa.sa_family) {
	case AF_UNSPEC:
		return true;
	case AF_INET:
		return equal_v4(&a->v4, &b->v4);
	case AF_INET6:
		return equal_v6(&a->v6, &b->v6);
	default:
		return false;
	}
}
