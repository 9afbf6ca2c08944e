# SPDX-License-Identifier: MIT
"""Runs programs under deadlines and reports cases as TAP.

For the tests that run whole programs: the examples, and programs that aren't
ours. Nothing here sleeps to synchronise: a case waits for what a program
prints, for its end or for a datagram, and fails at the deadline.
"""

import os
import queue
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback

# What takes longer than this has failed. Generous: sanitizers and a busy
# machine slow everything down by an order of magnitude.
DEADLINE = 30


class Failure(Exception):
    """What a case wanted to hold doesn't."""


class Skip(Exception):
    """The case can't be tried here; the text says why."""


def expect(holds, message):
    if not holds:
        raise Failure(message)


def expect_equal(found, wanted, what):
    if found != wanted:
        found, wanted = (repr(value)[:200] for value in (found, wanted))
        raise Failure(f"{what}: found {found}, wanted {wanted}")


class Program:
    """A running program whose output is read line by line."""

    def __init__(self, *argv, stdin=subprocess.DEVNULL):
        self.name = os.path.basename(argv[0])
        self.output = []
        self._lines = queue.Queue()
        self._process = subprocess.Popen(
            argv, stdin=stdin, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, errors="replace")
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def expect(self, pattern, deadline=DEADLINE):
        """Waits for a line that matches and returns the match."""
        end = time.monotonic() + deadline
        while True:
            try:
                line = self._lines.get(timeout=max(0, end - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise Failure(f"{self.name} didn't print {pattern!r} but "
                              f"{self.output!r}")
            self.output.append(line)
            match = re.search(pattern, line)
            if match:
                return match

    def port(self):
        """The port that one of our servers prints when it is bound."""
        return int(self.expect(r"listening on \S+:(\d+)$").group(1))

    def wait(self, deadline=DEADLINE):
        """The exit status; the rest of the output is in `output`."""
        try:
            status = self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} didn't end but printed "
                          f"{self.output!r}") from None
        self._reader.join(deadline)
        while not self._lines.empty():
            line = self._lines.get()
            if line is not None:
                self.output.append(line)
        return status

    def interrupt(self):
        """Ctrl-C; returns the exit status."""
        self._process.send_signal(signal.SIGINT)
        return self.wait()

    def expect_success(self):
        status = self.wait()
        expect(status == 0, f"{self.name} ended with {status}: {self.output!r}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def run(*argv, stdin=b"", deadline=DEADLINE):
    """Runs a program to its end: exit status, output, errors."""
    try:
        done = subprocess.run(argv, input=stdin, capture_output=True,
                              timeout=deadline)
    except subprocess.TimeoutExpired:
        raise Failure(f"{argv[0]} didn't end") from None
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def expect_run(*argv, stdin=b"", deadline=DEADLINE):
    """The same for a program that must succeed: its output."""
    status, output, errors = run(*argv, stdin=stdin, deadline=deadline)
    expect(status == 0, f"{argv[0]} ended with {status}: {errors}\n"
           f"{output.decode(errors='replace')[-4000:]}")
    return output


def receiver(host="127.0.0.1"):
    """A plain UDP socket with a deadline, and its port."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    plain = socket.socket(family, socket.SOCK_DGRAM)
    plain.bind((host, 0))
    plain.settimeout(DEADLINE)
    return plain, plain.getsockname()[1]


def unused_port():
    """A port where nobody listens: the kernel chose it a moment ago."""
    plain, port = receiver()
    plain.close()
    return port


def need(*names):
    """Skips the whole test unless these programs are installed."""
    for name in names:
        if not shutil.which(name):
            print(f"1..0 # SKIP {name} is not installed")
            sys.exit(0)


def need_ipv6():
    """Skips a case unless this machine's loopback speaks IPv6."""
    try:
        receiver("::1")[0].close()
    except OSError as error:
        raise Skip(f"no IPv6: {error.strerror}") from None


def in_own_network():
    """Runs this script again in a network namespace of its own, which has
    nothing but a loopback interface: rules and queues laid there are gone
    with it. Skips the whole test where that is refused."""
    if "HAIL_TEST_OWN_NETWORK" not in os.environ:
        need("unshare", "ip")
        flags = "-n" if os.geteuid() == 0 else "-rn"
        status, _, errors = run("unshare", flags, "true")
        if status:
            print(f"1..0 # SKIP no network namespace: {errors.strip()}")
            sys.exit(0)
        os.environ["HAIL_TEST_OWN_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", flags, sys.executable, *sys.argv])
    expect_run("ip", "link", "set", "lo", "up")


def tell(text):
    """Prints a text as comments. Without colours: meson writes what it reads
    into XML, where control characters are an error."""
    for line in text.rstrip().splitlines():
        print("#", re.sub(r"\x1b\[[0-9;]*m|[^ -~]", "", line))


def main(*cases):
    """Runs the cases, each a function whose name is a sentence."""
    failed = 0
    print(f"1..{len(cases)}")
    for number, case in enumerate(cases, 1):
        name = case.__name__.replace("_", " ")
        try:
            case()
            print(f"ok {number} - {name}", flush=True)
        except Skip as skip:
            print(f"ok {number} - {name} # SKIP {skip}", flush=True)
        except Exception as error:
            failed += 1
            print(f"not ok {number} - {name}", flush=True)
            tell(str(error) if isinstance(error, Failure)
                 else traceback.format_exc())
    sys.exit(1 if failed else 0)
