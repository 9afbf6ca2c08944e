# SPDX-License-Identifier: MIT
"""ffmpeg in the voice room: one sends a tone as Opus in RTP, another hears it
through the room and decodes it."""

import array
import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time

from peers import bound_ports
from programs import DEADLINE, Program, expect, expect_equal, main, need

FOLDER = sys.argv[1]
RATE = 48000
TONE_HZ = 1000
SECONDS = 4
# Opus packets of 20 ms.
WINDOW = RATE // 50

SDP = """v=0
o=- 0 0 IN IP4 127.0.0.1
s=room
c=IN IP4 127.0.0.1
t=0 0
m=audio {port} RTP/AVP 97
a=rtpmap:97 opus/48000/2
"""


def silent(*argv):
    return ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", *argv]


@contextlib.contextmanager
def ending(process):
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def await_bound(port, process):
    """ffmpeg doesn't tell when it listens."""
    end = time.monotonic() + DEADLINE
    while port not in bound_ports():
        expect(process.poll() is None, "the listening ffmpeg ended")
        expect(time.monotonic() < end, "ffmpeg doesn't listen")


def even_port():
    """RTP uses the next port too."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
            if port % 2 == 0 and port + 1 not in bound_ports():
                return port


def join(room, room_port, port):
    """Whoever sends is in: a datagram from the listener's port to be."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as member:
        member.bind(("127.0.0.1", port))
        member.sendto(b"hello", ("127.0.0.1", room_port))
        room.expect(f"127.0.0.1:{port} came")


def listen(folder, port):
    description = os.path.join(folder, f"{port}.sdp")
    with open(description, "w", encoding="ascii") as file:
        file.write(SDP.format(port=port))
    # Silence isn't dropped, a late packet isn't waited for.
    return subprocess.Popen(silent(
        "-protocol_whitelist", "file,udp,rtp", "-i", description,
        "-ac", "1", "-ar", str(RATE), "-f", "s16le", "-y",
        os.path.join(folder, f"{port}.pcm")))


def play(room_port, port):
    tone = f"sine=frequency={TONE_HZ}:sample_rate={RATE}:duration={SECONDS}"
    subprocess.run(silent(
        "-re", "-f", "lavfi", "-i", tone, "-c:a", "libopus", "-b:a", "64k",
        "-payload_type", "97", "-f", "rtp",
        f"rtp://127.0.0.1:{room_port}?localrtpport={port}"),
        check=True, timeout=DEADLINE + SECONDS, stdout=subprocess.DEVNULL)


def share_of_tone(samples):
    """How much of the energy is the tone's: the Goertzel algorithm."""
    turn = 2 * math.cos(2 * math.pi * TONE_HZ / RATE)
    before, last = 0.0, 0.0
    for sample in samples:
        before, last = last, sample + turn * last - before
    power = last * last + before * before - turn * last * before
    energy = sum(sample * sample for sample in samples)
    return 2 * power / (len(samples) * energy) if energy else 0


def expect_whole_tone(path):
    samples = array.array("h")
    with open(path, "rb") as file:
        samples.frombytes(file.read())
    windows = [samples[i:i + WINDOW]
               for i in range(0, len(samples) - WINDOW + 1, WINDOW)]
    pure = [share_of_tone(window) > 0.9 for window in windows]
    # The codec's own beginning and end are not the tone's.
    wanted = SECONDS * 50 - 5
    expect(sum(pure) >= wanted, f"{sum(pure)} of {SECONDS * 50} pieces of "
           f"20 ms are the tone, {len(windows)} came")
    first, last = pure.index(True), len(pure) - pure[::-1].index(True)
    expect_equal(pure[first:last].count(False), 0, "gaps in the tone")


def everyone_else_hears_the_whole_tone():
    ports = [even_port()]
    while len(ports) < 3:
        port = even_port()
        if port not in ports:
            ports.append(port)
    speaker, *hearers = ports
    with tempfile.TemporaryDirectory() as folder, \
            Program(os.path.join(FOLDER, "room"), "60") as room, \
            contextlib.ExitStack() as stack:
        room_port = room.port()
        for port in hearers:
            join(room, room_port, port)
        processes = [stack.enter_context(ending(listen(folder, port)))
                     for port in hearers]
        for port, process in zip(hearers, processes):
            await_bound(port, process)
        play(room_port, speaker)
        for process in processes:
            process.send_signal(signal.SIGINT)
            process.wait(DEADLINE)
        for port in hearers:
            expect_whole_tone(os.path.join(folder, f"{port}.pcm"))
        expect_equal(room.interrupt(), 0, "exit status of room")
        expect_equal(room.output[-1], "dropped 0", "room")


need("ffmpeg")
main(everyone_else_hears_the_whole_tone)
