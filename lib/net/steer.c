/* SPDX-License-Identifier: MIT */
/*
 * net/steer.c: writes the programs that spread datagrams over sockets.
 *
 * To such a program the datagram begins with its payload; what is before it is
 * reached from the beginning of the IP header, SKF_NET_OFF. A load from where
 * nothing is ends the program with 0.
 */
#include "net/steer.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

/* The negative offset, as the unsigned that an instruction holds. */
#define NET(offset) ((uint32_t)SKF_NET_OFF + (uint32_t)(offset))

enum {
	SOURCE_V4 = 12,
	SOURCE_V6 = 8,
	NEXT_V6 = 6, /* the kind of the next header */
	SIZE_V6 = 40,
};

static void put_jump(struct hl_steer_program *out, uint16_t code, uint32_t k,
		     uint8_t yes, uint8_t no)
{
	out->code[out->size++] = (struct sock_filter){code, yes, no, k};
}

static void put(struct hl_steer_program *out, uint16_t code, uint32_t k)
{
	put_jump(out, code, k, 0, 0);
}

/* A becomes A with its upper bits mixed into its lower ones; X is lost. */
static void put_fold(struct hl_steer_program *out, uint32_t shift)
{
	put(out, BPF_MISC | BPF_TAX, 0);
	put(out, BPF_ALU | BPF_RSH | BPF_K, shift);
	put(out, BPF_ALU | BPF_XOR | BPF_X, 0);
}

/* Mixes the value in A into the hash that the first scratch word holds. */
static void put_mix(struct hl_steer_program *out)
{
	put(out, BPF_LDX | BPF_W | BPF_MEM, 0);
	put(out, BPF_ALU | BPF_XOR | BPF_X, 0);
	put(out, BPF_ALU | BPF_MUL | BPF_K, 0x9e3779b1);
	put_fold(out, 15);
	put(out, BPF_ST, 0);
}

/* The last steps of MurmurHash3: every bit of A may change every other. */
static void put_finish(struct hl_steer_program *out)
{
	put_fold(out, 16);
	put(out, BPF_ALU | BPF_MUL | BPF_K, 0x85ebca6b);
	put_fold(out, 13);
	put(out, BPF_ALU | BPF_MUL | BPF_K, 0xc2b2ae35);
	put_fold(out, 16);
}

static void put_index(struct hl_steer_program *out, uint32_t count)
{
	put(out, BPF_ALU | BPF_MOD | BPF_K, count);
	put(out, BPF_RET | BPF_A, 0);
}

/* The source address and port, which follows a header of any length. */
static void put_source_v4(struct hl_steer_program *out)
{
	put(out, BPF_LD | BPF_W | BPF_ABS, NET(SOURCE_V4));
	put_mix(out);
	put(out, BPF_LDX | BPF_B | BPF_MSH, NET(0));
	put(out, BPF_LD | BPF_H | BPF_IND, NET(0));
	put_mix(out);
}

/* Behind extension headers the port isn't looked for: the address is a flow's
 * own too. */
static void put_source_v6(struct hl_steer_program *out)
{
	for (uint32_t i = 0; i < sizeof(struct in6_addr); i += 4) {
		put(out, BPF_LD | BPF_W | BPF_ABS, NET(SOURCE_V6 + i));
		put_mix(out);
	}
	put(out, BPF_LD | BPF_B | BPF_ABS, NET(NEXT_V6));
	put_jump(out, BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 1);
	put(out, BPF_LD | BPF_H | BPF_ABS, NET(SIZE_V6));
	put_mix(out);
}

static void write_hash(struct hl_steer_program *out,
		       const struct hl_steer *steer)
{
	uint16_t choice, end;

	put(out, BPF_LD | BPF_IMM, steer->seed);
	put(out, BPF_ST, 0);
	put(out, BPF_LD | BPF_B | BPF_ABS, NET(0));
	put(out, BPF_ALU | BPF_RSH | BPF_K, 4);
	choice = out->size;
	put_jump(out, BPF_JMP | BPF_JEQ | BPF_K, 6, 0, 0);
	put_source_v6(out);
	end = out->size;
	put(out, BPF_JMP | BPF_JA, 0);
	out->code[choice].jf = (uint8_t)(out->size - choice - 1);
	put_source_v4(out);
	out->code[end].k = (uint32_t)(out->size - end - 1);
	put_finish(out);
	put_index(out, steer->count);
}

/* Where each processor's remainder is its socket already, the table says
 * nothing new. */
static bool needs_table(const struct hl_steer *steer)
{
	for (uint32_t i = 0; i < steer->processor_count; i++) {
		if (steer->processors[i] % steer->count != i)
			return true;
	}
	return false;
}

static void write_processor(struct hl_steer_program *out,
			    const struct hl_steer *steer)
{
	put(out, BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_CPU));
	for (uint32_t i = 0; needs_table(steer) && i < steer->processor_count;
	     i++) {
		put_jump(out, BPF_JMP | BPF_JEQ | BPF_K, steer->processors[i],
			 0, 1);
		put(out, BPF_RET | BPF_K, i);
	}
	put_index(out, steer->count);
}

static void write_bytes(struct hl_steer_program *out,
			const struct hl_steer *steer)
{
	uint16_t size = steer->width == 4   ? BPF_W
			: steer->width == 2 ? BPF_H
					    : BPF_B;

	put(out, (uint16_t)(BPF_LD | size | BPF_ABS), steer->offset);
	put(out, BPF_ALU | BPF_AND | BPF_K, steer->mask);
	put(out, BPF_ALU | BPF_RSH | BPF_K,
	    (uint32_t)__builtin_ctz(steer->mask));
	put_index(out, steer->count);
}

void hl_steer_write(struct hl_steer_program *out, const struct hl_steer *steer)
{
	out->size = 0;
	switch (steer->kind) {
	case HAIL_STEERING_CPU:
		write_processor(out, steer);
		break;
	case HAIL_STEERING_BYTES:
		write_bytes(out, steer);
		break;
	default:
		write_hash(out, steer);
	}
}

static int attach(int fd, int name, struct sock_filter *code, uint16_t size)
{
	struct sock_fprog program = {.len = size, .filter = code};

	if (setsockopt(fd, SOL_SOCKET, name, &program, sizeof(program)))
		return -errno;
	return 0;
}

int hl_steer_attach(int fd, const struct hl_steer_program *program)
{
	/* The kernel only reads it. */
	struct sock_filter *code =
		(struct sock_filter *)(uintptr_t)program->code;

	return attach(fd, SO_ATTACH_REUSEPORT_CBPF, code, program->size);
}

int hl_steer_mute(int fd)
{
	struct sock_filter none = {BPF_RET | BPF_K, 0, 0, 0};

	return attach(fd, SO_ATTACH_FILTER, &none, 1);
}

int hl_steer_unmute(int fd)
{
	int ignored = 0;

	if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &ignored,
		       sizeof(ignored)))
		return -errno;
	return 0;
}
