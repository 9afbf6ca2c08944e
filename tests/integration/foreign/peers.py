# SPDX-License-Identifier: MIT
"""What the tests against socat and ncat share: a foreign client against our
echo server, and our clients against a foreign server."""

import contextlib
import os
import select
import subprocess
import time

from programs import (DEADLINE, Failure, Program, expect, expect_equal,
                      expect_run)

# One byte, around a packet of an Ethernet, and a datagram that is fragmented
# there. Both programs read at least 8 KiB at once.
SIZES = (1, 1471, 1472, 1473, 8000)


def read_exactly(stream, size):
    """Reads from a pipe until `size` bytes came; less at the deadline."""
    end = time.monotonic() + DEADLINE
    found = b""
    while len(found) < size:
        if not select.select([stream], [], [], end - time.monotonic())[0]:
            break
        piece = os.read(stream.fileno(), size - len(found))
        if not piece:
            break
        found += piece
    return found


def expect_echo(folder, size, host, client_of):
    """Has a foreign client send one datagram to the echo example. Its input
    stays open: at its end both programs would leave before the answer."""
    with Program(os.path.join(folder, "echo"), "0", host) as echo:
        sent = os.urandom(size)
        client = subprocess.Popen(client_of(echo.port()),
                                  stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE)
        with client:
            client.stdin.write(sent)
            client.stdin.flush()
            found = read_exactly(client.stdout, size)
            client.kill()
        expect(found == sent, f"{len(found)} of {size} bytes came back, "
               "or they were changed")
        expect_equal(echo.interrupt(), 0, "exit status of echo")
        expect_equal(echo.output[-1], "echoed 1 datagrams, dropped 0", "echo")


def bound_ports():
    with open("/proc/net/udp", encoding="ascii") as table:
        next(table)
        return {int(line.split()[1].split(":")[1], 16) for line in table}


@contextlib.contextmanager
def listening(port, *argv):
    """Runs a foreign server, which doesn't tell when it is ready: so the
    kernel's table is asked until it is."""
    with Program(*argv) as server:
        end = time.monotonic() + DEADLINE
        while port not in bound_ports():
            if time.monotonic() > end:
                raise Failure(f"{argv[0]} didn't bind its port")
            time.sleep(0.01)
        yield server


def talk(folder, size, port):
    """Has our client send one datagram to a foreign server and compares the
    answer."""
    sent = os.urandom(size)
    found = expect_run(os.path.join(folder, "client"), "127.0.0.1", str(port),
                       "20000", stdin=sent)
    expect(found == sent, f"{len(found)} of {size} bytes came back, or they "
           "were changed")


def expect_answers(folder, port):
    """Has our connected client exchange datagrams with a foreign server."""
    output = expect_run(os.path.join(folder, "connected"), "127.0.0.1",
                        str(port), "20").decode()
    expect_equal(output.splitlines()[1:], [f"ping {n}" for n in range(1, 21)],
                 "answers")
