# SPDX-License-Identifier: MIT
"""Runs every example really, and compares what it prints and sends."""

import os
import re
import socket
import sys
import time

from programs import (DEADLINE, Program, Skip, expect, expect_equal,
                      expect_run, main, need_ipv6, receiver, run, unused_port)

FOLDER = sys.argv[1]


def example(name):
    return os.path.join(FOLDER, name)


def need_example(name, library):
    if not os.path.exists(example(name)):
        raise Skip(f"built without {library}")


def wrong_arguments_are_told_with_exit_2():
    wrong = {
        "bind": (["x"], ["65536"], ["0", "nonsense"], ["0", "::", "x"]),
        "client": ([], ["127.0.0.1"], ["127.0.0.1", "0"], ["name", "1"],
                   ["127.0.0.1", "1", "-1"]),
        "connected": ([], ["localhost", "0"], ["localhost", "1", "0"]),
        "drain": ([], ["127.0.0.1", "1"], ["127.0.0.1", "1", "many"]),
        "echo": (["-1"], ["0x10"], ["0", "localhost"]),
        "epoll_loop": (["-1"], ["0", "localhost"], ["0", "::", "x"]),
        "retain": ([], ["soon"], ["5", "65536"]),
        "room": (["-1"], ["soon"], ["86401"], ["1", "2"]),
        "send_many": (["127.0.0.1"], ["127.0.0.1", "0"],
                      ["127.0.0.1", *["1"] * 65]),
        "shards": (["-1"], ["0", "localhost"], ["0", "::", "x"],
                   ["0", "::", "1025"]),
        "timer": (["10"], ["0", "1"], ["1", "0"]),
    }
    for name, lists in wrong.items():
        for arguments in lists:
            status, output, errors = run(example(name), *arguments)
            expect_equal((status, output), (2, b""), f"{name} {arguments}")
            expect(errors.startswith(f"usage: {name} "), errors)


def bind_prints_the_port_that_the_kernel_chose():
    output = expect_run(example("bind"), "0", "127.0.0.1").decode()
    match = re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\nclosed\n", output)
    expect(match and int(match.group(1)) > 0, output)


def bind_tells_that_a_port_is_in_use():
    plain, port = receiver()
    with plain:
        status, _, errors = run(example("bind"), str(port), "127.0.0.1")
    expect_equal((status, errors), (1, "socket: Address already in use\n"),
                 "bind")


def client_and_echo_exchange_datagrams_of_every_size():
    with Program(example("echo"), "0", "127.0.0.1") as echo:
        port = str(echo.port())
        for size in (0, 1, 1472, 8000, 65507):
            sent = os.urandom(size)
            answer = expect_run(example("client"), "127.0.0.1", port,
                                stdin=sent)
            expect(answer == sent, f"{size} bytes came back changed")
        expect_equal(echo.interrupt(), 0, "exit status of echo")
        expect_equal(echo.output[-1], "echoed 5 datagrams, dropped 0", "echo")


def client_and_echo_speak_ipv6():
    need_ipv6()
    with Program(example("echo"), "0", "::") as echo:
        port = str(echo.port())
        for host in ("::1", "127.0.0.1"):
            answer = expect_run(example("client"), host, port, stdin=b"six")
            expect_equal(answer, b"six", host)


def expect_loop_serves(name):
    """The engine and the timer and signals of the loop get on."""
    with Program(example(name), "0", "127.0.0.1") as server:
        port = str(server.port())
        for count in range(1, 4):
            sent = f"datagram {count}".encode()
            answer = expect_run(example("client"), "127.0.0.1", port,
                                stdin=sent)
            expect_equal(answer, sent, name)
            server.expect(f"^echoed {count} datagrams$")
        expect_equal(server.interrupt(), 0, f"exit status of {name}")
        expect_equal(server.output[-1], "stopped", name)


def an_epoll_loop_serves_all_that_it_watches():
    expect_loop_serves("epoll_loop")


def a_libuv_loop_serves_all_that_it_watches():
    need_example("libuv_loop", "libuv")
    expect_loop_serves("libuv_loop")


def a_glib_loop_serves_all_that_it_watches():
    need_example("glib_loop", "GLib")
    expect_loop_serves("glib_loop")


def client_tells_that_a_datagram_is_too_long():
    status, output, errors = run(example("client"), "127.0.0.1", "9",
                                 stdin=bytes(65508))
    expect_equal((status, output, errors),
                 (1, b"", "send: Message too long\n"), "client")


def client_gives_up_at_its_deadline():
    plain, port = receiver()
    with plain:
        status, output, errors = run(example("client"), "127.0.0.1", str(port),
                                     "20", stdin=b"anybody?")
    expect_equal((status, output, errors), (1, b"", "no answer\n"), "client")


def client_ignores_a_stranger():
    server, port = receiver()
    stranger, _ = receiver()
    with server, stranger:
        with Program(example("client"), "127.0.0.1", str(port), "20000",
                     stdin=open(os.devnull)) as client:
            _, address = server.recvfrom(100)
            stranger.sendto(b"wrong", address)
            server.sendto(b"right\n", address)
            client.expect_success()
            expect_equal(client.output, ["right"], "answer")


def connected_reaches_a_server_by_name():
    try:
        address = socket.getaddrinfo("localhost", 1,
                                     type=socket.SOCK_DGRAM)[0][4]
    except socket.gaierror as error:
        raise Skip(f"this machine knows no localhost: {error}") from None
    with Program(example("echo"), "0", address[0]) as echo:
        port = str(echo.port())
        output = expect_run(example("connected"), "localhost", port, "4")
        lines = output.decode().splitlines()
        expect(re.fullmatch(rf"connected to \S+:{port}", lines[0]), lines)
        expect_equal(lines[1:], [f"ping {n}" for n in range(1, 5)], "answers")


def connected_is_told_that_nobody_listens():
    status, _, errors = run(example("connected"), "127.0.0.1",
                            str(unused_port()))
    expect_equal(status, 1, "exit status")
    expect(errors.endswith("Connection refused\n"), errors)


def connected_tells_that_a_name_is_unknown():
    status, _, errors = run(example("connected"), "nowhere.invalid", "1")
    expect_equal(status, 1, "exit status")
    expect(errors.startswith("nowhere.invalid: "), errors)


def send_many_reaches_every_destination_in_order():
    receivers = [receiver() for _ in range(3)]
    ports = [str(port) for _, port in receivers]
    output = expect_run(example("send_many"), "127.0.0.1", *ports)
    expect_equal(output, b"sent 12 datagrams to 3 destinations\n"
                 b"sent 4 datagrams to the first of them, connected\n",
                 "output")
    for index, (plain, _) in enumerate(receivers):
        wanted = [f"many {n}" for n in range(index, 12, 3)]
        if index == 0:
            wanted += [f"connected {n}" for n in range(4)]
        found = [plain.recv(100).decode() for _ in wanted]
        expect_equal(found, wanted, f"destination {index}")
        plain.close()


def drain_loses_nothing_at_its_window():
    plain, port = receiver()
    with plain:
        output = expect_run(example("drain"), "127.0.0.1", str(port), "5000")
    match = re.fullmatch(r"sent (\d+), refused (\d+), drained (\d+), "
                         r"failed (\d+)\n", output.decode())
    expect(match, output)
    sent, refused, drained, failed = map(int, match.groups())
    expect_equal((sent, failed), (5000, 0), "sent and failed")
    expect(refused > 0, "the window was never met")
    expect_equal(drained, refused, "drains for the refusals")


def retain_delays_every_datagram():
    sent = [f"datagram {n}".encode() for n in range(100)] + [b""]
    with Program(example("retain"), "50", "0", "127.0.0.1") as line:
        server = ("127.0.0.1", line.port())
        plain, _ = receiver()
        with plain:
            start = time.monotonic()
            for data in sent:
                plain.sendto(data, server)
            found = [plain.recv(100)]
            delay = time.monotonic() - start
            found += [plain.recv(100) for _ in sent[1:]]
        expect(delay >= 0.050, f"the first came back after {delay} s")
        expect_equal(found, sent, "datagrams")
        expect_equal(line.interrupt(), 0, "exit status of retain")
        expect_equal(line.output[-1], "delayed 101 datagrams, dropped 0",
                     "retain")


def enter_room(room, port):
    """Whoever sends is in."""
    plain, own = receiver()
    plain.sendto(b"hello", ("127.0.0.1", port))
    room.expect(rf"^127\.0\.0\.1:{own} came$")
    return plain, own


def everyone_else_in_the_room_hears_it():
    with Program(example("room"), "60") as room:
        port = room.port()
        speaker, *hearers = [enter_room(room, port)[0] for _ in range(4)]
        # The greetings of those who came later.
        greetings = {plain: len(hearers) - place
                     for place, plain in enumerate([speaker, *hearers])}
        for number in range(100):
            speaker.sendto(f"word {number}".encode(), ("127.0.0.1", port))
        for plain in hearers:
            found = [plain.recv(100) for _ in range(greetings[plain] + 100)]
            expect_equal(found[:greetings[plain]],
                         [b"hello"] * greetings[plain], "greetings")
            expect_equal(found[greetings[plain]:],
                         [f"word {n}".encode() for n in range(100)], "words")
        hearers[0].sendto(b"end", ("127.0.0.1", port))
        found = [speaker.recv(100) for _ in range(greetings[speaker] + 1)]
        expect_equal(found, [b"hello"] * greetings[speaker] + [b"end"],
                     "what the speaker hears")
        expect_equal(room.interrupt(), 0, "exit status of room")
        expect_equal(room.output[-1], "dropped 0", "room")
        for plain in (speaker, *hearers):
            plain.close()


def a_silent_member_of_the_room_leaves():
    with Program(example("room"), "1") as room:
        plain, own = enter_room(room, room.port())
        room.expect(rf"^127\.0\.0\.1:{own} left$")
        expect_equal(room.interrupt(), 0, "exit status of room")
        plain.close()


def shards_keep_a_room_on_one_of_them():
    with Program(example("shards"), "0", "127.0.0.1", "3") as server:
        address = ("127.0.0.1", server.port())
        people = [receiver()[0] for _ in range(2)]
        for room in range(12):
            for place, plain in enumerate(people):
                plain.sendto(bytes([room, place]), address)
                expect_equal(people[0].recv(100), bytes([room, place]), room)
        expect_equal(server.interrupt(), 0, "exit status of shards")
        expect_equal(sorted(server.output[-3:]),
                     [f"shard {n} of 3 passed 8 datagrams" for n in range(3)],
                     "shards")
        for plain in people:
            plain.close()


def timer_ticks_and_ends_by_itself():
    lines = expect_run(example("timer"), "20", "5").decode().splitlines()
    expect_equal(len(lines), 7, "lines")
    expect_equal(lines.pop(), "nothing is left to wait for", "last line")
    alarms = [line for line in lines if line.startswith("alarm")]
    ticks = [line for line in lines if line.startswith("tick")]
    expect_equal((len(alarms), len(ticks)), (1, 5), "alarms and ticks")
    expect(int(alarms[0].split()[2]) >= 30, alarms)
    for number, line in enumerate(ticks, 1):
        match = re.fullmatch(rf"tick {number} after (\d+) ms", line)
        expect(match and number * 20 <= int(match.group(1)) < DEADLINE * 1000,
               line)


main(wrong_arguments_are_told_with_exit_2,
     bind_prints_the_port_that_the_kernel_chose,
     bind_tells_that_a_port_is_in_use,
     client_and_echo_exchange_datagrams_of_every_size,
     client_and_echo_speak_ipv6,
     an_epoll_loop_serves_all_that_it_watches,
     a_libuv_loop_serves_all_that_it_watches,
     a_glib_loop_serves_all_that_it_watches,
     client_tells_that_a_datagram_is_too_long,
     client_gives_up_at_its_deadline,
     client_ignores_a_stranger,
     connected_reaches_a_server_by_name,
     connected_is_told_that_nobody_listens,
     connected_tells_that_a_name_is_unknown,
     send_many_reaches_every_destination_in_order,
     drain_loses_nothing_at_its_window,
     retain_delays_every_datagram,
     everyone_else_in_the_room_hears_it,
     a_silent_member_of_the_room_leaves,
     shards_keep_a_room_on_one_of_them,
     timer_ticks_and_ends_by_itself)
