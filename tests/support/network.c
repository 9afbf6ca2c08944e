/* SPDX-License-Identifier: MIT */
/* support/network.c: unshare(), setns() and a shell. */
#include "network.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE_SIZE 512

extern char **environ;

static int current(void)
{
	int fd = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int network_enter(int network)
{
	return setns(network, CLONE_NEWNET) ? -errno : 0;
}

static int shell(const char *line)
{
	char text[LINE_SIZE];
	char *words[] = {(char[]){"sh"}, (char[]){"-c"}, text, NULL};
	int status;
	pid_t pid;

	snprintf(text, sizeof(text), "%s", line);
	status = posix_spawnp(&pid, "sh", NULL, NULL, words, environ);
	if (status)
		return -status;
	if (waitpid(pid, &status, 0) < 0)
		return -errno;
	return status ? -EIO : 0;
}

int network_run(int network, const char *format, ...)
{
	char line[LINE_SIZE];
	int home = current();
	va_list args;
	int err;

	if (home < 0)
		return home;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	err = network_enter(network);
	if (!err) {
		err = shell(line);
		network_enter(home);
	}
	close(home);
	return err;
}

int network_set(int network, const char *path, const char *value)
{
	return network_run(network, "echo %s > /proc/sys/net/%s", value, path);
}

int network_open(void)
{
	int home = current();
	int network;

	if (home < 0)
		return home;
	network = unshare(CLONE_NEWNET) ? -errno : current();
	network_enter(home);
	close(home);
	if (network >= 0 && network_run(network, "ip link set lo up")) {
		close(network);
		return -EIO;
	}
	return network;
}

void network_enter_own(void)
{
	int network = geteuid() == 0 ? network_open() : -EPERM;

	if (network < 0)
		return;
	network_enter(network);
	close(network);
}

static int set_offloads(int fd, const char *name)
{
	struct ethtool_value values[] = {
		{.cmd = ETHTOOL_SGRO, .data = 1},
		{.cmd = ETHTOOL_STSO, .data = 0},
	};
	struct ifreq request = {0};

	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		request.ifr_data = (void *)&values[i];
		if (ioctl(fd, SIOCETHTOOL, &request))
			return -errno;
	}
	return 0;
}

/* By default each processor that sends on a veth has a backlog of its own at
 * the other end, and frames overtake each other. With NAPI there is one queue;
 * it is used where the receiver coalesces and the sender has no TSO. */
static int keep_order(int network, const char *name)
{
	int home = current();
	int fd, err;

	if (home < 0)
		return home;
	err = network_enter(network);
	if (!err) {
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		err = fd < 0 ? -errno : set_offloads(fd, name);
		close(fd);
		network_enter(home);
	}
	close(home);
	return err;
}

/* IPv6 addresses serve at once where nobody is asked for duplicates. */
static int no_dad(int network)
{
	return network_set(network, "ipv6/conf/default/accept_dad", "0");
}

int network_link(int a, const char *name_a, int b, const char *name_b)
{
	int err = no_dad(a);

	if (!err)
		err = no_dad(b);
	if (!err)
		err = network_run(a,
				  "ip link add dev %s type veth "
				  "peer name %s netns /proc/%d/fd/%d",
				  name_a, name_b, (int)getpid(), b);
	if (!err)
		err = keep_order(a, name_a);
	if (!err)
		err = keep_order(b, name_b);
	return err;
}

/* Asking for one interface also makes the kernel look at its carrier now. */
int network_await(int network, const char *name)
{
	return network_run(network,
			   "for i in $(seq 1000); do "
			   "ip link show dev %s | grep -q 'state UP' && "
			   "exit 0; done; exit 1",
			   name);
}

static bool found(const char *tool)
{
	char line[LINE_SIZE];

	snprintf(line, sizeof(line), "command -v %s >/dev/null", tool);
	return shell(line) == 0;
}

const char *network_missing(const char *const *tools)
{
	static char reason[80];

	if (geteuid() != 0)
		return "only root may make network namespaces and devices";
	for (; *tools; tools++) {
		if (found(*tools))
			continue;
		snprintf(reason, sizeof(reason), "there is no %s", *tools);
		return reason;
	}
	return NULL;
}
