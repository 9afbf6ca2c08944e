# SPDX-License-Identifier: MIT
"""The drain example on a link that really is slow: a loopback interface of
its own with a shaper on it. On a fast one the kernel never pushes back."""

import os
import re
import struct
import sys
import threading

from programs import (expect, expect_equal, expect_run, in_own_network, main,
                      need, receiver, run)

FOLDER = sys.argv[1]
COUNT = 2000


def receive(plain, numbers):
    while len(numbers) < COUNT:
        try:
            numbers.append(struct.unpack_from("!I", plain.recv(2000))[0])
        except TimeoutError:
            return


def everything_arrives_in_order_through_a_slow_link():
    numbers = []
    plain, port = receiver()
    with plain:
        reader = threading.Thread(target=receive, args=(plain, numbers))
        reader.start()
        output = expect_run(os.path.join(FOLDER, "drain"), "127.0.0.1",
                            str(port), str(COUNT)).decode()
        reader.join()
    match = re.fullmatch(r"sent (\d+), refused (\d+), drained (\d+), "
                         r"failed 0\n", output)
    expect(match, output)
    sent, refused, drained = map(int, match.groups())
    expect_equal(sent, COUNT, "sent")
    expect(refused > COUNT // 200, f"only {refused} refusals")
    expect_equal(drained, refused, "drains for the refusals")
    expect(numbers == list(range(COUNT)),
           f"{len(numbers)} of {COUNT} arrived, or out of order")


need("tc")
in_own_network()
status, _, errors = run("tc", "qdisc", "add", "dev", "lo", "root", "tbf",
                        "rate", "20mbit", "burst", "5000", "limit", "1000000")
if status:
    print(f"1..0 # SKIP no tbf in this kernel: {errors.strip()}")
    sys.exit(0)
main(everything_arrives_in_order_through_a_slow_link)
