"""How does a file reach the folder of an SFTP server, whole, once, and over nobody else's?

The file is written as ``.NAME.part``, flushed where the server can (``fsync@openssh.com``), and renamed to NAME
(``posix-rename@openssh.com``, else the plain rename). Until the rename nobody looks at it, so a fault before it is no
doubt: the next attempt reads back what lies there, goes on behind the last block that is ours, and writes anew what is
not. What is read back is compared byte for byte; the size alone says nothing.

From the moment the rename is asked for, a lost answer is a doubt, and it is settled by looking: the file under its
final name with our bytes is a receipt; the whole ``.NAME.part`` still there means that it was not renamed, so it is
asked for again; neither of them means that it may have been taken already, which stays in doubt, and the same bytes go
again.

Another file under the final name is never written over: it is looked for before the upload and again right before the
rename. (Between that look and the rename lies one answer of the server. Names hold our control number, so nobody else
writes them; the plain rename of SFTP would refuse, but it shows up as a link to programs that watch for a rename.)
"""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import asyncssh

from gateway.causes import cause
from gateway.transports.base import OutboundFile, PreparedTransmission, Receipt
from gateway.transports.sftp_link import LOST, SftpLink, failed
from schemas.as2 import MAX_PAYLOAD_BYTES
from schemas.errors import FormatError, Problem, TransportError

ROAD: Final = "sftp"
PART: Final = ".part"
BLOCK: Final = 256 * 1024
"""Bytes written or read back between two looks at the clock."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_LOOKS: Final = 3
"""Connections for one attempt: the first, and those that settle a doubt."""
_LONGEST_SEND: Final = 180.0
"""Shorter than the lease under which a file is sent; what has been written by then is not lost."""


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class _Attempt:
    """One attempt: whether the rename has been asked for, and whether the answer to one was lost."""

    renaming: bool = False
    lost: bool = False

    @property
    def doubt(self) -> bool:
        """Whether the file may have got its name."""
        return self.renaming or self.lost


class SftpTransport:
    """The road to a folder on a partner's SFTP server. Who we are and who they are is the login's affair."""

    def __init__(self, link: SftpLink, folder: str, *, clock: Callable[[], datetime] = _now) -> None:
        self._link = link
        self._folder = folder.rstrip("/") or "/"
        self._clock = clock

    def prepare(self, file: OutboundFile, *, message_id: str, at: datetime) -> PreparedTransmission:
        """Check name and size; the bytes go as they are. Raises FormatError ``sftp-name`` or ``sftp-size``."""
        if not _plain(file.name):
            raise FormatError(Problem("sftp-name", "name", f"{file.name[:80]!r} is not a plain file name."))
        if len(file.payload) > MAX_PAYLOAD_BYTES:
            raise FormatError(Problem("sftp-size", "payload", f"A file holds at most {MAX_PAYLOAD_BYTES} bytes."))
        return PreparedTransmission(
            road=ROAD,
            name=file.name,
            message_id=message_id,
            headers={"Content-Type": file.content_type},
            body=file.payload,
            prepared_at=at,
        )

    async def send(self, prepared: PreparedTransmission) -> Receipt:
        """Put the file into the folder under its name. The same file again is no fault; another under its name is.

        Raises TransportError, in doubt only when the rename was asked for and its end is not known.
        """
        if prepared.road != ROAD or not _plain(prepared.name):
            raise failed("sftp-wrong-road", "It was not prepared for SFTP.")
        attempt = _Attempt()
        try:
            async with asyncio.timeout(_LONGEST_SEND):
                return await self._send(prepared, attempt)
        except TimeoutError as error:
            text = f"The file was not there after {_LONGEST_SEND:.0f} seconds."
            raise failed("sftp-too-slow", text, _KEPT, in_doubt=attempt.doubt) from error
        except TransportError as error:
            if error.in_doubt or not attempt.lost:
                raise
            raise TransportError(error.problems, in_doubt=True, needs_person=error.needs_person) from error

    async def _send(self, prepared: PreparedTransmission, attempt: _Attempt) -> Receipt:
        for _ in range(_LOOKS):
            sftp = await self._link.client()
            try:
                text = await self._put(sftp, prepared, attempt)
            except LOST as error:
                self._link.drop(sftp)
                if not attempt.renaming:
                    text = f"The connection broke off while the file was written ({cause(error)})."
                    raise failed("sftp-connection-lost", text, _KEPT) from error
                attempt.lost = True
            except asyncssh.SFTPError as error:
                raise self._refused(error, attempt) from error
            else:
                return self._receipt(prepared, text)
        raise failed("sftp-connection-lost", "The connection broke off while the file got its name.", _AGAIN)

    def _receipt(self, prepared: PreparedTransmission, text: str) -> Receipt:
        headers = {"SFTP-Server": self._link.place.shown, "SFTP-Host-Key": self._link.host_key}
        return Receipt(prepared.message_id, False, text, self._clock(), headers=headers)

    def _refused(self, error: asyncssh.SFTPError, attempt: _Attempt) -> TransportError:
        """The server's own no: to a folder, to space, to a right that we have not got."""
        person = isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath | asyncssh.SFTPPermissionDenied)
        text = f"The server does not take the file into {self._folder}: {error.reason or cause(error)}."
        remedy = "Look at the folder and our rights there." if person else "Try again later."
        return failed("sftp-refused", text, remedy, in_doubt=attempt.doubt, needs_person=person)

    # --------------------------------------------------------------------------------------- one attempt

    async def _put(self, sftp: asyncssh.SFTPClient, prepared: PreparedTransmission, attempt: _Attempt) -> str:
        final, part = self._path(prepared.name), self._path(f".{prepared.name}{PART}")
        if await self._stands(sftp, final, prepared.body):
            return f"It stands as {final}."
        kept = await self._kept(sftp, part, prepared.body)
        if kept is None and attempt.lost:
            text = "After a lost answer the file is neither under its own name nor under the hidden one."
            raise failed("sftp-gone", text, _AGAIN)
        await self._write(sftp, part, prepared.body, kept or 0)
        if await self._stands(sftp, final, prepared.body):  # somebody else sent the same meanwhile
            return f"It stands as {final}."
        attempt.renaming = True
        await self._rename(sftp, part, final, prepared.body, attempt)
        return f"Written to {final}."

    def _path(self, name: str) -> str:
        return f"{self._folder.rstrip('/')}/{name}"

    async def _stands(self, sftp: asyncssh.SFTPClient, path: str, body: bytes) -> bool:
        """Whether our file stands under its name. TransportError ``sftp-name-taken`` when another one does."""
        there = await self._attributes(sftp, path)
        if there is None:
            return False
        if is_file(there) and there.size == len(body) and await self._same_from_start(sftp, path, body) == len(body):
            return True
        text = f"Another file stands as {path}."
        raise failed("sftp-name-taken", text, "Ask the partner what it is.", needs_person=True)

    async def _kept(self, sftp: asyncssh.SFTPClient, part: str, body: bytes) -> int | None:
        """How many of the bytes that lie there are ours, counted in whole blocks; ``None`` when there is no file."""
        there = await self._attributes(sftp, part)
        if there is None:
            return None
        if not is_file(there):
            text = f"What stands as {part} is not a plain file."
            raise failed("sftp-name-taken", text, "Ask the partner what it is.", needs_person=True)
        if (there.size or 0) > len(body):
            return 0
        try:
            return await self._same_from_start(sftp, part, body)
        except asyncssh.SFTPPermissionDenied:
            return 0  # a folder that we may only write to

    async def _attributes(self, sftp: asyncssh.SFTPClient, path: str) -> asyncssh.SFTPAttrs | None:
        try:
            return await self._link.ask(sftp.lstat(path))
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return None

    async def _same_from_start(self, sftp: asyncssh.SFTPClient, path: str, body: bytes) -> int:
        """Read back: how many bytes from the start are those of ``body``, in whole blocks, the last one apart."""
        same = 0
        async with self._link.file(sftp, path, "rb") as file:
            while same < len(body):
                block = await self._link.read(file, BLOCK, same)
                if not block or body[same : same + len(block)] != block:
                    break
                same += len(block)
        return same

    async def _write(self, sftp: asyncssh.SFTPClient, part: str, body: bytes, start: int) -> None:
        """Write from ``start`` on, flush, and see that the whole length is there."""
        async with self._link.file(sftp, part, "r+b" if start else "wb") as file:
            for offset in range(start, len(body), BLOCK):
                await self._link.ask(file.write(body[offset : offset + BLOCK], offset))
            with suppress(asyncssh.SFTPOpUnsupported):  # an extension of OpenSSH
                await self._link.ask(file.fsync())
            size = (await self._link.ask(file.stat())).size
        if size is not None and size != len(body):
            raise failed("sftp-short", f"{part} holds {size} bytes instead of {len(body)}.", "Try again later.")

    async def _rename(self, sftp: asyncssh.SFTPClient, part: str, final: str, body: bytes, attempt: _Attempt) -> None:
        try:
            try:
                await self._link.ask(sftp.posix_rename(part, final))
            except (asyncssh.SFTPOpUnsupported, asyncssh.SFTPFailure):
                await self._link.ask(sftp.rename(part, final))
        except LOST:
            raise
        except asyncssh.SFTPError:
            # It said no; but an earlier request, whose answer was lost, may have been carried out meanwhile.
            if await self._stands(sftp, final, body):
                return
            if await self._attributes(sftp, part) is not None:
                attempt.renaming = attempt.lost = False  # it was not renamed, neither now nor before
            raise


_KEPT: Final = "What lies there is kept; the next attempt goes on behind it."
_AGAIN: Final = "The same bytes go again under the same name; what is there already is recognised."


def _plain(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not name.endswith(PART)


def is_file(attributes: asyncssh.SFTPAttrs) -> bool:
    """Whether these are a plain file's; a server that tells no mode is believed to mean one."""
    return attributes.permissions is None or stat.S_ISREG(attributes.permissions)
