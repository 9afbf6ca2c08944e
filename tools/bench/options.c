/* SPDX-License-Identifier: MIT */
/* options.c: reads the command line of hail-bench, by a table. */
#include "options.h"

#include "plan.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <hail/hail.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAM "hail-bench"
#define DESTINATIONS_DEFAULT 64
#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

enum answer { GO_ON, STOP_WELL, STOP_WRONG };

struct option_row {
	const char *name;
	const char *value; /* what its argument is called; NULL: none */
	const char *help;
	enum answer (*apply)(struct options *options,
			     const struct option_row *row, const char *text);
	unsigned long min, max; /* numbers only */
};

static enum answer wrong_number(const struct option_row *row, const char *text)
{
	fprintf(stderr,
		PROGRAM ": --%s: '%s' is not a number from %lu to %lu\n",
		row->name, text, row->min, row->max);
	return STOP_WRONG;
}

/* The whole of the text is one decimal number within the row's bounds. */
static bool read_number(const struct option_row *row, const char *text,
			unsigned long *out)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value < row->min || value > row->max)
		return false;
	*out = value;
	return true;
}

static enum answer apply_seconds(struct options *options,
				 const struct option_row *row, const char *text)
{
	return read_number(row, text, &options->seconds)
		       ? GO_ON
		       : wrong_number(row, text);
}

static enum answer apply_destinations(struct options *options,
				      const struct option_row *row,
				      const char *text)
{
	return read_number(row, text, &options->destinations)
		       ? GO_ON
		       : wrong_number(row, text);
}

static enum answer apply_batch(struct options *options,
			       const struct option_row *row, const char *text)
{
	return read_number(row, text, &options->batch)
		       ? GO_ON
		       : wrong_number(row, text);
}

/* Cuts the next item of a comma-separated list out of *rest; NULL at the end.
 * An empty item is an item: what reads it will refuse it. */
static char *next_item(char **rest)
{
	return strsep(rest, ",");
}

static enum answer apply_sizes(struct options *options,
			       const struct option_row *row, const char *text)
{
	char *list = strdup(text), *rest = list, *item;
	enum answer answer = list ? GO_ON : STOP_WRONG;

	options->size_count = 0;
	while (answer == GO_ON && (item = next_item(&rest))) {
		unsigned long size;

		if (options->size_count == OPTIONS_SIZES_MAX) {
			fprintf(stderr, PROGRAM ": --%s: more than %d sizes\n",
				row->name, OPTIONS_SIZES_MAX);
			answer = STOP_WRONG;
		} else if (!read_number(row, item, &size)) {
			answer = wrong_number(row, item);
		} else {
			options->sizes[options->size_count++] = size;
		}
	}
	free(list);
	return answer;
}

static bool find_work(const char *name, unsigned *bit)
{
	for (size_t i = 0; i < plan_count; i++) {
		if (strcmp(plan_works[i].name, name) == 0) {
			*bit = 1u << i;
			return true;
		}
	}
	return false;
}

static enum answer wrong_work(const struct option_row *row, const char *name)
{
	fprintf(stderr, PROGRAM ": --%s: '%s' is none of", row->name, name);
	for (size_t i = 0; i < plan_count; i++)
		fprintf(stderr, "%s %s", i ? "," : "", plan_works[i].name);
	fprintf(stderr, "\n");
	return STOP_WRONG;
}

static enum answer apply_only(struct options *options,
			      const struct option_row *row, const char *text)
{
	char *list = strdup(text), *rest = list, *item;
	enum answer answer = list ? GO_ON : STOP_WRONG;

	options->works = 0;
	while (answer == GO_ON && (item = next_item(&rest))) {
		unsigned bit;

		if (find_work(item, &bit))
			options->works |= bit;
		else
			answer = wrong_work(row, item);
	}
	free(list);
	return answer;
}

static enum answer apply_json(struct options *options,
			      const struct option_row *row, const char *text)
{
	(void)row;
	(void)text;
	options->json = true;
	return GO_ON;
}

static enum answer apply_version(struct options *options,
				 const struct option_row *row, const char *text)
{
	(void)options;
	(void)row;
	(void)text;
	printf(PROGRAM " " HAIL_VERSION ", library %s\n", hail_version());
	return STOP_WELL;
}

static enum answer apply_help(struct options *options,
			      const struct option_row *row, const char *text);

static const struct option_row rows[] = {
	{"seconds", "N", "how long all of it takes, about; 20", apply_seconds,
	 1, 3600},
	{"sizes", "LIST", "bytes of a datagram; 160,1200", apply_sizes, 0,
	 65507},
	{"destinations", "N", "for 'send', at most the batch; 64",
	 apply_destinations, 1, 4096},
	{"batch", "N", "datagrams given to one call; 64", apply_batch, 1, 4096},
	{"only", "LIST", "of send, deliver, pingpong, spinning", apply_only, 0,
	 0},
	{"json", NULL, "print one JSON object instead of tables", apply_json, 0,
	 0},
	{"version", NULL, "print the version and exit", apply_version, 0, 0},
	{"help", NULL, "print this and exit", apply_help, 0, 0},
};

static enum answer apply_help(struct options *options,
			      const struct option_row *row, const char *text)
{
	(void)options;
	(void)row;
	(void)text;
	printf("usage: " PROGRAM " [option...]\n"
	       "Measures hail against plain system calls on 127.0.0.1.\n\n");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char form[40];

		snprintf(form, sizeof(form), "--%s%s%s", rows[i].name,
			 rows[i].value ? " " : "",
			 rows[i].value ? rows[i].value : "");
		printf("  %-18s %s\n", form, rows[i].help);
	}
	printf("\nEach works' contenders take turns in slices of milliseconds; "
	       "figures are\nmedians, and ratios come with their middle half. "
	       "'send' measures CPU time\nto send to many destinations, "
	       "'deliver' sending and receiving in one\nthread, 'pingpong' "
	       "the round trip between two threads.\n\n"
	       "Exits with 0; 1 where something failed or io_uring is refused; "
	       "2 for wrong\narguments; 130 after SIGINT and 143 after "
	       "SIGTERM, "
	       "having printed what was\nmeasured so far.\n");
	return STOP_WELL;
}

static void fill_long_options(struct option *long_options)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		long_options[i] = (struct option){
			.name = rows[i].name,
			.has_arg =
				rows[i].value ? required_argument : no_argument,
			/* Apart from '?', which is an error's. */
			.val = 256 + (int)i,
		};
	}
	long_options[ARRAY_SIZE(rows)] = (struct option){0};
}

static enum answer parse(struct options *options, int argc, char **argv)
{
	struct option long_options[ARRAY_SIZE(rows) + 1];
	int value;

	fill_long_options(long_options);
	while ((value = getopt_long(argc, argv, "", long_options, NULL)) !=
	       -1) {
		const struct option_row *row;
		enum answer answer;

		if (value < 256)
			return STOP_WRONG; /* getopt has told */
		row = &rows[value - 256];
		answer = row->apply(options, row, optarg);
		if (answer != GO_ON)
			return answer;
	}
	if (optind < argc) {
		fprintf(stderr, PROGRAM ": unexpected argument '%s'\n",
			argv[optind]);
		return STOP_WRONG;
	}
	return GO_ON;
}

/* A batch goes round the destinations, so it can't reach more of them than
 * it has datagrams. */
static enum answer settle_destinations(struct options *options)
{
	if (options->destinations > options->batch) {
		fprintf(stderr,
			PROGRAM ": --destinations: %lu are more than the "
				"batch of %lu reaches\n",
			options->destinations, options->batch);
		return STOP_WRONG;
	}
	if (options->destinations == 0)
		options->destinations = options->batch < DESTINATIONS_DEFAULT
						? options->batch
						: DESTINATIONS_DEFAULT;
	return GO_ON;
}

bool options_parse(struct options *options, int argc, char **argv, int *code)
{
	enum answer answer;

	*options = (struct options){
		.seconds = 20,
		.sizes = {160, 1200},
		.size_count = 2,
		.batch = 64,
		.works = (1u << plan_count) - 1,
	};
	answer = parse(options, argc, argv);
	if (answer == GO_ON)
		answer = settle_destinations(options);
	if (answer == STOP_WRONG)
		fprintf(stderr, "Try '" PROGRAM " --help'.\n");
	*code = answer == STOP_WRONG ? OPTIONS_WRONG : OPTIONS_OK;
	return answer == GO_ON;
}
