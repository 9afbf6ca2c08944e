/* SPDX-License-Identifier: MIT */
/*
 * log.h: what someone who runs the program may want to know, in words.
 *
 * A function for each thing that is said, called where it happens; all of these
 * places are cold. The counters tell the same in numbers: nothing is told here
 * that a program should act on.
 */
#ifndef HL_LOG_H
#define HL_LOG_H

#include <hail/engine.h>
#include <hail/error.h>
#include <stdbool.h>

struct hail_socket;

/* The last lines, so that in no second there are more than HAIL_LOG_RATE,
 * wherever it begins. */
struct hl_log_limit {
	uint64_t times[HAIL_LOG_RATE]; /* of lines, as a ring */
	uint64_t lines;
	uint64_t left_out; /* since the last line */
};

struct hl_log {
	/* NULL: nothing is written. */
	void (*write)(void *arg, enum hail_log_level level, const char *text);
	void *arg;
	struct hl_log_limit limit;
};

/* Whether a line may be written now, in monotonic nanoseconds; then `left_out`
 * tells how many before it might not. Else it counts as left out. */
bool hl_log_admit(struct hl_log_limit *limit, uint64_t now, uint64_t *left_out);

/* The socket's pool of receive buffers is at its bound, and empty. */
void hl_log_no_buffer(const struct hail_socket *socket);
/* A send was refused for want of a block for so many bytes. */
void hl_log_no_block(const struct hail_socket *socket, size_t wanted);
/* A datagram that was taken found no block to stay in. */
void hl_log_lost(const struct hail_socket *socket, size_t size);
/* A datagram failed, and the socket has no handler for that. */
void hl_log_untold(const struct hail_socket *socket,
		   const struct hail_error *error);
/* The kernel has no memory for the socket, or says otherwise that it should
 * wait. */
void hl_log_put_off(const struct hail_socket *socket, int error);
/* The bytes that an option asked for, and those that the kernel has doubled;
 * says nothing where all were granted. */
void hl_log_cut(const struct hail_socket *socket, const char *option,
		uint32_t asked, uint32_t got);
void hl_log_overflow(struct hail_engine *engine);
void hl_log_no_files(struct hail_engine *engine, int error);
void hl_log_no_batch_wait(struct hail_engine *engine, int error);
void hl_log_no_napi(struct hail_engine *engine, int error);
void hl_log_broken(struct hail_engine *engine, int error);

#endif
