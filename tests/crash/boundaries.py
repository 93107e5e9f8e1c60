"""Where may a gateway process die? Its boundaries, numbered as they are met; at one of them it kills itself.

A boundary lies immediately before and immediately after each commit that changes something, before a request to the
partner opens its socket, before its body goes, when its answer is there, before an answer of ours leaves, around work
of the child process, around each rename and each flush of the folders that files travel through. Between two
boundaries a process does nothing that anybody else could see.

The seams are those of the libraries, so that the gateway's own code runs as it is: SQLAlchemy's ``do_commit``,
aiohttp's client traces and its signal before an answer, ``os.replace`` and ``os.fsync``. Only for the *names* of
boundaries the functions given to ``Store.write`` are looked at.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final

import aiohttp
from aiohttp import web
from sqlalchemy.engine.default import DefaultDialect

from filings.store import Store
from gateway.transports.as2 import As2Transport
from gateway.transports.base import PreparedTransmission
from gateway.workers.workshop import Workshop

READ_ONLY: Final = frozenset({"GET", "HEAD"})
"""Requests whose answers change nothing: a death before one is like one before the next commit."""


@dataclass(frozen=True, slots=True)
class Death:
    """Where a process dies: at its boundary of this number, counted among those of a kind.

    ``kind`` is where a boundary lies and, after a colon, what it is about; both may be the beginning, as several things
    may share a commit.
    """

    number: int
    kind: str = ""

    def fits(self, kind: str) -> bool:
        """Whether a boundary is counted."""
        where, _, what = self.kind.partition(": ")
        return kind.startswith(where) and what in kind


class Boundaries:
    """The boundaries of one process. What is met is told over ``link`` first: it survives the death."""

    def __init__(self, link: socket.socket, death: Death | None) -> None:
        self._link = link
        self._death = death
        self._lock = threading.Lock()
        self._met = self._counted = 0

    def meet(self, kind: str) -> None:
        """One more boundary; it may be the last."""
        with self._lock:
            self._met += 1
            self.tell(f"met {kind}")
            if self._death is not None and self._death.fits(kind):
                self._counted += 1
                if self._counted == self._death.number:
                    self.tell(f"dies {kind}")
                    os.kill(os.getpid(), signal.SIGKILL)

    def tell(self, line: str) -> None:
        """Say something to the test."""
        self._link.sendall(f"{line}\n".encode())

    # ------------------------------------------------------------------ the seams

    def watch(self, folders: tuple[Path, ...]) -> None:
        """Put the boundaries into this process, which is about to become a gateway."""
        self._commits()
        self._requests()
        self._workshop()
        if folders:
            self._files(folders)

    def _commits(self) -> None:
        commit, write = DefaultDialect.do_commit, Store.write

        def do_commit(dialect: Any, connection: Any) -> None:
            info = connection.info
            works = info.pop("works", [])
            if not _changed(dialect, connection):
                commit(dialect, connection)
                return
            kinds = " + ".join(sorted(set(works)))
            self.meet(f"before commit: {kinds}")
            commit(dialect, connection)
            self.meet(f"after commit: {kinds}")

        async def named_write(store: Store, work: Callable[[Any], Any]) -> Any:
            name, server = named(work), store.dialect != "sqlite"

            def noted(conn: Any) -> Any:
                fairy = conn.connection
                if server:
                    fairy.info["works"] = [name]
                    return work(conn)
                before = fairy.dbapi_connection.total_changes
                try:
                    return work(conn)
                finally:
                    if fairy.dbapi_connection.total_changes != before:
                        fairy.info.setdefault("works", []).append(name)

            return await write(store, noted)

        DefaultDialect.do_commit = do_commit  # type: ignore[assignment]
        Store.write = named_write  # type: ignore[assignment]

    def _requests(self) -> None:
        trace = aiohttp.TraceConfig()

        async def started(*_: object) -> None:
            self.meet("send: before the socket opens")

        async def goes(*_: object) -> None:
            self.meet("send: before the body goes")

        async def answered(*_: object) -> None:
            self.meet("send: the answer is there")

        trace.on_request_start.append(started)
        trace.on_request_chunk_sent.append(goes)
        trace.on_request_end.append(answered)
        aiohttp.ClientSession = partial(aiohttp.ClientSession, trace_configs=[trace])  # type: ignore[assignment, misc]
        send = As2Transport.send

        async def told(transport: As2Transport, prepared: PreparedTransmission) -> Any:
            self.tell(f"sends {prepared.message_id} {sha256(prepared.body).hexdigest()}")
            return await send(transport, prepared)

        As2Transport.send = told  # type: ignore[assignment]

    async def before_answer(self, request: web.Request, _response: web.StreamResponse) -> None:
        """A signal of the HTTP application."""
        if request.method not in READ_ONLY:
            self.meet(f"answer: {request.match_info.route.name}")

    def _workshop(self) -> None:
        run = Workshop.run

        async def watched(workshop: Workshop, name: str, *values: Any) -> Any:
            self.meet(f"workshop: before {name}")
            made = await run(workshop, name, *values)
            self.tell(f"workshop {workshop.pid}")
            self.meet(f"workshop: after {name}")
            return made

        Workshop.run = watched  # type: ignore[method-assign]

    def _files(self, folders: tuple[Path, ...]) -> None:
        replace, fsync = os.replace, os.fsync

        def watched_replace(source: Any, target: Any, **more: Any) -> None:
            path = Path(target)
            if not any(path.is_relative_to(folder) for folder in folders):
                replace(source, target, **more)
                return
            kind = f"{path.parent.name}{path.suffix if path.suffix == '.p7s' else ''}"
            self.meet(f"file: before the rename in {kind}")
            replace(source, target, **more)
            self.meet(f"file: after the rename in {kind}")

        def watched_fsync(descriptor: int) -> None:
            fsync(descriptor)
            path = Path(f"/proc/self/fd/{descriptor}").readlink()
            if path.suffix == ".part" and any(path.is_relative_to(folder) for folder in folders):
                self.meet(f"file: written beside in {path.parent.name}")

        os.replace = watched_replace
        os.fsync = watched_fsync


def _changed(dialect: Any, connection: Any) -> bool:
    """Whether the open transaction has written anything."""
    if dialect.name == "sqlite":
        total = connection.dbapi_connection.total_changes
        before, connection.info["changes"] = connection.info.get("changes", 0), total
        return bool(total != before)
    cursor = connection.cursor()
    try:
        cursor.execute("SELECT pg_current_xact_id_if_assigned()::text")
        return cursor.fetchone()[0] is not None
    finally:
        cursor.close()


def named(work: Callable[..., Any]) -> str:
    """What a function given to ``Store.write`` is called: where it is written, and what it calls first."""
    while isinstance(work, partial):
        work = work.func
    qualified = str(getattr(work, "__qualname__", type(work).__name__))
    code: CodeType | None = getattr(work, "__code__", None)
    if not qualified.endswith("<lambda>") or code is None:
        return qualified.replace(".<locals>", "")
    known = getattr(work, "__globals__", {})
    called = next((name for name in code.co_names if not isinstance(known.get(name), ModuleType)), "")
    return f"{qualified.removesuffix('.<lambda>').replace('.<locals>', '')}: {called}"
