/* SPDX-License-Identifier: MIT */
/* cost.c: how many system calls sending and turning take, as strace sees it.
 * The programs that are watched are cost_send_many.c and cost_echo.c. */
#include "support/live.h"

#include <stdio.h>

#define MARK "getppid("
#define ENTER "io_uring_enter("

static bool have_strace(void)
{
	return system("strace -o /dev/null true >/dev/null 2>&1") == 0;
}

/* Counts the calls whose text begins with `name` between the two marks. */
static long count_between_marks(FILE *trace, const char *name)
{
	char line[4096];
	long count = 0, marks = 0;

	while (fgets(line, sizeof(line), trace)) {
		marks += strstr(line, MARK) != NULL;
		/* One that another thread interrupts has a line for its end
		 * too, which doesn't name it so. */
		count += marks == 1 && strstr(line, name) != NULL;
	}
	return marks == 2 ? count : -1;
}

/* Runs a program under strace; returns how many enters it made between the
 * marks, and gives what it printed. */
static long trace(const char *program, char *out, size_t size)
{
	char name[] = "/tmp/hail-cost-XXXXXX", command[1024];
	int fd = mkstemp(name);
	FILE *pipe, *file;
	long count;

	cr_assert_geq(fd, 0);
	/* LeakSanitizer can't work where strace does. */
	snprintf(command, sizeof(command),
		 "ASAN_OPTIONS=detect_leaks=0 strace -f -qq -o %s "
		 "-e trace=io_uring_enter,getppid %s",
		 name, program);
	pipe = popen(command, "r");
	cr_assert_not_null(pipe);
	out[0] = 0;
	while (fgets(out, (int)size, pipe))
		continue;
	cr_assert_eq(pclose(pipe), 0, "%s failed", program);
	file = fdopen(fd, "r");
	cr_assert_not_null(file);
	count = count_between_marks(file, ENTER);
	fclose(file);
	unlink(name);
	return count;
}

Test(cost, sending_a_batch_of_256_is_one_enter)
{
	char out[256];

	if (!have_strace())
		cr_skip_test("strace isn't installed, or may not trace");
	cr_assert_eq(trace(COST_SEND_MANY, out, sizeof(out)), 1);
}

Test(cost, a_turn_of_an_echo_server_under_load_is_one_enter)
{
	unsigned long long turns = 0, datagrams = 0;
	char out[256];
	long enters;

	if (!have_strace())
		cr_skip_test("strace isn't installed, or may not trace");
	enters = trace(COST_ECHO, out, sizeof(out));
	cr_assert_eq(
		sscanf(out, "%llu turns %llu datagrams", &turns, &datagrams),
		2);
	cr_assert_geq(turns, 1000);
	cr_assert_gt(datagrams, turns, "no load");
	cr_assert_eq((unsigned long long)enters, turns,
		     "%ld enters in %llu turns", enters, turns);
}
