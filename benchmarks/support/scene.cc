/* SPDX-License-Identifier: MIT */
/* scene.cc: sinks and the load that is aimed at them. */
#include "scene.h"

#include <cerrno>
#include <utility>

namespace
{

struct scene {
	struct sinks sinks {
	};
	struct load load {
	};
	std::size_t batches = 0; /* a slice */
};

int open_scene(scene *s, const scene_options &options)
{
	int error;

	if (options.coalescing)
		error = sinks_open_coalescing(&s->sinks, options.destinations);
	else
		error = sinks_open(&s->sinks, options.destinations);
	if (!error)
		error = load_init(&s->load, options.size, options.batch,
				  s->sinks.addrs, s->sinks.count);
	if (error)
		return error;
	s->batches = sinks_batches(&s->sinks, options.size, options.batch,
				   options.slice);
	return s->batches ? 0 : -ENOBUFS;
}

} // namespace

way::way(const char *name, sender_create sender, const char *needs)
    : name(name), create([=](struct contender *out, const struct load *load,
			     const struct sinks *sinks, std::size_t batches) {
	      return work_send(out, sender, load, sinks, batches);
      }),
      needs(needs)
{
}

way::way(const char *name, way_create create, const char *needs)
    : name(name), create(std::move(create)), needs(needs)
{
}

std::string scene_text(const scene_options &options)
{
	std::string text = std::to_string(options.size) + " B to ";

	if (options.destinations == 1)
		text += "one destination";
	else
		text += std::to_string(options.destinations) + " destinations";
	if (options.coalescing)
		text += " that coalesces";
	return text + ", batch " + std::to_string(options.batch);
}

void scene_fill(measurement *m, const scene_options &options,
		const std::vector<way> &ways)
{
	auto s = std::make_shared<scene>();

	m->prepare = [=] { return open_scene(s.get(), options); };
	for (const way &w : ways) {
		const way_create create = w.create;

		m->entries.push_back({w.name,
				      [=](struct contender *out) {
					      return create(out, &s->load,
							    &s->sinks,
							    s->batches);
				      },
				      w.needs});
	}
	m->cleanup = [=] {
		load_fini(&s->load);
		sinks_close(&s->sinks);
	};
}
