"""How do files come and go through directories on a disk? Folders ``in`` and ``out`` for each filer, watched.

A filer writes a file under way (``NAME.part``) and renames it; when signatures are agreed, ``NAME.p7s`` (detached CMS)
goes first. Files in ``in`` are taken in the order of their names, committed, then moved to ``in/done``; what cannot be
taken goes to ``in/bad`` with a text that says why, and is a refusal in the transcript. Links are never followed.
Answers are laid whole into ``out``; the filer moves them away or deletes them.

A crash between the commit and the move brings a file again: its bytes are known then, and nothing is filed twice.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

from sandbox.cbp import Answer
from sandbox.clock import real_time
from sandbox.doors.as2_door import PartnerNotKnown
from sandbox.doors.plain_folder import SIGNATURE, Found, NotPlain, PlainFolder, folder_at, is_plain
from sandbox.offices import Offices
from sandbox.runner import NotDelivered, Runner
from sandbox.settings import Settings
from schemas import as2
from schemas.as2 import cms
from schemas.errors import FormatError

logger = logging.getLogger("sandbox")
ROAD: Final = "directory"
_AT_ONCE: Final = 200
_PATIENCE: Final = 25
"""Looks that a file may wait for its signature."""
_MOST_SIGNATURE_BYTES: Final = 64 * 1024
_KEPT: Final = 2000


@dataclass(slots=True)
class Place:
    """A filer's folders, and what is remembered of what lies there."""

    filer: str
    root: Path
    waited: dict[str, int] = field(default_factory=dict)
    odd: set[str] = field(default_factory=set)
    trouble: str = ""

    @contextmanager
    def inbox(self) -> Iterator[PlainFolder]:
        """Where it puts its files."""
        with folder_at(self.root) as root, root.inner("in") as inbox:
            yield inbox

    @contextmanager
    def outbox(self) -> Iterator[PlainFolder]:
        """Where it finds ours."""
        with folder_at(self.root) as root, root.inner("out") as outbox:
            yield outbox


def places_of(settings: Settings) -> dict[str, Place]:
    """The filers that have directories, by name; none: the door is shut."""
    root = Path(settings.directory_root) if settings.directory_root else None
    found = {}
    for filer in settings.all_filers():
        folder = filer.directory or (root / filer.name if root is not None else None)
        if folder is not None:
            found[filer.name] = Place(filer.name, folder)
    return found


class DirectoryDoor:
    """The watch over all folders, and the way out to them. ``partner`` gives a filer's certificate or raises."""

    def __init__(
        self, settings: Settings, offices: Offices, identity: as2.Identity, partner: Callable[[str], as2.Partner]
    ) -> None:
        self.settings, self.offices, self.identity, self._partner = settings, offices, identity, partner
        self.places = places_of(settings)
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Make the folders and watch them, each filer's on its own."""
        for place in self.places.values():
            await asyncio.to_thread(_make, place)
            runner = self.offices.of(place.filer)
            runner.roads[ROAD] = self.deliver
            runner.cuts[ROAD] = self.cut
            runner.unsettled.append(partial(self._unsettled, place, runner))
            self._tasks.append(asyncio.create_task(self._watch(place), name=f"sandbox-directory-{place.filer}"))

    async def close(self) -> None:
        """Stop watching; what lies there stays."""
        for runner in self.offices:
            runner.roads.pop(ROAD, None)
            runner.cuts.pop(ROAD, None)
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    def _unsettled(self, place: Place, runner: Runner) -> bool:
        with place.inbox() as inbox, place.outbox() as outbox:
            return bool(outbox.finished(1)) or (not runner.is_out and bool(inbox.finished(1)))

    # ------------------------------------------------------------------ in

    async def _watch(self, place: Place) -> None:
        while True:
            more = False
            try:
                if not self.offices.of(place.filer).is_out:
                    more = await self.look(place)
            except Exception as error:  # noqa: BLE001 - whatever it is, this filer's folders are looked at again
                _say_once(place, f"a look into its folders failed: {type(error).__name__} {error}")
            if not more:
                await asyncio.sleep(self.settings.directory_poll)

    async def look(self, place: Place) -> bool:
        """Take what lies there now; whether there is more."""
        names, odd = await asyncio.to_thread(self._listed, place)
        for name in sorted(odd - place.odd):
            await self._refuse(place, name, b"", "neither a file nor a folder: it is not followed")
        place.odd = odd
        place.waited = {name: looks for name, looks in place.waited.items() if name in names}
        taken = [await self._take(place, name) for name in names]
        return len(names) == _AT_ONCE and any(taken)

    @staticmethod
    def _listed(place: Place) -> tuple[list[str], set[str]]:
        with place.inbox() as inbox:
            return inbox.finished(_AT_ONCE), set(inbox.oddities(_AT_ONCE))

    async def _take(self, place: Place, name: str) -> bool:
        """Take one file; whether it has left."""
        runner = self.offices.of(place.filer)
        found: Found | None = None
        try:
            found, signature = await asyncio.to_thread(self._read, place, name)
            if found is None or not await self._is_complete(place, name, found, signature):
                return False
        except NotPlain as error:
            await self._refuse(place, name, found.content if found is not None else b"", str(error))
            return await asyncio.to_thread(self._put_away, place, name, found, "bad", str(error))
        line = (await runner.mishap()).line
        if line == "reset":
            await runner.tell_mishap(place.filer, name, line, "passed over once")
            return False
        await runner.take(found.content, partner=place.filer, message_id="", name=name, door=ROAD)
        place.trouble = ""
        if line == "reset_after":
            await runner.tell_mishap(place.filer, name, line, "committed, it stays in the folder and is taken again")
            return False
        return await asyncio.to_thread(self._put_away, place, name, found, "done", "")

    def _read(self, place: Place, name: str) -> tuple[Found | None, Found | None]:
        with place.inbox() as inbox:
            found = inbox.read(name, self.settings.body_limit)
            wanted = self.settings.directory_signed and found is not None
            return found, inbox.read(name + SIGNATURE, _MOST_SIGNATURE_BYTES) if wanted else None

    async def _is_complete(self, place: Place, name: str, found: Found, signature: Found | None) -> bool:
        """Whether a file can be taken; ``False``: its signature, or our knowledge of its signer, may still come.

        Raises :class:`NotPlain`.
        """
        if not found.content:
            raise NotPlain("the file is empty")
        if not self.settings.directory_signed:
            return True
        if signature is None:
            place.waited[name] = place.waited.get(name, 0) + 1
            if place.waited[name] <= _PATIENCE:
                return False
            raise NotPlain("it came without the signature that is agreed")
        try:
            partner = await asyncio.to_thread(self._partner, place.filer)
            await asyncio.to_thread(
                cms.verify, signature.content, found.content, pinned=partner.pinned, verified_at=real_time()
            )
        except PartnerNotKnown as error:
            _say_once(place, f"its certificate is not known yet: {error}")
            return False
        except FormatError as error:
            raise NotPlain("; ".join(f"{p.code}: {p.text}" for p in error.problems)) from error
        return True

    async def _refuse(self, place: Place, name: str, content: bytes, reason: str) -> None:
        shown = name.encode("utf-8", "backslashreplace").decode()[:200]
        logger.warning("directory: %s: %s refused: %s", place.filer, shown, reason)
        cbp, now = self.offices.of(place.filer).cbp, self.offices.clock.now()
        await asyncio.to_thread(cbp.refuse, content, now, partner=place.filer, name=shown, reason=reason)

    @staticmethod
    def _put_away(place: Place, name: str, found: Found | None, where: str, reason: str) -> bool:
        """Move what was read to ``done`` or ``bad``; another file that has got its name meanwhile stays."""
        kept = name
        if not is_plain(name):
            kept = "named-" + hashlib.sha256(name.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        with place.inbox() as inbox, inbox.inner(where) as other:
            if not inbox.has(name) or (found is not None and not inbox.is_still(name, found)):
                return False
            kept = inbox.move(name, other, kept)
            if inbox.has(name + SIGNATURE):
                inbox.move(name + SIGNATURE, other, kept + SIGNATURE)
            if reason:
                other.lay(f"{kept}.problems.json", json.dumps([{"text": reason}]).encode())
            other.thin_out(_KEPT)
        return True

    # ------------------------------------------------------------------ out

    async def deliver(self, answer: Answer, payload: bytes, copy: int) -> str:
        """Lay one answer into the filer's folder, whole; names are in the order of laying, and stay with the answer."""
        place = self._place_of(answer)
        name = await asyncio.to_thread(self.offices.of(answer.partner).cbp.laid, answer, copy)
        try:
            await asyncio.to_thread(self._lay, place, name, payload)
        except OSError as error:
            raise NotDelivered(f"{name}: {error.strerror or error}") from error
        return f"directory:{place.filer}/out/{name}"

    async def cut(self, answer: Answer, payload: bytes) -> None:
        """Leave half of one answer there, under way."""
        place = self._place_of(answer)
        name = await asyncio.to_thread(self.offices.of(answer.partner).cbp.laid, answer, 0)
        try:
            await asyncio.to_thread(self._begin, place, name, payload[: len(payload) // 2])
        except OSError as error:
            raise NotDelivered(f"{name}: {error.strerror or error}") from error

    def _place_of(self, answer: Answer) -> Place:
        place = self.places.get(answer.partner)
        if place is None:
            raise NotDelivered(f"{answer.partner} has no directory")
        return place

    def _lay(self, place: Place, name: str, payload: bytes) -> None:
        with place.outbox() as outbox:
            files, used = outbox.filled()
            if files >= self.settings.sftp_files or used + len(payload) > self.settings.sftp_quota:
                raise NotDelivered(f"{place.root}/out: {files} files with {used} bytes wait there and are not fetched")
            if self.settings.directory_signed:
                me = self.identity
                signature = cms.sign(
                    payload, certificate=me.certificate, private_key=me.private_key, signed_at=real_time()
                )
                outbox.lay(name + SIGNATURE, signature)
            outbox.lay(name, payload)

    @staticmethod
    def _begin(place: Place, name: str, half: bytes) -> None:
        with place.outbox() as outbox:
            outbox.begin(name, half)


def _make(place: Place) -> None:
    with place.inbox() as inbox, inbox.inner("done"), inbox.inner("bad"), place.outbox():
        pass


def _say_once(place: Place, text: str) -> None:
    """Log what is in the way, again only when it is something else."""
    if place.trouble != text:
        place.trouble = text
        logger.warning("directory: %s: %s", place.filer, text)
