"""How do files travel through folders on a disk, whole or not at all?

Out: the file is written as ``name.part``, flushed to the disk and renamed; its detached CMS signature ``name.p7s`` goes
first, so whoever sees the file finds its signature beside it. In: files are taken in the order of their names,
verified, given to ``accept`` (which commits), then moved to ``done/``; what cannot be taken goes to ``bad/``, beside a
text that says why, and is reported.

A crash between ``accept`` and the move brings the file again: ``accept`` must know a file by its name and digest. Names
are plain names; a link, a folder and a hidden file are never followed or read.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import re
import stat
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

from gateway.causes import cause
from gateway.transports.base import OutboundFile, PreparedTransmission, Receipt
from schemas.as2 import MAX_PAYLOAD_BYTES, Identity, Partner, cms
from schemas.errors import FormatError, GatewayError, Problem, TransportError

ROAD: Final = "directory"
PART: Final = ".part"
SIGNATURE: Final = ".p7s"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
_MAX_SIGNATURE_BYTES: Final = 64 * 1024
_PATIENCE: Final = 3  # polls a file may wait for its signature


def _now() -> datetime:
    return datetime.now(UTC)


def _plain(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and not name.endswith((PART, SIGNATURE))


@dataclass(frozen=True, slots=True)
class InboundFile:
    """A file that was read; ``signed_by`` is the partner's AS2 name when a signature was verified, else ""."""

    name: str
    payload: bytes = field(repr=False)
    digest: str
    signed_by: str = ""


@dataclass(frozen=True, slots=True)
class InboxReport:
    """What one poll did with one file."""

    name: str
    outcome: Literal["accepted", "refused", "waiting"]
    problems: tuple[Problem, ...] = ()


class DirectoryTransport:
    """The road through an outbox folder. With an ``identity``, every file is signed."""

    def __init__(self, outbox: Path, *, identity: Identity | None = None, clock: Callable[[], datetime] = _now) -> None:
        self._outbox = outbox
        self._identity = identity
        self._clock = clock

    def prepare(self, file: OutboundFile, *, message_id: str, at: datetime) -> PreparedTransmission:
        """Check the name and sign. Raises FormatError ``directory-name`` or the signature's code."""
        if not _plain(file.name):
            raise FormatError(Problem("directory-name", "name", f"{file.name[:80]!r} is not a plain file name."))
        if len(file.payload) > MAX_PAYLOAD_BYTES:
            raise FormatError(Problem("directory-size", "payload", f"A file holds at most {MAX_PAYLOAD_BYTES} bytes."))
        signature = b""
        if self._identity is not None:
            signature = cms.sign(
                file.payload,
                certificate=self._identity.certificate,
                private_key=self._identity.private_key,
                signed_at=at,
            )
        return PreparedTransmission(
            road=ROAD,
            name=file.name,
            message_id=message_id,
            headers={"Content-Type": file.content_type},
            body=file.payload,
            prepared_at=at,
            signed=bool(signature),
            signature=signature,
        )

    async def send(self, prepared: PreparedTransmission) -> Receipt:
        """Write the file so that it appears whole. The same file again is no fault; another under its name is.

        Raises TransportError, in doubt only when the file may have appeared.
        """
        if prepared.road != ROAD or not _plain(prepared.name):
            raise _failed("directory-wrong-road", "It was not prepared for a folder.", in_doubt=False)
        await asyncio.to_thread(self._write, prepared)
        return Receipt(prepared.message_id, False, f"Written to {self._outbox / prepared.name}.", self._clock())

    def _write(self, prepared: PreparedTransmission) -> None:
        target = self._outbox / prepared.name
        appeared = False
        try:
            self._outbox.mkdir(parents=True, exist_ok=True)
            if target.exists():
                if target.read_bytes() != prepared.body:
                    raise _failed("directory-name-taken", f"Another file stands as {target}.", in_doubt=False)
                appeared = True
            if prepared.signature:
                _write_whole(self._outbox / (prepared.name + SIGNATURE), prepared.signature)
            if not appeared:
                staged = _stage(target, prepared.body)
                appeared = True  # from here the rename may have happened, whatever it says
                staged.replace(target)
            _sync_folder(self._outbox)
        except OSError as error:
            text = f"The file could not be written: {error.strerror or cause(error)}."
            raise _failed("directory-write", text, in_doubt=appeared) from error


def _failed(code: str, text: str, *, in_doubt: bool) -> TransportError:
    return TransportError(Problem(code, "transmission", text), in_doubt=in_doubt)


def _stage(target: Path, content: bytes) -> Path:
    staged = target.with_name(target.name + PART)
    with staged.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    return staged


def _write_whole(target: Path, content: bytes) -> None:
    _stage(target, content).replace(target)
    _sync_folder(target.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class DirectoryInbox:
    """The folder that a partner writes to. With a ``partner``, every file needs that partner's signature beside it."""

    def __init__(
        self,
        folder: Path,
        accept: Callable[[InboundFile], Awaitable[None]],
        refused: Callable[[str, bytes, tuple[Problem, ...]], Awaitable[None]],
        *,
        partner: Partner | None = None,
        clock: Callable[[], datetime] = _now,
        max_bytes: int = MAX_PAYLOAD_BYTES,
    ) -> None:
        self._folder = folder
        self._accept = accept
        self._refused = refused
        self._partner = partner
        self._clock = clock
        self._max_bytes = max_bytes
        self._waited: dict[str, int] = {}

    async def poll(self) -> list[InboxReport]:
        """Take what lies there now. A fault of one file is in its report and never stops the next.

        An exception of ``accept`` that is no refusal (a TransportError, a database that is away) goes up, the file
        stays.
        """
        names = await asyncio.to_thread(self._names)
        self._waited = {name: polls for name, polls in self._waited.items() if name in names}
        return [report for name in names if (report := await self._take(name)) is not None]

    def _names(self) -> list[str]:
        for folder in (self._folder, self._folder / "done", self._folder / "bad"):
            folder.mkdir(parents=True, exist_ok=True)
        with os.scandir(self._folder) as entries:
            return sorted(
                entry.name
                for entry in entries
                if entry.is_file(follow_symlinks=False)
                and not entry.name.startswith(".")
                and not entry.name.endswith((PART, SIGNATURE))
            )

    async def _take(self, name: str) -> InboxReport | None:
        payload = b""
        try:
            found = await asyncio.to_thread(self._read, name, self._max_bytes)
            if found is None:
                return None  # taken away since the folder was listed
            payload = found
            signed_by = ""
            if self._partner is not None:
                signature = await asyncio.to_thread(self._read, name + SIGNATURE, _MAX_SIGNATURE_BYTES)
                if signature is None and self._waited.get(name, 0) < _PATIENCE:
                    self._waited[name] = self._waited.get(name, 0) + 1
                    return InboxReport(name, "waiting")
                await asyncio.to_thread(self._verify, signature, payload, self._partner)
                signed_by = self._partner.as2_name
            await self._accept(InboundFile(name, payload, hashlib.sha256(payload).hexdigest(), signed_by))
        except TransportError:
            raise
        except GatewayError as error:
            await self._refused(name, payload, error.problems)
            await asyncio.to_thread(self._move, name, "bad", error.problems)
            return InboxReport(name, "refused", error.problems)
        await asyncio.to_thread(self._move, name, "done", ())
        return InboxReport(name, "accepted")

    def _read(self, name: str, limit: int) -> bytes | None:
        if not _NAME.fullmatch(name):
            raise FormatError(Problem("directory-name", "name", f"{name[:80]!r} is not a plain file name."))
        try:
            descriptor = os.open(self._folder / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except FileNotFoundError:
            return None
        except OSError as error:
            text = f"The file cannot be read: {error.strerror}."
            raise FormatError(Problem("directory-read", name, text)) from error
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise FormatError(Problem("directory-read", name, "It is not a plain file."))
            content = file.read(limit + 1)
        if len(content) > limit:
            raise FormatError(Problem("directory-size", name, f"The file holds more than {limit} bytes."))
        return content

    def _verify(self, signature: bytes | None, payload: bytes, partner: Partner) -> None:
        if signature is None:
            text = "The file came without the signature that is agreed with the partner."
            raise FormatError(Problem("as2-insufficient-message-security", "signature", text))
        cms.verify(signature, payload, pinned=partner.pinned, verified_at=self._clock())

    def _move(self, name: str, folder: str, problems: tuple[Problem, ...]) -> None:
        kept = name if _NAME.fullmatch(name) else "named-" + hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
        target = self._free_name(self._folder / folder, kept)
        if problems:
            told = json.dumps([problem.as_dict() for problem in problems], indent=1)
            _write_whole(target.with_name(target.name + ".problems.json"), told.encode())
        # The file first: left behind without its signature it would be refused, a signature alone is nothing to take.
        (self._folder / name).replace(target)
        signature = self._folder / (name + SIGNATURE)
        if signature.exists():
            signature.replace(target.with_name(target.name + SIGNATURE))
        _sync_folder(target.parent)
        _sync_folder(self._folder)

    @staticmethod
    def _free_name(folder: Path, name: str) -> Path:
        target = folder / name
        counter = 1
        while target.exists():
            counter += 1
            target = folder / f"{name}.{counter}"
        return target
