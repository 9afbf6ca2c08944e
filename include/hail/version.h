/* SPDX-License-Identifier: MIT */
/* version.h: which hail this is, and what an error means in words. */
#ifndef HAIL_VERSION_H
#define HAIL_VERSION_H

#ifdef __cplusplus
extern "C" {
#endif

/* The version of these headers, as text and as a number that can be compared:
 * 0xMMmmpp. */
#define HAIL_VERSION "0.1.0"
#define HAIL_VERSION_NUMBER 0x000100

/* The version of the library that the program runs with. Never fails. Any
 * thread. */
const char *hail_version(void);

/* An error of any call of hail in words: `error` is the negative number that
 * the call returned (the positive errno does as well). The text is constant
 * and is never NULL. Any thread. */
const char *hail_strerror(int error);

#ifdef __cplusplus
}
#endif

#endif
