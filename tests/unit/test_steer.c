/* SPDX-License-Identifier: MIT */
/* The programs that steer datagrams, run by an interpreter of classic BPF that
 * knows what they use. */
#include "net/steer.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <string.h>

/* A packet of which the payload is at the end. */
struct packet {
	unsigned char bytes[256];
	uint32_t header, size;
	uint32_t processor;
};

struct machine {
	const struct packet *packet;
	uint32_t a, x, memory[16];
	bool failed; /* a load from where nothing is */
};

static uint32_t load(struct machine *machine, uint32_t offset, uint32_t size)
{
	const struct packet *packet = machine->packet;
	uint32_t at = packet->header + offset;
	uint32_t value = 0;

	if (offset == (uint32_t)(SKF_AD_OFF + SKF_AD_CPU))
		return packet->processor;
	if ((int32_t)offset < 0)
		at = offset - (uint32_t)SKF_NET_OFF;
	machine->failed |= at > packet->size || packet->size - at < size;
	for (uint32_t i = 0; i < size && !machine->failed; i++)
		value = value << 8 | packet->bytes[at + i];
	return value;
}

static uint32_t size_of(uint16_t code)
{
	return BPF_SIZE(code) == BPF_W ? 4 : BPF_SIZE(code) == BPF_H ? 2 : 1;
}

static void load_a(struct machine *machine, const struct sock_filter *step)
{
	uint32_t base = BPF_MODE(step->code) == BPF_IND ? machine->x : 0;

	switch (BPF_MODE(step->code)) {
	case BPF_IMM:
		machine->a = step->k;
		break;
	case BPF_MEM:
		machine->a = machine->memory[step->k];
		break;
	default:
		machine->a = load(machine, base + step->k, size_of(step->code));
	}
}

static void load_x(struct machine *machine, const struct sock_filter *step)
{
	machine->x = BPF_MODE(step->code) == BPF_MEM
			     ? machine->memory[step->k]
			     : 4 * (load(machine, step->k, 1) & 15);
}

static void calculate(struct machine *machine, const struct sock_filter *step)
{
	uint32_t by = BPF_SRC(step->code) == BPF_X ? machine->x : step->k;

	switch (BPF_OP(step->code)) {
	case BPF_AND:
		machine->a &= by;
		break;
	case BPF_XOR:
		machine->a ^= by;
		break;
	case BPF_MUL:
		machine->a *= by;
		break;
	case BPF_MOD:
		machine->a %= by;
		break;
	case BPF_RSH:
		machine->a >>= by;
		break;
	default:
		cr_assert_fail("operation %x", step->code);
	}
}

/* How many instructions are skipped. */
static uint32_t jump(const struct machine *machine,
		     const struct sock_filter *step)
{
	if (BPF_OP(step->code) == BPF_JA)
		return step->k;
	cr_assert_eq(BPF_OP(step->code), BPF_JEQ);
	return machine->a == step->k ? step->jt : step->jf;
}

static uint32_t run(const struct hl_steer_program *program,
		    const struct packet *packet)
{
	struct machine machine = {.packet = packet};

	for (uint32_t i = 0; i < program->size && !machine.failed; i++) {
		const struct sock_filter *step = &program->code[i];

		switch (BPF_CLASS(step->code)) {
		case BPF_LD:
			load_a(&machine, step);
			break;
		case BPF_LDX:
			load_x(&machine, step);
			break;
		case BPF_ST:
			machine.memory[step->k] = machine.a;
			break;
		case BPF_MISC:
			cr_assert_eq(BPF_MISCOP(step->code), BPF_TAX);
			machine.x = machine.a;
			break;
		case BPF_ALU:
			calculate(&machine, step);
			break;
		case BPF_JMP:
			i += jump(&machine, step);
			break;
		default:
			return BPF_RVAL(step->code) == BPF_A ? machine.a
							     : step->k;
		}
	}
	cr_assert(machine.failed, "it has no end");
	return 0;
}

static struct hl_steer_program written(const struct hl_steer *steer)
{
	struct hl_steer_program program;

	hl_steer_write(&program, steer);
	cr_assert_leq(program.size, HL_STEER_CODE_MAX);
	cr_assert_leq(program.size, BPF_MAXINSNS);
	return program;
}

static struct packet payload(const void *bytes, uint32_t size)
{
	struct packet packet = {.header = 28, .size = 28 + size};

	memcpy(packet.bytes + packet.header, bytes, size);
	return packet;
}

static uint32_t by_bytes(uint32_t offset, uint32_t width, uint32_t mask,
			 uint32_t count)
{
	struct hl_steer steer = {
		.kind = HAIL_STEERING_BYTES,
		.count = count,
		.offset = offset,
		.width = width,
		.mask = mask,
	};
	struct hl_steer_program program = written(&steer);
	struct packet packet = payload("\x01\x23\x45\x67\x89\xab\xcd\xef", 8);

	return run(&program, &packet);
}

Test(steer, bytes_are_a_number_that_begins_with_the_highest)
{
	cr_assert_eq(by_bytes(0, 1, 0xff, 1000), 0x01);
	cr_assert_eq(by_bytes(7, 1, 0xff, 1000), 0xef);
	cr_assert_eq(by_bytes(1, 2, 0xffff, 1000), 0x2345 % 1000);
	cr_assert_eq(by_bytes(4, 4, UINT32_MAX, 1000), 0x89abcdefu % 1000);
}

Test(steer, the_bits_of_the_mask_are_moved_down)
{
	cr_assert_eq(by_bytes(3, 1, 0xf0, 16), 6);
	cr_assert_eq(by_bytes(3, 1, 0x0f, 16), 7);
	cr_assert_eq(by_bytes(4, 4, 0x80000000, 2), 1);
	cr_assert_eq(by_bytes(0, 4, 0x00ffff00, 1000), 0x2345 % 1000);
}

Test(steer, what_is_too_short_goes_to_the_first)
{
	cr_assert_eq(by_bytes(8, 1, 0xff, 1000), 0);
	cr_assert_eq(by_bytes(7, 2, 0xffff, 1000), 0);
	cr_assert_eq(by_bytes(5, 4, UINT32_MAX, 1000), 0);
	cr_assert_eq(by_bytes(65526, 1, 0xff, 1000), 0);
}

static uint32_t by_processor(uint32_t processor, uint32_t count,
			     const uint32_t *pinned, uint32_t pinned_count)
{
	struct hl_steer steer = {
		.kind = HAIL_STEERING_CPU,
		.count = count,
		.processors = pinned,
		.processor_count = pinned_count,
	};
	struct hl_steer_program program = written(&steer);
	struct packet packet = payload("", 0);

	packet.processor = processor;
	return run(&program, &packet);
}

Test(steer, processors_are_taken_modulo_the_count)
{
	for (uint32_t i = 0; i < 64; i++)
		cr_assert_eq(by_processor(i, 6, NULL, 0), i % 6);
}

Test(steer, a_pinned_socket_gets_what_its_processor_does)
{
	const uint32_t odd[] = {1, 3, 5, 7};

	for (uint32_t i = 0; i < 4; i++) {
		cr_assert_eq(by_processor(odd[i], 4, odd, 4), i);
		cr_assert_eq(by_processor(2 * i, 4, odd, 4), 2 * i % 4);
	}
}

Test(steer, as_many_processors_as_there_can_be_fit)
{
	static uint32_t pinned[HAIL_SHARDS_MAX];

	for (uint32_t i = 0; i < HAIL_SHARDS_MAX; i++)
		pinned[i] = 8191 - i;
	for (uint32_t i = 0; i < HAIL_SHARDS_MAX; i++)
		cr_assert_eq(by_processor(8191 - i, HAIL_SHARDS_MAX, pinned,
					  HAIL_SHARDS_MAX),
			     i);
}

/* IPv4 with `options` words of options, from a source. */
static struct packet packet_v4(uint32_t address, uint16_t port,
			       uint32_t options)
{
	struct packet packet = {.header = 28 + 4 * options};

	address = htonl(address);
	port = htons(port);
	packet.size = packet.header + 5;
	memset(packet.bytes, 0xee, packet.size);
	packet.bytes[0] = (unsigned char)(0x45 + options);
	memcpy(packet.bytes + 12, &address, sizeof(address));
	memcpy(packet.bytes + packet.header - 8, &port, sizeof(port));
	return packet;
}

/* IPv6 from a source of which `word` of the address differs. */
static struct packet packet_v6(unsigned word, uint32_t address, uint16_t port)
{
	struct packet packet = {.header = 48, .size = 53};

	address = htonl(address);
	port = htons(port);
	memset(packet.bytes, 0xee, packet.size);
	packet.bytes[0] = 0x60;
	packet.bytes[6] = IPPROTO_UDP;
	memcpy(packet.bytes + 8 + 4 * word, &address, sizeof(address));
	memcpy(packet.bytes + 40, &port, sizeof(port));
	return packet;
}

static struct hl_steer_program hash(uint32_t count, uint32_t seed)
{
	struct hl_steer steer = {
		.kind = HAIL_STEERING_HASH,
		.count = count,
		.seed = seed,
	};

	return written(&steer);
}

/* Chi-squared over 16 sockets stays far below this for an even spread of 4096,
 * and every seed here is fixed. */
#define UNEVEN 60.0

static double chi_squared(const unsigned *counts, unsigned count,
			  double expected)
{
	double sum = 0;

	for (unsigned i = 0; i < count; i++) {
		double off = counts[i] - expected;

		sum += off * off / expected;
	}
	return sum;
}

/* Flows that differ by the port, the low bits of the address, or the high
 * ones; 4 and above: a word of an IPv6 address. */
static struct packet flow(unsigned kind, uint32_t i)
{
	switch (kind) {
	case 0:
		return packet_v4(0x0a000001, (uint16_t)(1024 + i), 0);
	case 1:
		return packet_v4(0x0a000000 + i, 5060, 0);
	case 2:
		return packet_v4(i << 20, 5060, 0);
	case 3:
		return packet_v6(0, 0x20010db8, (uint16_t)(32768 + 2 * i));
	default:
		return packet_v6(kind - 4, i * 65536, 5060);
	}
}

Test(steer, flows_spread_evenly_whatever_they_differ_in)
{
	for (unsigned kind = 0; kind < 8; kind++) {
		struct hl_steer_program program = hash(16, 7 * kind);
		unsigned counts[16] = {0};

		for (uint32_t i = 0; i < 4096; i++) {
			struct packet packet = flow(kind, i);
			uint32_t index = run(&program, &packet);

			cr_assert_lt(index, 16);
			counts[index]++;
		}
		cr_assert_lt(chi_squared(counts, 16, 256), UNEVEN, "kind %u",
			     kind);
	}
}

Test(steer, a_flow_is_known_by_its_source_alone)
{
	struct hl_steer_program program = hash(1000, 1);
	struct packet four = packet_v4(0x7f000001, 1000, 0);
	struct packet six = packet_v6(3, 1, 1000);
	uint32_t four_goes_to = run(&program, &four);
	uint32_t six_goes_to = run(&program, &six);

	for (uint32_t i = 0; i < 16; i++) {
		four.bytes[16 + i % 4]++; /* to another address */
		four.bytes[four.header]++;
		six.bytes[24 + i]++;
		six.bytes[six.header]++;
		six.size = six.header + i;
		cr_assert_eq(run(&program, &four), four_goes_to);
		cr_assert_eq(run(&program, &six), six_goes_to);
	}
}

Test(steer, the_port_is_found_behind_ip_options)
{
	struct hl_steer_program program = hash(1000, 1);

	for (uint16_t port = 1; port < 100; port++) {
		struct packet plain = packet_v4(0x7f000001, port, 0);
		struct packet longer = packet_v4(0x7f000001, port, 10);

		cr_assert_eq(run(&program, &plain), run(&program, &longer));
	}
}

Test(steer, behind_extension_headers_the_address_counts_alone)
{
	struct hl_steer_program program = hash(1000, 1);
	struct packet one = packet_v6(3, 1, 1000);
	struct packet other = packet_v6(3, 1, 2000);
	struct packet another = packet_v6(3, 2, 1000);

	one.bytes[6] = other.bytes[6] = another.bytes[6] = IPPROTO_DSTOPTS;
	cr_assert_eq(run(&program, &one), run(&program, &other));
	cr_assert_neq(run(&program, &one), run(&program, &another));
}

Test(steer, nobody_can_tell_the_socket_without_the_seed)
{
	unsigned counts[16] = {0};

	for (uint32_t seed = 0; seed < 4096; seed++) {
		struct hl_steer_program program = hash(16, seed * 0x10001);
		struct packet packet = flow(0, 0);

		counts[run(&program, &packet)]++;
	}
	cr_assert_lt(chi_squared(counts, 16, 256), UNEVEN);
}
