/* SPDX-License-Identifier: MIT */
/* enter.c: the kernel now and then refuses an enter for want of memory, whose
 * name is replaced here by one that can. That passes: no turn fails, and each
 * datagram arrives once. */
#include "support/live.h"

#include <sys/syscall.h>

#define OPENED 4

int io_uring_enter2(unsigned fd, unsigned submit, unsigned complete,
		    unsigned flags, void *arg, size_t size);

/* How many enters until the one that is refused, which is then 1; and with
 * what. Only those that submit something count. */
static unsigned countdown;
static int refusal;
static unsigned refused;

int io_uring_enter2(unsigned fd, unsigned submit, unsigned complete,
		    unsigned flags, void *arg, size_t size)
{
	long result;

	if (submit && countdown && !--countdown) {
		refused++;
		return refusal;
	}
	result = syscall(SYS_io_uring_enter, fd, submit, complete, flags, arg,
			 size);
	return result < 0 ? -errno : (int)result;
}

static struct live opened[OPENED];

/* More requests than one submission carries. */
static void send_and_open(struct live *live, const struct hail_datagram *batch,
			  size_t count)
{
	(void)count;
	live->on_data = NULL;
	cr_assert_eq(live_send(live, "one", &batch[0].remote), 0);
	cr_assert_eq(live_send(live, "two", &batch[0].remote), 0);
	for (int i = 0; i < OPENED; i++)
		live_open(&opened[i], live->engine, NULL);
	countdown = *(unsigned *)live->arg;
}

static void assert_all_served(struct live *live, int fd)
{
	live_plain_send(fd, "still there", live_port(live));
	for (int i = 0; i < OPENED; i++)
		live_plain_send(fd, "new", live_port(&opened[i]));
	live_until(live->engine, live->datagrams == 2);
	for (int i = 0; i < OPENED; i++)
		live_until(live->engine, opened[i].datagrams == 1);
}

/* The `which`-th enter after the handler is refused; returns whether there was
 * one. */
static bool refuse_one(unsigned which, int error)
{
	struct hail_engine *engine = live_engine(
		&HAIL_ENGINE_OPTIONS(.entries = 4, .buffers_max = 64));
	struct live live = {.on_data = send_and_open, .arg = &which};
	int fd = live_plain();

	memset(opened, 0, sizeof(opened));
	refused = 0;
	refusal = error;
	live_open(&live, engine, NULL);
	live_plain_send(fd, "go", live_port(&live));
	live_until(engine, live.datagrams == 1);
	live_settle(engine);
	live_until(engine, live_traffic(&live).sent == 2);
	live_expect(fd, "one");
	live_expect(fd, "two");
	cr_assert(plain_silent(fd));
	assert_all_served(&live, fd);
	cr_assert_eq(live.errors, 0);
	cr_assert_eq(live_traffic(&live).sent, 2);
	cr_assert_eq(live_stats(engine).send_blocks.in_use, 0);
	countdown = 0;
	close(fd);
	live_end(engine);
	return refused;
}

static void refuse_each(int error)
{
	unsigned which = 1;

	while (refuse_one(which, error))
		cr_assert_lt(++which, 100);
	cr_assert_gt(which, 1, "no enter was refused");
}

Test(enter, one_that_is_refused_for_want_of_memory_fails_no_turn)
{
	refuse_each(-EAGAIN);
}

Test(enter, one_that_is_refused_for_want_of_kernel_memory_fails_no_turn)
{
	refuse_each(-ENOMEM);
}

Test(enter, one_that_a_signal_ends_fails_no_turn)
{
	refuse_each(-EINTR);
}
