/* SPDX-License-Identifier: MIT */
/* rows.cc: makes rows of a measurement's rounds, and prints them for
 * people. */
#include "rows.h"

#include <cstdio>
#include <set>

namespace
{

const std::size_t ABSENT = INTERLEAVE_CONTENDERS_MAX;
const double NS_PER_MS = 1e6;

std::size_t place_of(const struct interleave &it, const std::string &name)
{
	for (std::size_t i = 0; i < it.count; i++)
		if (name == it.contenders[i].name)
			return i;
	return ABSENT;
}

/* The same comparison where the series began. */
const ratio_row *first_of(const struct rows &rows, const measurement &m,
			  const comparison &c)
{
	for (const ratio_row &row : rows.ratios)
		if (row.series == m.series && row.asked.kind == tells::COST &&
		    row.asked.subject == c.subject && row.asked.base == c.base)
			return &row;
	return nullptr;
}

void scale(struct spread *spread, double by)
{
	spread->median *= by;
	spread->low *= by;
	spread->high *= by;
}

bool keep_value(ratio_row *row, const struct interleave &it, std::size_t which)
{
	row->subject = interleave_cost(&it, which, row->metric);
	row->ratio = row->subject;
	scale(&row->ratio, 1 / NS_PER_MS);
	return true;
}

/* False: there is nothing to tell. */
bool fill(const struct rows &rows, const measurement &m,
	  const struct interleave &it, ratio_row *row)
{
	const comparison &c = row->asked;
	std::size_t subject = place_of(it, c.subject);
	std::size_t base = place_of(it, c.base);
	const ratio_row *first;

	if (subject == ABSENT)
		return false;
	if (c.kind == tells::VALUE)
		return keep_value(row, it, subject);
	if (base == ABSENT)
		return false;
	row->subject = interleave_cost(&it, subject, row->metric);
	row->base = interleave_cost(&it, base, row->metric);
	row->ratio = interleave_ratio(&it, subject, base, row->metric);
	if (c.kind == tells::SPEED)
		row->ratio = interleave_ratio(&it, base, subject, row->metric);
	if (c.kind != tells::GROWTH)
		return true;
	first = first_of(rows, m, c);
	if (!first)
		return false;
	scale(&row->ratio, 1 / first->ratio.median);
	return true;
}

bool wants(const measurement &m, enum metric metric)
{
	for (const comparison &c : m.comparisons)
		if (c.metric == metric)
			return true;
	return false;
}

void keep_costs_of(struct rows *rows, const measurement &m,
		   const struct interleave &it, enum metric metric)
{
	for (std::size_t i = 0; i < it.count; i++)
		rows->costs.push_back({m.work, it.contenders[i].name, metric,
				       m.series, m.x,
				       interleave_cost(&it, i, metric)});
}

/* The measurement's own metric first: charts show that one. */
void keep_costs(struct rows *rows, const measurement &m,
		const struct interleave &it)
{
	keep_costs_of(rows, m, it, m.metric);
	for (int metric = 0; metric < METRIC_COUNT; metric++) {
		auto other = (enum metric)metric;

		if (other != m.metric && wants(m, other))
			keep_costs_of(rows, m, it, other);
	}
}

const char *verdict(const ratio_row &row)
{
	if (row.asked.must <= 0)
		return "";
	return rows_met(row) ? "met" : "MISSED";
}

void print_bound(const ratio_row &row)
{
	const char *sign = row.asked.kind == tells::SPEED ? ">=" : "<=";

	if (row.asked.must > 0)
		std::printf(" %s %.3g", sign, row.asked.must);
}

void print_ratio(const ratio_row &row)
{
	const comparison &c = row.asked;
	const char *what[] = {" / ", " times as much as ", " growing beyond ",
			      " in ms"};

	std::printf("%-4s %s%s%s, %s: %.4g (%.4g to %.4g)", c.target.c_str(),
		    c.subject.c_str(), what[(int)c.kind], c.base.c_str(),
		    rows_metric_name(row.metric), row.ratio.median,
		    row.ratio.low, row.ratio.high);
	print_bound(row);
	std::printf(" %s\n", verdict(row));
}

void print_ratios(const struct rows &rows)
{
	std::string work;

	for (const ratio_row &row : rows.ratios) {
		if (row.work != work)
			std::printf("\n%s\n", row.work.c_str());
		work = row.work;
		print_ratio(row);
	}
}

void print_figure(const figure_row &row)
{
	std::printf("%-4s %s: %.6g %s", row.target.c_str(), row.work.c_str(),
		    row.value, row.unit.c_str());
	if (row.must >= 0)
		std::printf(" <= %g %s", row.must,
			    row.value <= row.must ? "met" : "MISSED");
	std::printf("\n");
}

/* Once for what is missing everywhere for the same reason. */
void print_left_out(const struct rows &rows)
{
	std::set<std::string> told;

	for (const left_out_row &row : rows.left_out)
		if (told.insert(row.what + row.why).second)
			std::printf("left out: %s: %s\n", row.what.c_str(),
				    row.why.c_str());
}

} // namespace

const char *rows_metric_name(enum metric metric)
{
	const char *names[] = {"cpu", "wall", "p50", "p99"};

	return names[metric];
}

bool rows_met(const ratio_row &row)
{
	if (row.asked.must <= 0)
		return true;
	if (row.asked.kind == tells::SPEED)
		return row.ratio.median >= row.asked.must;
	return row.ratio.median <= row.asked.must;
}

void rows_keep(struct rows *rows, const measurement &m,
	       const struct interleave &it)
{
	keep_costs(rows, m, it);
	for (const comparison &c : m.comparisons) {
		ratio_row row{};

		row.asked = c;
		row.metric = c.metric == METRIC_COUNT ? m.metric : c.metric;
		row.work = m.work;
		row.series = m.series;
		row.x = m.x;
		if (fill(*rows, m, it, &row))
			rows->ratios.push_back(row);
	}
}

void rows_print(const struct rows &rows)
{
	print_ratios(rows);
	for (const figure_row &row : rows.figures)
		print_figure(row);
	print_left_out(rows);
}
