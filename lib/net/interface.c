/* SPDX-License-Identifier: MIT */
/* net/interface.c: which interface of this machine is meant. It asks the
 * kernel: for set-up, not for each datagram. */
#include "net/interface.h"

#include <hail/addr.h>

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* What asking for an interface failed with: want of descriptors or memory is
 * told, and any other answer means that there is none. */
static int find_error(int error)
{
	switch (error) {
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return -error;
	default:
		return -ENODEV;
	}
}

/* As if_nametoindex() and if_indextoname() ask, which tell no errno that could
 * be relied on: glibc's say ENOENT where there is no descriptor to be had. */
static int ask(unsigned long question, struct ifreq *request)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return find_error(errno);
	if (ioctl(fd, question, request) < 0)
		rc = find_error(errno);
	close(fd);
	return rc;
}

/* The kernel cuts a name at its first colon, so that "fe80::1" would be an
 * interface called "fe80". No name has one, and none is longer. */
int hl_interface_by_name(uint32_t *out, const char *name)
{
	struct ifreq request = {.ifr_ifindex = 0};
	size_t length = strlen(name);
	int rc;

	if (length >= sizeof(request.ifr_name) || strchr(name, ':'))
		return -ENODEV;
	memcpy(request.ifr_name, name, length + 1);
	rc = ask(SIOCGIFINDEX, &request);
	if (rc == 0)
		*out = (uint32_t)request.ifr_ifindex;
	return rc;
}

static int find_by_number(uint32_t *out, const char *text)
{
	struct ifreq request = {.ifr_ifindex = 0};
	int64_t number = 0;
	int rc;

	if (*text == '\0' || *text == '0')
		return -ENODEV;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return -ENODEV;
		number = number * 10 + (*text - '0');
		if (number > INT32_MAX)
			return -ENODEV;
	}
	request.ifr_ifindex = (int)number;
	rc = ask(SIOCGIFNAME, &request);
	if (rc == 0)
		*out = (uint32_t)number;
	return rc;
}

/* A scope counts where one was given: most don't write it behind an address of
 * their own. */
static bool has_address(const struct ifaddrs *one, const struct hail_addr *addr)
{
	const struct sockaddr *own = one->ifa_addr;
	struct hail_addr other = {.sa.sa_family = AF_UNSPEC};

	if (!own || own->sa_family != addr->sa.sa_family)
		return false;
	if (own->sa_family == AF_INET) {
		memcpy(&other.v4, own, sizeof(other.v4));
	} else {
		memcpy(&other.v6, own, sizeof(other.v6));
		if (addr->v6.sin6_scope_id == 0)
			other.v6.sin6_scope_id = 0;
	}
	return hail_addr_equal(addr, &other);
}

/* An address may bear a label in place of its interface's name: "eth0:1". */
static int find_by_label(uint32_t *out, const char *label)
{
	char name[IF_NAMESIZE];
	size_t length = strcspn(label, ":");

	if (length >= sizeof(name))
		return -ENODEV;
	memcpy(name, label, length);
	name[length] = '\0';
	return hl_interface_by_name(out, name);
}

static int find_by_address(uint32_t *out, const struct hail_addr *addr)
{
	struct ifaddrs *all, *one;
	int rc;

	if (getifaddrs(&all) < 0)
		return find_error(errno);
	for (one = all; one && !has_address(one, addr);)
		one = one->ifa_next;
	rc = one ? find_by_label(out, one->ifa_name) : -ENODEV;
	freeifaddrs(all);
	return rc;
}

int hail_interface_find(uint32_t *out, const char *text)
{
	struct hail_addr addr;
	int rc;

	if (!out || !text)
		return -EINVAL;
	rc = hl_interface_by_name(out, text);
	if (rc == -ENODEV)
		rc = find_by_number(out, text);
	if (rc == -ENODEV && hail_addr_parse(&addr, text, 0) == 0) {
		if (hail_addr_is_v4_mapped(&addr))
			hail_addr_unmap(&addr);
		rc = find_by_address(out, &addr);
	}
	return rc;
}

int hail_addr_set_scope(struct hail_addr *addr, const char *interface)
{
	uint32_t index = 0;
	int rc = 0;

	if (!addr)
		return -EINVAL;
	if (addr->sa.sa_family != AF_INET6)
		return -EAFNOSUPPORT;
	if (interface)
		rc = hail_interface_find(&index, interface);
	if (rc == 0)
		addr->v6.sin6_scope_id = index;
	return rc;
}
