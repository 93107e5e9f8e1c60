"""How do files come in by the roads where we have to look: a directory, a folder on an SFTP server?"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

from gateway.transports import DirectoryInbox, InboundFile, SftpInbox
from gateway.workers.loop import Worker
from schemas.as2 import Partner
from schemas.errors import Problem, TransportError


async def always() -> bool:
    """The answer of a process that is alone: it is the one that looks."""
    return True


class Inbox(Worker):
    """Takes what lies in the partner's folder, by the certificate that the partner has now.

    ``mine`` says whether it is this process, of several, that looks.
    While there is no certificate the files stay where they are: the turn fails, is logged and tried again.
    """

    name: ClassVar[str] = "inbox"

    def __init__(
        self,
        folder: Path,
        partner: Callable[[], Partner],
        accept: Callable[[InboundFile], Awaitable[None]],
        refused: Callable[[str, bytes, tuple[Problem, ...]], Awaitable[None]],
        *,
        mine: Callable[[], Awaitable[bool]] = always,
    ) -> None:
        super().__init__()
        self._folder = folder
        self._partner = partner
        self._accept = accept
        self._refused = refused
        self._mine = mine
        self._inbox: tuple[Partner, DirectoryInbox] | None = None

    async def turn(self) -> bool:
        """Look into the folder once; the next look comes after the usual patience."""
        if not await self._mine():
            return False
        partner = self._partner()
        if self._inbox is None or self._inbox[0] is not partner:
            self._inbox = (partner, DirectoryInbox(self._folder, self._accept, self._refused, partner=partner))
        await self._inbox[1].poll()
        return False


class SftpPoll(Worker):
    """Looks into the partner's folder every so often. What only a person can mend is told once, until it is mended."""

    name: ClassVar[str] = "sftp inbox"

    def __init__(
        self,
        inbox: SftpInbox,
        pause: float,
        tell: Callable[[TransportError], Awaitable[None]],
        *,
        clock: Callable[[], float] = time.monotonic,
        mine: Callable[[], Awaitable[bool]] = always,
    ) -> None:
        super().__init__()
        self._mine = mine
        self._inbox = inbox
        self._pause = pause
        self._tell = tell
        self._clock = clock
        self._next = 0.0
        self._told = ""

    async def turn(self) -> bool:
        """Look, if it is time; where files were taken there may be more, so the next look comes at once."""
        if self._clock() < self._next or not await self._mine():
            return False
        try:
            reports = await self._inbox.poll()
        except TransportError as error:
            code = error.problems[0].code
            if error.needs_person and self._told != code:
                await self._tell(error)
                self._told = code
            raise
        self._told = ""
        taken = any(report.outcome != "waiting" for report in reports)
        self._next = 0.0 if taken else self._clock() + self._pause
        return taken
