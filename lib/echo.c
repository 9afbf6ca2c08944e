/* SPDX-License-Identifier: MIT */
/* echo.c: a short list of attempts whose records are not to be told. */
#include "echo.h"

#include "core.h"
#include "net/addr.h"
#include "socket.h"

/* The kernel doesn't tell the port of an unconnected IPv4 socket's message, and
 * a remote may be given mapped or not. */
static struct hail_addr host_of(const struct hail_addr *remote)
{
	struct hail_addr host = *remote;

	hail_addr_unmap(&host);
	hl_addr_set_port(&host, 0);
	return host;
}

static void remove_at(struct hl_echoes *echoes, uint32_t i)
{
	echoes->entries[i] = echoes->entries[--echoes->count];
}

void hl_echo_expect(const struct hail_socket *socket,
		    const struct hail_addr *remote)
{
	struct hl_echoes *echoes = &socket->engine->echoes;

	if (echoes->count == HL_ECHOES_MAX)
		return;
	echoes->entries[echoes->count++] = (struct hl_echo){
		.socket = socket,
		.remote = host_of(remote),
	};
}

bool hl_echo_take(const struct hail_socket *socket,
		  const struct hail_error *error)
{
	struct hl_echoes *echoes = &socket->engine->echoes;
	struct hail_addr host;

	/* What a router says it says of one packet. */
	if (error->kind != HAIL_ERROR_PATH_MTU || error->icmp_version)
		return false;
	host = host_of(&error->remote);
	for (uint32_t i = 0; i < echoes->count; i++) {
		const struct hl_echo *echo = &echoes->entries[i];

		if (echo->socket == socket &&
		    hail_addr_equal(&echo->remote, &host)) {
			remove_at(echoes, i);
			return true;
		}
	}
	return false;
}

void hl_echo_forget(const struct hail_socket *socket)
{
	struct hl_echoes *echoes = &socket->engine->echoes;

	for (uint32_t i = echoes->count; i > 0; i--)
		if (echoes->entries[i - 1].socket == socket)
			remove_at(echoes, i - 1);
}
