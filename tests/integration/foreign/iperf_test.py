# SPDX-License-Identifier: MIT
"""iperf (version 2) sends UDP streams, and a hail program counts them."""

import re
import sys

from programs import Program, expect, expect_equal, expect_run, main, need

COUNT = sys.argv[2]


def count_stream(*options):
    """Returns what was counted: datagrams, bytes; and what iperf says it
    sent."""
    with Program(COUNT) as counter:
        output = expect_run("iperf", "-c", "127.0.0.1", "-p",
                            str(counter.port()), "-u", "--no-udp-fin",
                            *options).decode()
        match = counter.expect(r"(\d+) datagrams, (\d+) bytes, (\d+) missing, "
                               r"(\d+) late")
        counter.expect_success()
    datagrams, size, missing, late = map(int, match.groups())
    expect_equal((missing, late), (0, 0), "missing and late")
    sent = re.search(r"Sent (\d+) datagrams", output)
    expect(sent, output)
    return datagrams, size, int(sent.group(1))


def a_stream_of_known_length_is_counted_right():
    # The client numbers from 1, and counts the datagram that ends the stream
    # twice: iperf's own server says 5001 where the client says 5002.
    datagrams, size, sent = count_stream("-b", "40m", "-n", "5000000",
                                         "-l", "1000")
    expect_equal((datagrams, size), (5000, 5000000), "datagrams and bytes")
    expect_equal(sent - datagrams, 2, f"sent {sent} less {datagrams} counted")


def a_stream_of_one_second_is_counted_right():
    datagrams, size, sent = count_stream("-b", "10m", "-t", "1", "-l", "200")
    expect(datagrams > 0, "nothing came")
    expect_equal(size, datagrams * 200, "bytes")
    expect_equal(sent - datagrams, 2, f"sent {sent} less {datagrams} counted")


need("iperf")
main(a_stream_of_known_length_is_counted_right,
     a_stream_of_one_second_is_counted_right)
