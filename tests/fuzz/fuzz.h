/* SPDX-License-Identifier: MIT */
/* fuzz.h: what a fuzz target is made of. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* libFuzzer's entry. Returns 0; what must not be ends the program. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* An assertion that no build turns off. */
#define FUZZ_CHECK(condition)                                                  \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: does not hold: %s\n",          \
				__FILE__, __LINE__, #condition);               \
			abort();                                               \
		}                                                              \
	} while (0)

#endif
