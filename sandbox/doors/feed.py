"""How does somebody watch the sandbox live? Server-sent events: each line of the transcript, and the state after every
change.

``file`` carries a line of the transcript without its bytes, ``state`` each set of books at a glance. The id of an event
says how far every transcript has been told, and of which sandbox; who comes back with it (``Last-Event-ID``) gets what
was missed and the state as it is now. States in between are not told again. A file that is told before it has been
read is told again, under its number, when its verdict stands. Nobody is told more than five times a second, and a
watcher who reads slowly slows only itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator, Callable
from typing import Any, Final
from urllib.parse import quote, unquote

from aiohttp import web

from sandbox import transcript
from sandbox.doors.books import Books
from sandbox.doors.problems import ApiError, number
from sandbox.runner import Runner

_TAIL: Final = 50
_LONGEST_TAIL: Final = 1000
_PAGE: Final = 200
_PAUSE: Final = 0.2
"""Seconds between two rounds at least: changes that come faster are told together."""
_HEARTBEAT: Final = 10.0
_SLOWEST: Final = 30.0
"""Seconds in which a watcher must take an event."""
_MOST_WATCHERS: Final = 50
_LINES: Final = transcript.Wanted(bytes=False, orders=True)
logger = logging.getLogger("sandbox")
StateOf = Callable[[Runner], dict[str, Any]]


class Feed:
    """The feed of a sandbox; ``state_of`` gives the state of a set of books."""

    def __init__(self, books: Books, state_of: StateOf) -> None:
        self.books, self.state_of = books, state_of
        self.offices = books.offices
        self._watchers: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._called = False
        self._ended = False

    def follow(self, application: web.Application) -> None:
        """Look at the books while the application runs."""
        application.on_startup.append(self._begin)
        application.on_shutdown.append(self._end)

    async def _begin(self, _: web.Application) -> None:
        self._loop = asyncio.get_running_loop()
        for runner in self.offices:
            runner.cbp.store.watchers.append(self._changed)

    async def _end(self, _: web.Application) -> None:
        self._ended = True
        for runner in self.offices:
            runner.cbp.store.watchers.remove(self._changed)
        self._tell()

    def _changed(self) -> None:
        """Some thread has committed something; the loop is told once until it has looked."""
        if self._watchers and not self._called and self._loop is not None and not self._loop.is_closed():
            self._called = True
            self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        self._called = False
        for signal in self._watchers:
            signal.set()

    async def feed(self, request: web.Request) -> web.StreamResponse:
        """``GET /feed``."""
        if len(self._watchers) >= _MOST_WATCHERS:
            raise ApiError(503, "too_many_watchers", f"{_MOST_WATCHERS} watch already.")
        signal = asyncio.Event()
        self._watchers.add(signal)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        try:
            watch = await self._watch(request)
            await response.prepare(request)
            await response.write(b"retry: 1000\n\n")
            while not self._ended:
                signal.clear()
                async for event in watch.round():
                    async with asyncio.timeout(_SLOWEST):
                        await response.write(event)
                await asyncio.sleep(_PAUSE)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_HEARTBEAT):
                        await signal.wait()
        except (ConnectionError, TimeoutError):
            logger.debug("a watcher has gone or does not read")
        finally:
            self._watchers.discard(signal)
        return response

    async def _watch(self, request: web.Request) -> _Watch:
        filer = request.query.get("filer", "")
        chosen = self.books.of(filer)
        runners = {name: one for name, one in self.offices.items() if not filer or one is chosen}
        tail = min(number(request, "tail", _TAIL), _LONGEST_TAIL)
        told = _read_id(request.headers.get("Last-Event-ID", ""), self.offices.instance)
        for name, runner in runners.items():
            if name not in told:
                told[name] = await asyncio.to_thread(transcript.newest, runner.cbp.store, tail)
        return _Watch(self, runners, told)


class _Watch:
    """How far one watcher has been told, and which files it was told of before they had a verdict."""

    def __init__(self, feed: Feed, runners: dict[str, Runner], told: dict[str, int]) -> None:
        self.feed, self.runners, self.told = feed, runners, told
        self.unread: dict[str, set[int]] = {name: set() for name in runners}

    async def round(self) -> AsyncIterator[bytes]:
        """Everything new, then the state."""
        for name, runner in self.runners.items():
            cbp = runner.cbp
            for line in sorted(self.unread[name])[:_PAGE]:
                item = await asyncio.to_thread(transcript.one, cbp.store, cbp.office.profile, _LINES, line)
                if item is None or not _is_unread(item):
                    self.unread[name].discard(line)
                if item is not None and not _is_unread(item):
                    yield self._event("file", item | {"books": name})
            more = True
            while more:
                page = await asyncio.to_thread(
                    transcript.page, cbp.store, cbp.office.profile, _LINES, after=self.told[name], limit=_PAGE
                )
                for item in page["items"]:
                    self.told[name] = item["id"]
                    if _is_unread(item):
                        self.unread[name].add(item["id"])
                    yield self._event("file", item | {"books": name})
                more = page["next"] is not None
        states = {name: await asyncio.to_thread(self.feed.state_of, one) for name, one in self.runners.items()}
        yield self._event("state", {"instance": self.feed.offices.instance, "books": states})

    def _event(self, kind: str, document: dict[str, Any]) -> bytes:
        # who comes back is told again from the first file on that was told without a verdict
        upto = {name: min((number, *(one - 1 for one in self.unread[name]))) for name, number in self.told.items()}
        told = ";".join(f"{quote(name, safe='')}:{number}" for name, number in upto.items())
        head = f"id: {self.feed.offices.instance};{told}\nevent: {kind}\n"
        return f"{head}data: {json.dumps(document)}\n\n".encode("ascii")


def _is_unread(item: dict[str, Any]) -> bool:
    """Whether a file has come and nobody has read it yet."""
    return bool(item["verdict"].get("stage") == "received")


def _read_id(text: str, instance: str) -> dict[str, int]:
    """How far the transcripts were told; nothing of another sandbox. Raises :class:`ApiError` for what is no id."""
    if not text:
        return {}
    of, *parts = text.split(";")
    found: dict[str, int] = {}
    for part in parts:
        name, colon, digits = part.rpartition(":")
        if not colon or not (digits.isascii() and digits.isdigit() and len(digits) < 19):
            raise ApiError(422, "invalid", "Last-Event-ID is not one of this feed.")
        found[unquote(name)] = int(digits)
    return found if of == instance else {}
