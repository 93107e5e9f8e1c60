"""How do files come in by the directory road?"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import ClassVar

from gateway.transports import DirectoryInbox, InboundFile
from gateway.workers.loop import Worker
from schemas.as2 import Partner
from schemas.errors import Problem


class Inbox(Worker):
    """Takes what lies in the partner's folder, by the certificate that the partner has now.

    While there is no certificate the files stay where they are: the turn fails, is logged and tried again.
    """

    name: ClassVar[str] = "inbox"

    def __init__(
        self,
        folder: Path,
        partner: Callable[[], Partner],
        accept: Callable[[InboundFile], Awaitable[None]],
        refused: Callable[[str, bytes, tuple[Problem, ...]], Awaitable[None]],
    ) -> None:
        super().__init__()
        self._folder = folder
        self._partner = partner
        self._accept = accept
        self._refused = refused
        self._inbox: tuple[Partner, DirectoryInbox] | None = None

    async def turn(self) -> bool:
        """Look into the folder once; the next look comes after the usual patience."""
        partner = self._partner()
        if self._inbox is None or self._inbox[0] is not partner:
            self._inbox = (partner, DirectoryInbox(self._folder, self._accept, self._refused, partner=partner))
        await self._inbox[1].poll()
        return False
