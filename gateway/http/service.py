"""What does the HTTP service need of the gateway it stands in front of?

:class:`Service` is exactly that and no more, so that the routes can be read without knowing how the
gateway runs; ``gateway.runtime.Gateway`` has this shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Protocol

from aiohttp import web

from filings.context import FilingContext
from filings.store.database import Store
from gateway.settings import Settings


class Service(Protocol):
    """The running gateway as the HTTP routes see it."""

    settings: Settings
    store: Store
    ctx: FilingContext

    def clock(self) -> datetime:
        """Now, an aware instant in UTC."""
        ...

    def wake(self) -> None:
        """Tell the workers that there is work."""
        ...

    async def as2_receive(self, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Take a partner's AS2 message or receipt; status, headers and body of the answer, receipt included."""
        ...


SERVICE: Final = web.AppKey("service", Service)
