"""What does the child process do? Piece after piece of pure work from its standard input.

:mod:`gateway.workers.workshop` starts it as ``python -m gateway.workers.workbench`` and speaks with it in frames: the
length of what follows, eight octets, then the name of the work and its values; back comes whether it went well, and the
outcome or the exception. It loads only what the work needs, so that it is there in a third of a second.
"""

from __future__ import annotations

import os
import pickle
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any, BinaryIO, Final

from filings.packing import packages

PATIENT: Final = 10
"""By so much it lets others go first on a busy machine: nobody at CBP waits for what it makes."""
LENGTH: Final = struct.Struct(">Q")
WORK: Final[dict[str, Callable[..., Any]]] = {"packages": packages}
"""What it can do, by name."""


def framed(value: Any) -> bytes:
    """A value as it goes through the pipe."""
    body = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    return LENGTH.pack(len(body)) + body


def serve(incoming: BinaryIO, outgoing: BinaryIO) -> None:
    """Do piece after piece of work until the input ends. An exception of the work goes back like a value."""
    while len(head := incoming.read(LENGTH.size)) == LENGTH.size:
        name, values = pickle.loads(incoming.read(LENGTH.unpack(head)[0]))  # noqa: S301 - our own parent
        answer: tuple[bool, Any]
        try:
            answer = (True, WORK[name](*values))
        except Exception as error:  # noqa: BLE001 - it is raised where the work was asked for
            answer = (False, error)
        outgoing.write(framed(answer))
        outgoing.flush()


if __name__ == "__main__":
    os.nice(PATIENT)
    with suppress(KeyboardInterrupt):  # Ctrl-C in a terminal reaches the whole group; the parent says when to end
        serve(sys.stdin.buffer, sys.stdout.buffer)
