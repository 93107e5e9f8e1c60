"""How much memory does it take to stream a file of this size? ``python -m gateway.bench.streamed x12 100``.

Runs as a process of its own, because the most a process ever held says nothing about one part of it. The file is
never whole anywhere: its bytes are made as they are read.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import cycle

from gateway.bench.measure import Memory
from gateway.bench.truckload import Truckload
from gateway.memory import peak_mb

MEGABYTE = 1_000_000
SMALL, LARGE = 1, 100
FLAT = 1.2
"""The most growth that is still called flat."""


def megabytes_of(message: bytes, megabytes: int) -> Iterator[bytes]:
    """The message again and again, in pieces, up to about this size; a message is never cut."""
    size = 0
    for piece in cycle((message[: len(message) // 2], message[len(message) // 2 :])):
        if size >= megabytes * MEGABYTE and piece.startswith(message[:16]):
            return
        size += len(piece)
        yield piece


def main(family: str, megabytes: int) -> None:
    """Stream and print the peak in MB, the number of items and the number of problems."""
    from schemas import catair, x12

    load = Truckload(200)
    if family == "x12":
        items: Iterator[object] = x12.stream(megabytes_of(load.interchange, megabytes), load.profile)
    else:
        items = catair.stream(megabytes_of(load.batch, megabytes))
    count = sum(1 for _ in items)
    sys.stdout.write(f"{peak_mb()} {count} {len(items.problems)}\n")  # type: ignore[attr-defined]


def memories() -> Iterator[Memory]:
    """The peaks of both families, small and large."""
    for family, name in (("x12", "309 interchanges streamed"), ("catair", "CATAIR batches streamed")):
        peaks = []
        for megabytes in (SMALL, LARGE):
            command = [sys.executable, "-m", "gateway.bench.streamed", family, str(megabytes)]
            done = subprocess.run(command, capture_output=True, check=True, timeout=600)  # noqa: S603 - our own module
            peaks.append(int(done.stdout.split()[0]))
        yield Memory(name, f"{SMALL} MB", peaks[0], f"{LARGE} MB", peaks[1], FLAT)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
