# SPDX-License-Identifier: MIT
"""socat as the peer, in both directions."""

import sys

from peers import SIZES, expect_answers, expect_echo, listening, talk
from programs import main, need, need_ipv6, unused_port

FOLDER = sys.argv[1]
# Reads and writes at most this much at once: larger than any datagram here.
SOCAT = ("socat", "-b", "65536")


def socat_gets_its_datagrams_back_from_echo():
    for size in SIZES:
        expect_echo(FOLDER, size, "127.0.0.1",
                    lambda port: (*SOCAT, "-", f"UDP4-SENDTO:127.0.0.1:{port}"))


def connected_socat_gets_its_datagrams_back_from_echo():
    for size in SIZES:
        expect_echo(FOLDER, size, "127.0.0.1",
                    lambda port: (*SOCAT, "-", f"UDP4:127.0.0.1:{port}"))


def socat_over_ipv6_gets_its_datagrams_back_from_echo():
    need_ipv6()
    expect_echo(FOLDER, 1000, "::",
                lambda port: (*SOCAT, "-", f"UDP6-SENDTO:[::1]:{port}"))


def socat_answers_the_client():
    # A pipe to itself makes an echo server of socat, for one datagram.
    for size in SIZES:
        port = unused_port()
        with listening(port, *SOCAT,
                       f"UDP4-RECVFROM:{port},bind=127.0.0.1", "PIPE"):
            talk(FOLDER, size, port)


def socat_answers_the_connected_client():
    port = unused_port()
    with listening(port, *SOCAT, f"UDP4-LISTEN:{port},bind=127.0.0.1", "PIPE"):
        expect_answers(FOLDER, port)


need("socat")
main(socat_gets_its_datagrams_back_from_echo,
     connected_socat_gets_its_datagrams_back_from_echo,
     socat_over_ipv6_gets_its_datagrams_back_from_echo,
     socat_answers_the_client,
     socat_answers_the_connected_client)
