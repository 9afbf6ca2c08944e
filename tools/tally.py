#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the cases of one run of `meson test`: passed, failed, skipped.

meson's summary counts programs, and its JUnit file shows no failure where a
program crashed, timed out or ended early after cases that passed. Its JSON
file has both the result and the output of each program, which reports its
cases as TAP if it has any.
"""

import glob
import json
import os
import re
import sys

CASE = re.compile(r"^(ok|not ok)\b([^#\n]*)(?:# *(SKIP|TODO))?", re.I | re.M)


def count(test):
    """The counts of one program: [passed, failed, skipped]."""
    output = test.get("stdout", "")
    good = test["result"] in ("OK", "EXPECTEDFAIL", "SKIP")
    counts = [0, 0, 0]
    if re.search(r"^1\.\.[1-9]", output, re.M):
        for verdict, _, directive in CASE.findall(output):
            if directive:
                counts[2] += 1
            else:
                counts[verdict.lower() == "not ok"] += 1
    if not any(counts):
        counts[2 if test["result"] == "SKIP" else not good] = 1
    elif not good and not counts[1]:
        counts[1] = 1
    return counts


def main(folder):
    # Named after the test setup; the last run is the newest.
    log = max(glob.glob(os.path.join(folder, "testlog*.json")),
              key=os.path.getmtime)
    with open(log, encoding="utf-8") as lines:
        counts = [count(json.loads(line)) for line in lines]
    if not counts:
        sys.exit(f"{log}: no test ran")
    print(*(sum(column) for column in zip(*counts)))


main(sys.argv[1])
