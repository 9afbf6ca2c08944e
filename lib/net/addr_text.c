/* SPDX-License-Identifier: MIT */
/* net/addr_text.c: numeric addresses as text, read and written. No name server
 * is ever asked here. */
#include "net/addr.h"
#include "net/interface.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* The part of an address text behind its '%': an interface's name, or else its
 * number. The name comes first, as in getaddrinfo(), since an interface may be
 * called "7". */
static int parse_scope(uint32_t *out, const char *text)
{
	uint64_t number = 0;
	int rc = hl_interface_by_name(out, text);

	if (rc != -ENODEV)
		return rc;
	if (*text == '\0' || *text == '0')
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -ENODEV;
		number = number * 10 + (uint64_t)(*text - '0');
		if (number > UINT32_MAX)
			return -EINVAL;
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

/* All of `text`, in decimal. Zeros in front count for nothing. */
static int parse_port(uint16_t *out, const char *text)
{
	uint32_t port = 0;

	if (*text == '\0')
		return -EINVAL;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -EINVAL;
		port = port * 10 + (uint32_t)(*text - '0');
		if (port > UINT16_MAX)
			return -EINVAL;
	}
	*out = (uint16_t)port;
	return 0;
}

/* Finds the host, which ends before `colon`. A name of an interface may have
 * brackets in it, so that only the outer ones are looked at. */
static int find_host(const char **out, size_t *length, const char *text,
		     const char *colon)
{
	size_t all = (size_t)(colon - text);

	if (*text == '[') {
		if (all < sizeof("[]") || colon[-1] != ']')
			return -EINVAL;
		*out = text + 1;
		*length = all - 2;
		return 0;
	}
	/* "::1:53" could be either an address or one with its port. */
	if (all == 0 || strcspn(text, "[]:") != all)
		return -EINVAL;
	*out = text;
	*length = all;
	return 0;
}

int hail_addr_split(char *host, size_t size, uint16_t *port, const char *text)
{
	const char *colon, *found;
	uint16_t number;
	size_t length;
	int rc;

	if (!host || !port || !text)
		return -EINVAL;
	colon = strrchr(text, ':');
	if (!colon)
		return -EINVAL;
	rc = parse_port(&number, colon + 1);
	if (rc == 0)
		rc = find_host(&found, &length, text, colon);
	if (rc < 0)
		return rc;
	if (length >= size)
		return -ENOSPC;
	memcpy(host, found, length);
	host[length] = '\0';
	*port = number;
	return 0;
}

int hail_addr_parse_text(struct hail_addr *out, const char *text)
{
	char host[HAIL_ADDR_TEXT_MAX];
	uint16_t port;

	/* What doesn't fit is longer than any address. */
	if (hail_addr_split(host, sizeof(host), &port, text) < 0)
		return -EINVAL;
	/* Brackets are IPv6's alone: "[192.0.2.1]:53" is no address. */
	if (*text == '[' && !strchr(host, ':'))
		return -EINVAL;
	return hail_addr_parse(out, host, port);
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
