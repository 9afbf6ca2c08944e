/* SPDX-License-Identifier: MIT */
/* cost_allocations.c: a million datagrams are sent, received and answered
 * without a single allocation. The allocator's names are replaced by ones that
 * count, so this is a program of its own, without the framework. */
#include <hail/hail.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define DATAGRAMS 1000000
#define BATCH 64

/* glibc's own names for what is replaced here. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void *realloc(void *memory, size_t size);
void *reallocarray(void *memory, size_t count, size_t size);
void *memalign(size_t alignment, size_t size);
void *aligned_alloc(size_t alignment, size_t size);
int posix_memalign(void **out, size_t alignment, size_t size);

static atomic_ulong allocations;

void *malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	allocations++;
	return __libc_realloc(memory, size);
}

void *reallocarray(void *memory, size_t count, size_t size)
{
	allocations++;
	return __libc_realloc(memory, count * size);
}

void *memalign(size_t alignment, size_t size)
{
	allocations++;
	return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
	*out = memalign(alignment, size);
	return *out ? 0 : ENOMEM;
}

void *mmap(void *addr, size_t size, int protection, int flags, int fd,
	   off_t offset)
{
	allocations++;
	return (void *)syscall(SYS_mmap, addr, size, protection, flags, fd,
			       offset);
}

static const unsigned char payload[160];
static struct hail_engine *engine;
static struct hail_socket *client, *server;
static struct hail_addr server_addr;
static struct hail_message messages[BATCH];
static unsigned long answers;

/* Both ways out: a batch from the caller's memory, and single ones that hold
 * the buffer they came in, or a copy. */
static void answer(struct hail_socket *socket,
		   const struct hail_datagram *batch, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hail_send(socket, i % 2 ? batch[i].data : payload,
			  batch[i].size, &batch[i].remote);
}

static void take_answer(struct hail_socket *socket,
			const struct hail_datagram *batch, size_t count)
{
	(void)socket;
	(void)batch;
	answers += count;
}

/* A batch there and back; false: something is lost or wrong. */
static bool exchange(void)
{
	unsigned long due = answers + BATCH;

	if (hail_send_many(client, messages, BATCH) != BATCH)
		return false;
	while (answers < due) {
		if (hail_engine_turn(engine, INT64_C(2000000000)) <= 0)
			return false;
	}
	return true;
}

static int start(void)
{
	struct hail_addr local;

	if (hail_addr_parse(&local, "127.0.0.1", 0) ||
	    hail_engine_create(&engine, NULL) ||
	    hail_socket_open(&server, engine,
			     &HAIL_SOCKET_OPTIONS(.local = local,
						  .handlers.data = answer)) ||
	    hail_socket_open(
		    &client, engine,
		    &HAIL_SOCKET_OPTIONS(.local = local,
					 .handlers.data = take_answer)))
		return 1;
	for (int i = 0; i < BATCH; i++)
		messages[i] = (struct hail_message){payload, sizeof(payload),
						    &server_addr};
	return hail_socket_local(server, &server_addr);
}

int main(void)
{
	unsigned long before, made, rounds = DATAGRAMS / BATCH / 2 + 1;

	printf("1..1\n");
	if (start() || !exchange()) {
		printf("Bail out! the sockets can't be had\n");
		return 1;
	}
	/* The test must be able to fail: making engines is counted. */
	before = allocations;
	if (!before) {
		printf("Bail out! allocations aren't counted\n");
		return 1;
	}
	for (unsigned long i = 0; i < rounds; i++) {
		if (!exchange()) {
			printf("Bail out! round %lu came to nothing\n", i);
			return 1;
		}
	}
	made = allocations - before;
	printf("%s 1 - a million datagrams are carried without an allocation\n",
	       made ? "not ok" : "ok");
	printf("# %lu allocations, %lu datagrams\n", made, rounds * BATCH * 2);
	hail_engine_destroy(engine);
	return made ? 1 : 0;
}
