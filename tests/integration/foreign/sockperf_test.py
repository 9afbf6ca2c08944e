# SPDX-License-Identifier: MIT
"""sockperf against the echo example: nothing lost, doubled or out of order.

sockperf's own server doesn't send a message back as it came: it answers those
that ask for it (flag 2) and takes out the client's mark (flag 1), without
which the client ignores an answer. A packet filter in this test's own network
does that for the plain echo: it makes 2 of 3, and nothing of all else. It would
change the first datagram of a train alone, so the loopback has them cut before
they come to it.
"""

import os
import re
import sys

from programs import (Program, expect, expect_equal, expect_run,
                      in_own_network, main, need)

FOLDER = sys.argv[1]
# The flags are two bytes, in network order, after a sequence number of eight
# and a UDP header of eight.
FILTER = """table ip sockperf {{
	chain answers {{
		type filter hook input priority 0
		udp sport {port} @th,128,16 3 @th,128,16 set 2
	}}
}}"""


def expect_nothing_lost(*options):
    """Runs sockperf and returns the number of answered messages."""
    with Program(os.path.join(FOLDER, "echo"), "0", "127.0.0.1") as echo:
        port = str(echo.port())
        expect_run("nft", "-f", "-", stdin=FILTER.format(port=port).encode())
        output = expect_run("sockperf", *options, "-i", "127.0.0.1",
                            "-p", port, "--time", "2").decode()
        expect_run("nft", "delete", "table", "ip", "sockperf")
        expect_equal(echo.interrupt(), 0, "exit status of echo")
    expect(re.search(r"dropped messages = 0; # duplicated messages = 0; "
                     r"# out-of-order messages = 0", output), output)
    match = re.search(r"Valid Duration\].*SentMessages=(\d+); "
                      r"ReceivedMessages=(\d+)", output)
    expect(match, output)
    return tuple(map(int, match.groups()))


def ping_pong_loses_nothing():
    for size in ("14", "1400", "8000"):
        sent, received = expect_nothing_lost("ping-pong", "-m", size)
        expect(sent > 100, f"only {sent} messages")
        expect_equal(received, sent, "answers")


def under_load_loses_nothing():
    for size in ("14", "1400"):
        sent, received = expect_nothing_lost("under-load", "-m", size, "--mps",
                                             "4000", "--reply-every", "1")
        expect(sent > 100, f"only {sent} messages")
        expect_equal(received, sent, "answers")


def under_load_with_few_answers_loses_nothing():
    sent, received = expect_nothing_lost("under-load", "--mps", "4000",
                                         "--reply-every", "10")
    expect(received >= sent // 10, f"{received} answers for {sent} messages")


need("sockperf", "nft", "ethtool")
in_own_network()
expect_run("ethtool", "-K", "lo", "tx-udp-segmentation", "off", "gso", "off")
main(ping_pong_loses_nothing,
     under_load_loses_nothing,
     under_load_with_few_answers_loses_nothing)
