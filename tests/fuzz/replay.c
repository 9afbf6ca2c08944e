/* SPDX-License-Identifier: MIT */
/*
 * replay.c: runs a fuzz target without libFuzzer.
 *
 * replay <folder> <mutations>: gives the target every file as it is, then so
 * many mutations of them. The number of a mutation is its seed: two runs do the
 * same, and the one that ends the program is printed.
 */
#include "fuzz.h"
#include "random.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>

#define INPUT_MAX 4096
#define INPUTS_MAX 64

struct input {
	size_t size;
	uint8_t bytes[INPUT_MAX];
};

static struct input inputs[INPUTS_MAX];
static size_t input_count;

static void load(const char *folder, const char *name)
{
	struct input *input = &inputs[input_count];
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "rb");
	FUZZ_CHECK(file);
	input->size = fread(input->bytes, 1, INPUT_MAX, file);
	fclose(file);
	input_count++;
}

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Sorted, so that the run doesn't depend on the file system. */
static void load_folder(const char *folder)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, is_visible, alphasort);

	FUZZ_CHECK(count > 0 && count <= INPUTS_MAX);
	for (int i = 0; i < count; i++) {
		load(folder, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

/* Replaces the end of an input, from any place on, by the end of another. */
static void splice(struct test_random *random, struct input *input)
{
	const struct input *other =
		&inputs[test_random_below(random, input_count)];
	size_t at = test_random_below(random, input->size + 1);
	size_t from = test_random_below(random, other->size + 1);
	size_t size = other->size - from;

	if (size > INPUT_MAX - at)
		size = INPUT_MAX - at;
	memcpy(input->bytes + at, other->bytes + from, size);
	input->size = at + size;
}

static void mutate(struct test_random *random, struct input *input)
{
	static const uint8_t edges[] = {0,   1,   0x7f, 0x80, 0xff, ':',
					'%', '0', '9',  '.',  'f',  ' '};
	size_t at = test_random_below(random, input->size + 1);
	uint8_t *byte = &input->bytes[at < INPUT_MAX ? at : 0];

	switch (test_random_below(random, 6)) {
	case 0:
		*byte ^= (uint8_t)(1u << test_random_below(random, 8));
		break;
	case 1:
		*byte = edges[test_random_below(random, sizeof(edges))];
		break;
	case 2:
		*byte = (uint8_t)test_random_next(random);
		break;
	case 3:
		input->size = at;
		break;
	case 4:
		if (at < input->size)
			memmove(byte, byte + 1, --input->size - at);
		break;
	default:
		splice(random, input);
	}
}

static void run_mutated(uint64_t seed)
{
	struct test_random random = test_random_seeded(seed);
	struct input input = inputs[test_random_below(&random, input_count)];
	uint64_t rounds = 1 + test_random_below(&random, 4);

	while (rounds-- > 0)
		mutate(&random, &input);
	LLVMFuzzerTestOneInput(input.bytes, input.size);
}

static uint64_t iteration;

/* The target's end, by a check or by a sanitizer, is an abort. */
static void tell_iteration(int number)
{
	(void)number;
	fprintf(stderr, "mutation %llu\n", (unsigned long long)iteration);
}

int main(int argc, char **argv)
{
	uint64_t iterations;

	if (argc != 3) {
		fprintf(stderr, "usage: replay <folder> <mutations>\n");
		return 2;
	}
	signal(SIGABRT, tell_iteration);
	load_folder(argv[1]);
	iterations = strtoull(argv[2], NULL, 10);
	for (size_t i = 0; i < input_count; i++)
		LLVMFuzzerTestOneInput(inputs[i].bytes, inputs[i].size);
	for (iteration = 0; iteration < iterations; iteration++)
		run_mutated(iteration);
	return 0;
}
