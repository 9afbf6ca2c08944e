/* SPDX-License-Identifier: MIT */
/* bench_zero_copy.cc: large trains from retained buffers, copied, lent, and
 * lent from registered memory: by a link on which nobody copies them, and by
 * the loopback, where the kernel does and hail is to lose nothing. */
#include "support/harness.h"
#include "support/retained.h"

#include <hail/engine.h>

#include <string>

namespace
{

entry entry_of(const retained_options &way)
{
	return {way.name, [=](struct contender *out) {
			return retained_create(out, &way);
		}};
}

void add(const std::string &name, const std::string &work, const char *to)
{
	measurement m;

	m.work = "send trains of 45 × 1400 B to 16 ports, " + work;
	m.slices = harness_slices(1);
	m.entries = {
		entry_of({"copied", to, HAIL_ZERO_COPY_OFF, false}),
		entry_of({"zero copy", to, HAIL_ZERO_COPY_AUTO, false}),
		entry_of({"zero copy, registered", to, HAIL_ZERO_COPY_AUTO,
			  true}),
	};
	m.comparisons = {
		{"", tells::COST, "zero copy", "copied", 0},
		{"", tells::COST, "zero copy, registered", "copied", 0},
	};
	harness_add("zero_copy/" + name, m);
}

void add_all()
{
	const char *to;

	if (retained_link(&to))
		harness_left_out("trains of 45 × 1400 B", "a link that gathers",
				 "it needs root");
	else
		add("link", "a link that gathers", to);
	add("loopback", "the loopback", nullptr);
}

} // namespace

int main(int argc, char **argv)
{
	return harness_main(argc, argv, add_all);
}
