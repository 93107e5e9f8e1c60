"""How does a gateway process start a hundred times in a minute? It is forked from one that has everything loaded.

``python -m tests.crash.zygote SOCKET`` loads the gateway, keeps no thread, listens on the socket, and forks a child for
each connection: the first line says how it is to live (:class:`~tests.crash.child.Spec`), what the child tells goes
back over the same connection, and the last line is how it ended, as the system has it. The zygote ends when its
standard input closes.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import select
import signal
import socket
import sys
import tempfile
import threading
import traceback
from pathlib import Path

from filings.store import Store
from gateway.http.openapi import document
from sandbox.testing import LoopbackCbp
from tests.crash.child import Spec, live
from tests.filing_kit import Desk, formal, informal, parcel, type86


def main(path: str) -> None:
    """Serve until standard input closes."""
    document()
    asyncio.run(_warm())
    if threading.active_count() > 1:
        raise RuntimeError("threads do not survive a fork")
    deaths, wakeup = socket.socketpair()
    for end in (deaths, wakeup):
        end.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno())
    signal.signal(signal.SIGCHLD, lambda *_: None)
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(path)
        door.listen()
        gc.collect()
        gc.freeze()
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        _serve(door, deaths)


async def _warm() -> None:
    """File once without a socket, so that every table that is read on first use has been read."""
    with tempfile.TemporaryDirectory() as folder:
        async with await Store.open(Path(folder) / "warm.db") as store:
            desk = Desk(store)
            await desk.file(parcel(1), type86(2), informal(3), formal(4))
            await desk.exchange(LoopbackCbp(desk.now))


def _serve(door: socket.socket, deaths: socket.socket) -> None:
    links: dict[int, socket.socket] = {}
    while True:
        readable, _, _ = select.select([door, deaths, sys.stdin], [], [])
        if deaths in readable:
            deaths.recv(1 << 10)
            _bury(links)
        if door in readable:
            link, _ = door.accept()
            spec = _first_line(link)
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                for other in (door, deaths, *links.values()):
                    other.close()
                os._exit(_child(spec, link))
            links[pid] = link
        if sys.stdin in readable:
            return


def _bury(links: dict[int, socket.socket]) -> None:
    """Say of each dead child how it ended."""
    while links:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with links.pop(pid) as link:
            link.sendall(f"ended {os.waitstatus_to_exitcode(status)}\n".encode())


def _first_line(link: socket.socket) -> Spec:
    line = b""
    while not line.endswith(b"\n"):
        line += link.recv(1 << 16)
    return Spec.read(json.loads(line))


def _child(spec: Spec, link: socket.socket) -> int:
    try:
        link.sendall(f"pid {os.getpid()}\n".encode())
        live(spec, link)
    except BaseException:  # noqa: BLE001 - told to the test
        link.sendall(f"failed {json.dumps(traceback.format_exc())}\n".encode())
        return 1
    return 0


if __name__ == "__main__":
    main(sys.argv[1])
