/* SPDX-License-Identifier: MIT */
/*
 * support/child.h: a part of a test in a process of its own, which may take
 * rights and limits from itself. No assertion of the framework works there;
 * CHECK() ends it and tells the line.
 */
#ifndef TEST_CHILD_H
#define TEST_CHILD_H

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition))                                              \
			return __LINE__;                                       \
	} while (0)

/* Runs it in a forked child: 0, the line of the check that failed, the negative
 * number of the signal that ended it, or CHILD_SKIP. */
int child_run(int (*run)(void *arg), void *arg);
#define CHILD_SKIP 100000

/* From now on these system calls of this process fail with `error`; 0, or a
 * negative errno. They can't be had back. */
int child_refuse(const int *calls, unsigned count, int error);

/* Becomes a user without rights: 0, or a negative errno. */
int child_drop_rights(void);

/* Puts a text in the place of a file, for this process alone. */
int child_fake_file(const char *path, const char *text);

#endif
