# SPDX-License-Identifier: MIT
"""ncat as the peer, in both directions."""

import sys

from peers import SIZES, expect_answers, expect_echo, listening, talk
from programs import main, need, unused_port

FOLDER = sys.argv[1]


def ncat_gets_its_datagrams_back_from_echo():
    for size in SIZES:
        expect_echo(FOLDER, size, "127.0.0.1",
                    lambda port: ("ncat", "-u", "127.0.0.1", str(port)))


def ncat_answers_the_client():
    for size in SIZES:
        port = unused_port()
        with listening(port, "ncat", "-u", "-l", "127.0.0.1", str(port),
                       "-e", "/bin/cat"):
            talk(FOLDER, size, port)


def ncat_answers_the_connected_client():
    port = unused_port()
    with listening(port, "ncat", "-u", "-l", "127.0.0.1", str(port),
                   "-e", "/bin/cat"):
        expect_answers(FOLDER, port)


need("ncat")
main(ncat_gets_its_datagrams_back_from_echo,
     ncat_answers_the_client,
     ncat_answers_the_connected_client)
