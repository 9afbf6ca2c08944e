/* SPDX-License-Identifier: MIT */
/* log.c: lines for the program's log, a bounded number in a second. */
#include "log.h"

#include "core.h"
#include "socket.h"
#include "util/clock.h"

#include <hail/version.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define HL_LOG_LINE_MAX 256

struct line {
	char text[HL_LOG_LINE_MAX];
	size_t length;
	uint64_t left_out; /* lines before it */
};

bool hl_log_admit(struct hl_log_limit *limit, uint64_t now, uint64_t *left_out)
{
	/* Of the line that is HAIL_LOG_RATE lines back. */
	uint64_t *time = &limit->times[limit->lines % HAIL_LOG_RATE];

	if (limit->lines >= HAIL_LOG_RATE && now - *time < HL_NS_PER_S) {
		limit->left_out++;
		return false;
	}
	*time = now;
	limit->lines++;
	*left_out = limit->left_out;
	limit->left_out = 0;
	return true;
}

/* What doesn't fit is cut. */
static __attribute__((format(printf, 2, 0))) void
append_list(struct line *line, const char *format, va_list list)
{
	size_t room = sizeof(line->text) - line->length;
	int length = vsnprintf(line->text + line->length, room, format, list);

	if (length > 0)
		line->length +=
			(size_t)length < room ? (size_t)length : room - 1;
}

static __attribute__((format(printf, 2, 3))) void
append(struct line *line, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	append_list(line, format, list);
	va_end(list);
}

/* Begins a line, if one may be written. `socket` NULL: it is about the engine.
 */
static bool begin(struct line *line, struct hail_engine *engine,
		  const struct hail_socket *socket)
{
	struct hl_log *log = &engine->log;
	char local[HAIL_ADDR_TEXT_MAX];

	/* Not the turn's time, which may be long past between two turns. */
	if (!log->write ||
	    !hl_log_admit(&log->limit, hl_clock_now(), &line->left_out))
		return false;
	line->text[0] = '\0';
	line->length = 0;
	if (socket &&
	    hail_addr_format(&socket->local, local, sizeof(local)) > 0)
		append(line, "%s: ", local);
	return true;
}

static void finish(struct line *line, const struct hail_engine *engine,
		   enum hail_log_level level)
{
	if (line->left_out)
		append(line, " (%" PRIu64 " lines were left out)",
		       line->left_out);
	engine->log.write(engine->log.arg, level, line->text);
}

static __attribute__((format(printf, 4, 5))) void
say(struct hail_engine *engine, const struct hail_socket *socket,
    enum hail_log_level level, const char *format, ...)
{
	struct line line;
	va_list list;

	if (!begin(&line, engine, socket))
		return;
	va_start(list, format);
	append_list(&line, format, list);
	va_end(list);
	finish(&line, engine, level);
}

void hl_log_no_buffer(const struct hail_socket *socket)
{
	const struct hl_pool *pool = &socket->engine->pools[socket->pool];

	say(socket->engine, socket, HAIL_LOG_WARNING,
	    "receiving waits: all %u receive buffers that %s allows are in use",
	    pool->total,
	    pool->kind == HL_POOL_SMALL ? "small_buffers_max" : "buffers_max");
}

void hl_log_no_block(const struct hail_socket *socket, size_t wanted)
{
	say(socket->engine, socket, HAIL_LOG_WARNING,
	    "a send was refused: no send block for %zu bytes is free "
	    "(send_blocks, send_blocks_large)",
	    wanted);
}

void hl_log_lost(const struct hail_socket *socket, size_t size)
{
	say(socket->engine, socket, HAIL_LOG_WARNING,
	    "a datagram was lost: no send block for %zu bytes is free "
	    "(send_blocks, send_blocks_large)",
	    size);
}

void hl_log_untold(const struct hail_socket *socket,
		   const struct hail_error *error)
{
	char remote[HAIL_ADDR_TEXT_MAX] = "its remote";
	struct line line;

	/* An address is written only for a line that is: a flood may fail. */
	if (error->kind != HAIL_ERROR_SEND ||
	    !begin(&line, socket->engine, socket))
		return;
	hail_addr_format(&error->remote, remote, sizeof(remote));
	append(&line,
	       "a datagram to %s failed, and there is no error handler: %s",
	       remote, hail_strerror(error->code));
	finish(&line, socket->engine, HAIL_LOG_WARNING);
}

void hl_log_put_off(const struct hail_socket *socket, int error)
{
	say(socket->engine, socket, HAIL_LOG_WARNING,
	    "waits for a moment, since the kernel says: %s",
	    hail_strerror(error));
}

void hl_log_cut(const struct hail_socket *socket, const char *option,
		uint32_t asked, uint32_t got)
{
	if (got / 2 >= asked)
		return;
	say(socket->engine, socket, HAIL_LOG_NOTE,
	    "%s is %u and not %u bytes, by the kernel's limit (sysctl "
	    "net.core.rmem_max, wmem_max)",
	    option, got / 2, asked);
}

void hl_log_overflow(struct hail_engine *engine)
{
	say(engine, NULL, HAIL_LOG_WARNING,
	    "the completion queue was full, which costs time but loses "
	    "nothing: %u entries (completions) are too few",
	    engine->options.completions);
}

void hl_log_no_files(struct hail_engine *engine, int error)
{
	say(engine, NULL, HAIL_LOG_NOTE,
	    "the ring has no table of files, and is a little slower: %s",
	    hail_strerror(error));
}

void hl_log_no_batch_wait(struct hail_engine *engine, int error)
{
	say(engine, NULL, HAIL_LOG_NOTE,
	    "a batch wait (batch_wait_ns) takes two calls and is a little "
	    "slower, for want of the kernel's minimum wait (Linux 6.12): %s",
	    hail_strerror(error));
}

void hl_log_no_napi(struct hail_engine *engine, int error)
{
	say(engine, NULL, HAIL_LOG_NOTE,
	    "the ring doesn't poll network devices (napi_us, Linux 6.9): %s",
	    hail_strerror(error));
}

void hl_log_broken(struct hail_engine *engine, int error)
{
	say(engine, NULL, HAIL_LOG_ERROR, "the engine is broken: %s",
	    hail_strerror(error));
}
