"""How are a partner's answers taken from a folder on an SFTP server, whole and once?

A poll lists the folder and takes what is ready, in the order of names: it is read within bounds, given to ``accept``
(which commits), and only then moved to ``done/`` or deleted. What cannot be taken is reported, kept by ``refused``, and
moved to ``bad/``. Never taken: hidden files, names that end like a file under way (``.part``, ``.tmp``, ``.filepart``),
folders and links, a file that has changed since the last look, and one that changes while it is read.

A crash or a cut between ``accept`` and the move brings the file again: ``accept`` must know a file by its name and
digest. Where the server does not let us move or delete, what was taken is remembered until we stop, and is not read
twice.
"""

from __future__ import annotations

import asyncio
import hashlib
import heapq
import posixpath
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Literal

import asyncssh

from gateway.causes import cause
from gateway.transports.directory import InboundFile, InboxReport
from gateway.transports.sftp import BLOCK, is_file
from gateway.transports.sftp_link import LOST, SftpLink, failed
from schemas.as2 import MAX_PAYLOAD_BYTES
from schemas.errors import FormatError, GatewayError, Problem, TransportError

UNDER_WAY: Final = (".part", ".tmp", ".filepart", ".crdownload")
MOST_AT_ONCE: Final = 200
"""Files taken in one poll; the next poll goes on."""
_MOST_LISTED: Final = 20_000
_MOST_REMEMBERED: Final = 10_000
_LONGEST_NAME: Final = 255
_LISTING_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class _Look:
    """A file as one look saw it; ``since`` is when it was first seen like this."""

    size: int | None
    changed: int | None
    since: float


class SftpInbox:
    """The folder that a partner writes its answers to."""

    def __init__(
        self,
        link: SftpLink,
        folder: str,
        accept: Callable[[InboundFile], Awaitable[None]],
        refused: Callable[[str, bytes, tuple[Problem, ...]], Awaitable[None]],
        *,
        after: Literal["move", "delete"] = "move",
        done: str = "done",
        steady_seconds: float = 2.0,
        max_bytes: int = MAX_PAYLOAD_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._link = link
        self._folder = folder.rstrip("/")
        self._accept = accept
        self._refused = refused
        self._after = after
        self._done = done
        self._steady = steady_seconds
        self._max_bytes = max_bytes
        self._clock = clock
        self._looks: dict[str, _Look] = {}
        self._kept_there: dict[str, tuple[int | None, int | None]] = {}
        self._listed: set[str] = set()
        self._folders: set[str] = set()

    async def poll(self) -> list[InboxReport]:
        """Take what is ready now. A fault of one file is in its report and never stops the next.

        Raises TransportError when the server is away, and what ``accept`` raises that is no refusal; the file stays.
        """
        sftp = await self._link.client()
        try:
            ready, waiting = await self._ready(sftp)
            reports = [InboxReport(name, "waiting") for name in waiting]
            for name in ready:
                report = await self._take(sftp, name)
                if report is not None:
                    reports.append(report)
        except LOST as error:
            self._link.drop(sftp)
            text = f"The connection broke off while answers were fetched ({cause(error)})."
            raise failed("sftp-connection-lost", text, "What was not taken stays there.") from error
        except asyncssh.SFTPError as error:
            text = f"The server does not show {self._folder}: {error.reason or cause(error)}."
            raise failed("sftp-refused", text, "Look at the folder and our rights there.", needs_person=True) from error
        return reports

    # --------------------------------------------------------------------------------------- looking

    async def _ready(self, sftp: asyncssh.SFTPClient) -> tuple[list[str], list[str]]:
        """Names of files to take, the first in their order, and of those that must be looked at again."""
        async with asyncio.timeout(_LISTING_SECONDS):
            try:
                seen = await self._list(sftp)
            except asyncssh.SFTPNoSuchFile:  # some servers say so of a file that goes away while they list the folder
                seen = await self._list(sftp)
        now = self._clock()
        looks: dict[str, _Look] = {}
        ready: list[str] = []
        waiting: list[str] = []
        for name in heapq.nsmallest(MOST_AT_ONCE, seen):
            attributes = seen[name]
            before = self._looks.get(name)
            same = before is not None and (before.size, before.changed) == attributes
            look = before if same and before is not None else _Look(*attributes, now)
            looks[name] = look
            (ready if now - look.since >= self._steady else waiting).append(name)
        self._looks = looks
        self._kept_there = {name: kept for name, kept in self._kept_there.items() if name in self._listed}
        return ready, waiting

    async def _list(self, sftp: asyncssh.SFTPClient) -> dict[str, tuple[int | None, int | None]]:
        """Size and time of what may be taken. At most so many entries are looked at, for a server may list for ever."""
        found: dict[str, tuple[int | None, int | None]] = {}
        self._listed = set()
        count = 0
        async for entry in sftp.scandir(self._folder or "/"):
            count += 1
            if count > _MOST_LISTED:
                break
            name = str(entry.filename)
            if name.startswith(".") or name.lower().endswith(UNDER_WAY) or not is_file(entry.attrs):
                continue
            if entry.attrs.permissions is None and not str(entry.longname or "-").startswith("-"):
                continue
            self._listed.add(name)
            attributes = (entry.attrs.size, entry.attrs.mtime)
            if self._kept_there.get(name) != attributes:
                found[name] = attributes
        return found

    # --------------------------------------------------------------------------------------- taking

    async def _take(self, sftp: asyncssh.SFTPClient, name: str) -> InboxReport | None:
        payload = b""
        look = self._looks[name]
        try:
            _check_name(name)
            found = await self._read(sftp, name, look)
            if found is None:
                return None  # taken away since the folder was listed
            payload = found
            after = await self._link.ask(sftp.lstat(self._path(name)))
            if len(payload) != look.size or (after.size, after.mtime) != (look.size, look.changed):
                return InboxReport(name, "waiting")  # it grows
            await self._accept(InboundFile(name, payload, hashlib.sha256(payload).hexdigest()))
        except TransportError:
            raise
        except GatewayError as error:
            await self._refused(name, payload, error.problems)
            await self._away(sftp, name, "bad", look)
            return InboxReport(name, "refused", error.problems)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return None
        await self._away(sftp, name, self._done, look)
        return InboxReport(name, "accepted")

    async def _read(self, sftp: asyncssh.SFTPClient, name: str, look: _Look) -> bytes | None:
        too_large = Problem("sftp-size", name, f"The file holds more than {self._max_bytes} bytes.")
        if (look.size or 0) > self._max_bytes:
            raise FormatError(too_large)
        content = bytearray()
        try:
            async with self._link.file(sftp, self._path(name), "rb") as file:
                while block := await self._link.read(file, BLOCK, len(content)):
                    content += block
                    if len(content) > self._max_bytes:
                        raise FormatError(too_large)
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return None
        except LOST:
            raise
        except asyncssh.SFTPError as error:
            text = f"The file cannot be read: {error.reason or cause(error)}."
            raise FormatError(Problem("sftp-read", name, text)) from error
        return bytes(content)

    async def _away(self, sftp: asyncssh.SFTPClient, name: str, folder: str, look: _Look) -> None:
        """Move or delete; a server that permits neither leaves it to us to remember."""
        try:
            if self._after == "delete" and folder == self._done:
                await self._link.ask(sftp.remove(self._path(name)))
            else:
                await self._move(sftp, name, folder)
        except LOST:
            raise
        except asyncssh.SFTPError:
            if len(self._kept_there) < _MOST_REMEMBERED:
                self._kept_there[name] = (look.size, look.changed)

    async def _move(self, sftp: asyncssh.SFTPClient, name: str, folder: str) -> None:
        if folder not in self._folders:
            with suppress(asyncssh.SFTPFailure, asyncssh.SFTPFileAlreadyExists, asyncssh.SFTPPermissionDenied):
                await self._link.ask(sftp.mkdir(self._path(folder)))  # if it is not there then, the move says so
            self._folders.add(folder)
        for kept in (name, f"{name}.{hashlib.sha256(f'{name}{self._clock()}'.encode()).hexdigest()[:12]}"):
            target = posixpath.join(self._path(folder), kept)
            try:
                await self._link.ask(sftp.lstat(target))
            except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
                await self._link.ask(sftp.rename(self._path(name), target))
                return

    def _path(self, name: str) -> str:
        return f"{self._folder}/{name}"


def _check_name(name: str) -> None:
    if len(name) > _LONGEST_NAME or "/" in name or not name.isprintable():
        raise FormatError(Problem("sftp-name", "name", f"{name[:80]!r} is not a plain file name."))
