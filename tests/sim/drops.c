/* SPDX-License-Identifier: MIT */
/* drops.c: the kernel counts what it drops in 32 bits, and hail goes on from
 * there. The kernel's side is real: nobody receives, so that it drops all that
 * is sent to a full socket. */
#include "world.h"

#include "socket.h"
#include "support/plain.h"

#include <unistd.h>

static uint64_t drops_of(const struct seen *seen)
{
	struct hail_socket_stats stats = {.size = sizeof(stats)};

	cr_assert_eq(hail_socket_stats(seen->socket, &stats), 0);
	return stats.kernel_drops;
}

/* Sends until the socket is full and has dropped `count`. */
static void drop(const struct seen *seen, uint32_t count)
{
	struct hail_addr local;
	int fd = plain_open("127.0.0.1", 0);
	uint64_t before = drops_of(seen);

	cr_assert_eq(hail_socket_local(seen->socket, &local), 0);
	while (drops_of(seen) < before + count)
		cr_assert(plain_send(fd, "much", 4, hail_addr_port(&local)));
	close(fd);
}

Test(drops, the_sum_goes_on_where_the_kernels_number_begins_anew)
{
	const uint64_t turn = UINT64_C(1) << 32;
	struct world world;
	struct seen seen = {0};

	world_start(&world, NULL);
	world_open(&world, &seen, &HAIL_SOCKET_OPTIONS(.receive_buffer = 1));
	cr_assert_eq(drops_of(&seen), 0);
	drop(&seen, 10);
	cr_assert_eq(drops_of(&seen), 10);
	/* Nothing was dropped since then. */
	seen.socket->kernel_drops = 3 * turn + 10;
	cr_assert_eq(drops_of(&seen), 3 * turn + 10);
	/* The kernel's number has passed its end. */
	seen.socket->kernel_drops = 4 * turn - 5;
	cr_assert_eq(drops_of(&seen), 4 * turn + 10);
	drop(&seen, 1);
	cr_assert_eq(drops_of(&seen), 4 * turn + 11);
	world_end(&world);
}
