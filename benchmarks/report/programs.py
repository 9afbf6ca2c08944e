# SPDX-License-Identifier: MIT
"""Builds the programs of benchmarks/ and runs them."""
import json
import pathlib
import subprocess
import sys
import tempfile

PARTS = ["send", "train", "deliver", "receive", "relay", "pingpong", "memory",
         "scaling", "zero_copy"]
SKIPPED = 77


def set_up(source, build):
    subprocess.run(
        ["meson", "setup", "--buildtype=release", "-Dbenchmarks=enabled",
         "-Dtests=disabled", "-Dexamples=false", "-Ddocs=false",
         str(build), str(source)],
        check=True, stdout=sys.stderr)


def build(folder):
    targets = [f"benchmarks/bench_{part}" for part in PARTS]
    subprocess.run(["ninja", "-C", str(folder), *targets], check=True,
                   stdout=sys.stderr)


def run(folder, parts, short=False, rounds=None):
    """What each part wrote, by name, and the parts that failed. A part that
    says that io_uring is refused here is neither."""
    found = {"parts": {}}
    failed = []
    for part in parts:
        print(f"bench_{part} ...", file=sys.stderr)
        status, rows = _run_one(folder, part, short, rounds)
        if rows is not None:
            found["parts"][part] = rows
        if status not in (0, SKIPPED):
            failed.append(part)
    return found, failed


def _run_one(folder, part, short, rounds):
    with tempfile.TemporaryDirectory(prefix="hail-benchmarks.") as scratch:
        path = pathlib.Path(scratch, "rows.json")
        argv = [str(folder / "benchmarks" / f"bench_{part}"), f"--json={path}"]
        if short:
            argv.append("--short")
        if rounds:
            argv.append(f"--rounds={rounds}")
        done = subprocess.run(argv, stdout=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, text=True, check=False)
        if done.returncode != 0:
            print(done.stderr, file=sys.stderr, end="")
        if not path.exists():
            return done.returncode, None
        return done.returncode, json.loads(path.read_text("utf-8"))
