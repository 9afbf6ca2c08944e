/* SPDX-License-Identifier: MIT */
/* buffers.c: retaining and releasing what was received, and sending it on
 * without a copy. */
#include "world.h"

/* The first datagram, and what the handler made of it. */
struct holder {
	struct seen seen;
	struct hail_datagram first;
	unsigned retains; /* to be made in the handler */
	size_t offset;    /* of the part that is sent back */
	bool answer;
};

static void hold(struct seen *seen, const struct hail_datagram *batch,
		 size_t count)
{
	struct holder *holder = (struct holder *)(void *)seen;
	const unsigned char *bytes = batch->data;

	(void)count;
	if (seen->batches > 1)
		return;
	holder->first = *batch;
	for (unsigned i = 0; i < holder->retains; i++)
		cr_assert_eq(hail_buffer_retain(batch->buffer), 0);
	if (holder->answer)
		cr_assert_eq(hail_send(seen->socket, bytes + holder->offset,
				       batch->size - holder->offset,
				       &batch->remote),
			     0);
}

static void start(struct world *world, struct holder *holder)
{
	holder->seen.on_data = hold;
	world_start(world,
		    &HAIL_ENGINE_OPTIONS(.buffers = 2, .buffers_max = 2));
	world_open(world, &holder->seen, NULL);
}

static uint32_t in_use(const struct world *world)
{
	return world_stats(world).buffers.in_use;
}

Test(buffers, end_with_the_handler_unless_retained)
{
	struct world world;
	struct holder holder = {0};

	start(&world, &holder);
	seen_inject(&holder.seen, 0, 1);
	world_settle(&world);
	cr_assert_eq(in_use(&world), 0);
	cr_assert(sim_provided(world.sim, holder.first.data));
	cr_assert_eq(hail_buffer_release(holder.first.buffer), -EINVAL);
	cr_assert_eq(hail_buffer_retain(holder.first.buffer), -EINVAL);
	world_end(&world);
}

Test(buffers, are_kept_until_released_as_often_as_retained)
{
	struct world world;
	struct holder holder = {.retains = 2};

	start(&world, &holder);
	seen_inject(&holder.seen, 77, 1);
	world_settle(&world);
	cr_assert_eq(in_use(&world), 1);
	cr_assert_eq(hail_buffer_retain(holder.first.buffer), 0);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(in_use(&world), 1);
		seen_inject(&holder.seen, 0, 100);
		world_settle(&world);
		cr_assert_eq(datagram_number(&holder.first), 77);
		cr_assert_not(sim_provided(world.sim, holder.first.data));
		cr_assert_eq(hail_buffer_release(holder.first.buffer), 0);
	}
	cr_assert_eq(in_use(&world), 0);
	cr_assert_eq(hail_buffer_release(holder.first.buffer), -EINVAL);
	world_end(&world);
}

Test(buffers, calls_on_none_are_refused)
{
	cr_assert_eq(hail_buffer_retain(NULL), -EINVAL);
	cr_assert_eq(hail_buffer_release(NULL), -EINVAL);
}

static void release_too_much(struct seen *seen,
			     const struct hail_datagram *batch, size_t count)
{
	(void)seen;
	(void)count;
	/* What the engine itself holds is not the user's to give up. */
	cr_assert_eq(hail_buffer_release(batch->buffer), -EINVAL);
	cr_assert_eq(hail_buffer_retain(batch->buffer), 0);
	cr_assert_eq(hail_buffer_release(batch->buffer), 0);
	cr_assert_eq(hail_buffer_release(batch->buffer), -EINVAL);
	cr_assert_eq(datagram_number(batch), 5);
}

Test(buffers, a_handler_cannot_release_what_it_is_just_handed)
{
	struct world world;
	struct seen seen = {.on_data = release_too_much};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 5, 1);
	world_settle(&world);
	cr_assert_eq(seen.datagrams, 1);
	cr_assert_eq(in_use(&world), 0);
	world_end(&world);
}

Test(buffers, what_a_handler_sends_back_is_not_copied)
{
	struct world world;
	struct holder holder = {.answer = true};

	start(&world, &holder);
	seen_inject(&holder.seen, 42, 1);
	world_settle(&world);
	assert_sent(&world, 42, 1);
	cr_assert_eq(sim_sent(world.sim, 0)->origin, holder.first.data);
	cr_assert(sim_in_pool(world.sim, sim_sent(world.sim, 0)->origin));
	cr_assert_eq(in_use(&world), 0);
	world_end(&world);
}

Test(buffers, a_part_that_is_sent_back_is_not_copied_either)
{
	struct world world;
	struct holder holder = {.answer = true, .offset = 2};
	const unsigned char *data;

	start(&world, &holder);
	seen_inject(&holder.seen, 42, 1);
	world_settle(&world);
	data = holder.first.data;
	cr_assert_eq(sim_sent(world.sim, 0)->origin, data + 2);
	cr_assert_eq(sim_sent(world.sim, 0)->size, 2);
	world_end(&world);
}

Test(buffers, one_that_is_in_flight_is_held_without_a_retain)
{
	struct world world;
	struct holder holder = {.answer = true};

	start(&world, &holder);
	seen_block(&holder.seen);
	seen_inject(&holder.seen, 42, 1);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), 0);
	cr_assert_eq(in_use(&world), 1);
	cr_assert_eq(hail_buffer_release(holder.first.buffer), -EINVAL);
	seen_inject(&holder.seen, 0, 50);
	world_settle(&world);
	cr_assert_not(sim_provided(world.sim, holder.first.data));
	seen_unblock(&holder.seen);
	world_settle(&world);
	assert_sent(&world, 42, 1);
	cr_assert_eq(sim_sent(world.sim, 0)->origin, holder.first.data);
	cr_assert_eq(in_use(&world), 0);
	cr_assert(sim_provided(world.sim, holder.first.data));
	world_end(&world);
}

Test(buffers, a_retained_one_may_be_released_once_it_was_sent_from)
{
	struct world world;
	struct holder holder = {.retains = 1};

	start(&world, &holder);
	seen_inject(&holder.seen, 42, 1);
	world_settle(&world);
	seen_block(&holder.seen);
	cr_assert_eq(hail_send(holder.seen.socket, holder.first.data, 4,
			       &holder.first.remote),
		     0);
	cr_assert_eq(hail_buffer_release(holder.first.buffer), 0);
	cr_assert_eq(in_use(&world), 1);
	seen_inject(&holder.seen, 0, 50);
	world_settle(&world);
	seen_unblock(&holder.seen);
	world_settle(&world);
	assert_sent(&world, 42, 1);
	cr_assert_eq(sim_sent(world.sim, 0)->origin, holder.first.data);
	cr_assert_eq(in_use(&world), 0);
	world_end(&world);
}

Test(buffers, held_by_the_answers_of_a_socket_that_closes_are_given_back)
{
	struct world world;
	struct holder holder = {.answer = true};

	start(&world, &holder);
	seen_block(&holder.seen);
	seen_inject(&holder.seen, 42, 1);
	world_settle(&world);
	seen_close(&holder.seen);
	world_settle(&world);
	cr_assert_eq(holder.seen.closes, 1);
	cr_assert_eq(in_use(&world), 0);
	cr_assert_eq(sim_provided_count(world.sim, HL_POOL_LARGE), 2);
	world_end(&world);
}

Test(buffers, that_were_retained_outlive_their_socket)
{
	struct world world;
	struct holder holder = {.retains = 1};

	start(&world, &holder);
	seen_inject(&holder.seen, 42, 1);
	world_settle(&world);
	seen_close(&holder.seen);
	world_settle(&world);
	cr_assert_eq(in_use(&world), 1);
	cr_assert_eq(datagram_number(&holder.first), 42);
	cr_assert_eq(hail_buffer_release(holder.first.buffer), 0);
	cr_assert_eq(in_use(&world), 0);
	world_end(&world);
}

Test(buffers, that_are_still_retained_end_with_the_engine)
{
	struct world world;
	struct holder holder = {.retains = 3, .answer = true};

	start(&world, &holder);
	seen_block(&holder.seen);
	seen_inject(&holder.seen, 42, 1);
	world_settle(&world);
	world_end(&world);
}

/* Memory of the caller's that dies before the enter is copied. */
static void answer_from_stack(struct seen *seen,
			      const struct hail_datagram *batch, size_t count)
{
	char text[] = "stack";

	(void)count;
	cr_assert_eq(
		hail_send(seen->socket, text, sizeof(text), &batch->remote), 0);
	memset(text, 'x', sizeof(text));
}

Test(buffers, other_memory_is_copied_in_a_handler)
{
	struct world world;
	struct seen seen = {.on_data = answer_from_stack};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	seen_inject(&seen, 0, 1);
	world_settle(&world);
	cr_assert_eq(sim_sent_count(world.sim), 1);
	cr_assert_str_eq((char *)sim_sent(world.sim, 0)->data, "stack");
	world_end(&world);
}

Test(buffers, other_memory_is_not_copied_where_the_kernel_takes_it_at_once)
{
	struct world world;
	struct seen seen = {0};
	struct hail_addr remote = remote_at(9);
	struct hail_message message = {"here", 5, &remote};

	world_start(&world, NULL);
	world_open(&world, &seen, NULL);
	cr_assert_eq(hail_send(seen.socket, message.data, 5, &remote), 0);
	cr_assert_eq(hail_send_many(seen.socket, &message, 1), 1);
	cr_assert_eq(sim_sent(world.sim, 0)->origin, message.data);
	cr_assert_eq(sim_sent(world.sim, 1)->origin, message.data);
	world_end(&world);
}

/* A relay: what one socket hears another sends. */
static void relay(struct seen *seen, const struct hail_datagram *batch,
		  size_t count)
{
	struct seen *out = seen->arg;

	for (size_t i = 0; i < count; i++)
		cr_assert_eq(hail_send(out->socket, batch[i].data,
				       batch[i].size, &batch[i].remote),
			     0);
}

Test(buffers, another_socket_sends_them_without_a_copy_too)
{
	struct world world;
	struct seen out = {0};
	struct seen in = {.on_data = relay, .arg = &out};

	world_start(&world, &HAIL_ENGINE_OPTIONS(.buffers = 4));
	world_open(&world, &out, NULL);
	world_open(&world, &in, NULL);
	seen_inject(&in, 0, 100);
	world_settle(&world);
	assert_sent(&world, 0, 100);
	for (size_t i = 0; i < 100; i++)
		cr_assert(
			sim_in_pool(world.sim, sim_sent(world.sim, i)->origin));
	seen_close(&in);
	world_settle(&world);
	cr_assert_eq(in_use(&world), 0);
	world_end(&world);
}
