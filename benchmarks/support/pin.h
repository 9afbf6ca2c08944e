/* SPDX-License-Identifier: MIT */
/* pin.h: binding threads to cores, since otherwise the scheduler's choice would
 * be what is measured. */
#ifndef BENCH_PIN_H
#define BENCH_PIN_H

#ifdef __cplusplus
extern "C" {
#endif

/* Binds the calling thread to the first core, or the second, of those that
 * this process was given; where there is but one, to that. */
void pin_first(void);
void pin_second(void);

/* Lets the calling thread run anywhere again. */
void pin_release(void);

#ifdef __cplusplus
}
#endif

#endif
