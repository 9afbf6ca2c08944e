/* SPDX-License-Identifier: MIT */
/* rows_json.cc: writes the rows of a program as JSON, with the machine that
 * they were measured on. */
#include "machine.h"
#include "rows.h"

#include <hail/hail.h>

#include <cerrno>
#include <cstdio>

namespace
{

/* A list or an object under way: puts the commas. */
struct writer {
	std::FILE *file;
	bool first = true;

	void next()
	{
		if (!first)
			std::fputs(", ", file);
		first = false;
	}

	void open(char bracket)
	{
		std::fputc(bracket, file);
		first = true;
	}

	void close(char bracket)
	{
		std::fputc(bracket, file);
		first = false;
	}

	void text(const std::string &value)
	{
		std::fputc('"', file);
		for (char c : value) {
			if (c == '"' || c == '\\')
				std::fputc('\\', file);
			if ((unsigned char)c >= 0x20)
				std::fputc(c, file);
		}
		std::fputc('"', file);
	}

	void key(const char *name)
	{
		next();
		text(name);
		std::fputs(": ", file);
	}

	void member(const char *name, const std::string &value)
	{
		key(name);
		text(value);
	}

	void member(const char *name, double value)
	{
		key(name);
		std::fprintf(file, "%.6g", value);
	}

	/* So that it isn't taken for a double. */
	void member(const char *name, const char *value)
	{
		member(name, std::string(value));
	}

	void member(const char *name, const struct spread &spread)
	{
		key(name);
		std::fprintf(file,
			     "{\"median\": %.6g, \"low\": %.6g, "
			     "\"high\": %.6g}",
			     spread.median, spread.low, spread.high);
	}

	template <typename Row>
	void list(const char *name, const std::vector<Row> &rows)
	{
		key(name);
		open('[');
		for (const Row &row : rows) {
			next();
			std::fputs("\n\t", file);
			open('{');
			row_members(row);
			close('}');
		}
		close(']');
	}

	void row_members(const ratio_row &row)
	{
		const char *kinds[] = {"cost", "speed", "growth", "value"};

		member("target", row.asked.target);
		member("kind", kinds[(int)row.asked.kind]);
		member("work", row.work);
		member("metric", rows_metric_name(row.metric));
		member("series", row.series);
		member("x", row.x);
		member("subject", row.asked.subject);
		member("base", row.asked.base);
		member("subject_ns", row.subject);
		member("base_ns", row.base);
		member("ratio", row.ratio);
		member("must", row.asked.must);
	}

	void row_members(const cost_row &row)
	{
		member("work", row.work);
		member("contender", row.contender);
		member("metric", rows_metric_name(row.metric));
		member("series", row.series);
		member("x", row.x);
		member("ns", row.ns);
	}

	void row_members(const figure_row &row)
	{
		member("target", row.target);
		member("work", row.work);
		member("unit", row.unit);
		member("value", row.value);
		member("must", row.must);
	}

	void row_members(const left_out_row &row)
	{
		member("work", row.work);
		member("what", row.what);
		member("why", row.why);
	}
};

void write_machine(writer *out)
{
	struct machine machine;

	machine_read(&machine);
	out->key("machine");
	out->open('{');
	out->member("cpu", machine.cpu);
	out->member("cores", (double)machine.cores);
	out->member("kernel", machine.kernel);
	out->member("mitigations", machine.mitigations);
	out->member("date", machine.date);
	out->member("load", machine.load);
	out->close('}');
}

} // namespace

int rows_write_json(const struct rows &rows, const std::string &path)
{
	writer out{std::fopen(path.c_str(), "we")};
	bool failed;

	if (!out.file)
		return -errno;
	out.open('{');
	out.member("hail", hail_version());
	write_machine(&out);
	out.member("rounds", (double)rows.rounds);
	out.member("short", (double)rows.brief);
	out.list("ratios", rows.ratios);
	out.list("costs", rows.costs);
	out.list("figures", rows.figures);
	out.list("left_out", rows.left_out);
	out.close('}');
	std::fputc('\n', out.file);
	failed = std::ferror(out.file) != 0;
	if (std::fclose(out.file) || failed)
		return -EIO;
	return 0;
}
