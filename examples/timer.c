/* SPDX-License-Identifier: MIT */
/* timer.c: a periodic timer and a one-shot one. The engine runs as long as one
 * of them does, and no longer. */
#include "example.h"

struct clock {
	struct hail_engine *engine;
	uint64_t start_ns;
	unsigned long ticks;
	unsigned long ticks_max;
};

static unsigned long elapsed_ms(const struct clock *clock)
{
	return (unsigned long)((hail_engine_now(clock->engine) -
				clock->start_ns) /
			       1000000);
}

static void on_tick(struct hail_timer *timer, void *user)
{
	struct clock *clock = user;

	clock->ticks++;
	printf("tick %lu after %lu ms\n", clock->ticks, elapsed_ms(clock));
	if (clock->ticks == clock->ticks_max)
		check(hail_timer_stop(timer), "stop");
}

static void on_alarm(struct hail_timer *timer, void *user)
{
	printf("alarm after %lu ms\n", elapsed_ms(user));
	check(hail_timer_destroy(timer), "destroy");
}

static int usage(void)
{
	fprintf(stderr, "usage: timer PERIOD_MS TICKS\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct clock clock = {.ticks = 0};
	struct hail_timer *ticker, *alarm;
	unsigned long period_ms;
	uint64_t period_ns;

	if (argc != 3 || !read_number(argv[1], 60000, &period_ms) ||
	    !read_number(argv[2], 1000000, &clock.ticks_max) ||
	    period_ms == 0 || clock.ticks_max == 0)
		return usage();
	period_ns = period_ms * 1000000ull;

	check_engine(hail_engine_create(&clock.engine, NULL));
	check(hail_timer_create(&ticker, clock.engine, on_tick, &clock),
	      "timer");
	check(hail_timer_create(&alarm, clock.engine, on_alarm, &clock),
	      "timer");
	clock.start_ns = hail_engine_now(clock.engine);
	check(hail_timer_start(ticker, period_ns, period_ns), "start");
	check(hail_timer_start(alarm, period_ns + period_ns / 2, 0), "start");

	check(hail_engine_run(clock.engine), "run");
	printf("nothing is left to wait for\n");
	check(hail_engine_destroy(clock.engine), "destroy");
	return EXIT_SUCCESS;
}
