"""How much may be under way into the AS2 door at the same time? Bodies are counted while they come, not when they are
whole: a hundred uploads that are half open hold no more memory than one budget, and none stays half open for ever.

Filers share a budget; those who name no filer here have one of their own, half as large.
"""

from __future__ import annotations

import asyncio
from typing import Final

from aiohttp import web

_AT_ONCE: Final = 4
"""Bodies of the greatest size that are under way together."""


class TooLarge(Exception):
    """A body is larger than a message may be."""


class Busy(Exception):
    """So much is under way that nothing more is taken now; the sender tries again."""


class TooSlow(Exception):
    """A body did not come to its end in time."""


class Intake:
    """The budget of a door. ``largest``: bytes of one body; ``seconds``: real time in which it must have come."""

    def __init__(self, largest: int, seconds: float) -> None:
        self.largest, self.seconds = largest, seconds
        self._most = {True: largest * _AT_ONCE, False: largest * max(1, _AT_ONCE // 2)}
        self._held = {True: 0, False: 0}

    @property
    def held(self) -> int:
        """Bytes that are under way."""
        return sum(self._held.values())

    async def read(self, request: web.Request, *, known: bool) -> bytes:
        """The whole body; ``known``: its sender names a filer of ours. Raises :class:`TooLarge`, :class:`Busy`,
        :class:`TooSlow`, and :class:`ConnectionError` when the other side goes away.
        """
        if (request.content_length or 0) > self.largest:
            raise TooLarge
        parts: list[bytes] = []
        came = 0
        try:
            async with asyncio.timeout(self.seconds):
                async for part in request.content.iter_any():
                    came += len(part)
                    self._held[known] += len(part)
                    if came > self.largest:
                        raise TooLarge
                    if self._held[known] > self._most[known]:
                        raise Busy
                    parts.append(part)
            return b"".join(parts)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self._held[known] -= came
