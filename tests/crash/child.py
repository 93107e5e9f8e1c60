"""What is the process that is killed? The gateway that users run, with boundaries in it and a clock that a test moves.

It is what ``gateway serve`` is: the same :class:`~gateway.runtime.Gateway`, the same HTTP application on a port, ended
by SIGTERM, or by its own hand at a boundary. Born in :mod:`tests.crash.zygote`.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from gateway import receipts
from gateway.demo.door import open_door
from gateway.http import idempotency
from gateway.http.app import build_app
from gateway.logs import configure_logs
from gateway.runtime import Gateway
from gateway.settings import load_settings
from gateway.workers import planner, shift
from tests.crash.boundaries import Boundaries, Death
from tests.crash.clock import read_clock
from tests.crash.faults import FAULTS


@dataclass(frozen=True, slots=True)
class Spec:
    """How one process is to live: its settings, port and clock, where it dies, and what is wrong with it."""

    overrides: dict[str, Any]
    port: int
    clock: str
    """File with the instant that the business clock shows."""
    log: str
    late: float = 0.0
    """Seconds by which the machine's clock is ahead: leases of an earlier process have run out meanwhile."""
    death: Death | None = None
    fault: str = ""
    folders: tuple[str, ...] = ()
    """Folders through which files travel."""
    few: int = field(default=planner.FEW)
    """How many packages are worth the child process."""

    def as_dict(self) -> dict[str, Any]:
        """For the wire."""
        return asdict(self)

    @classmethod
    def read(cls, given: dict[str, Any]) -> Self:
        """From the wire."""
        death = given.pop("death")
        return cls(**given | {"folders": tuple(given["folders"])}, death=Death(**death) if death else None)


def live(spec: Spec, link: socket.socket) -> None:
    """Be a gateway until SIGTERM or death."""
    boundaries = Boundaries(link, spec.death)
    boundaries.watch(tuple(Path(one) for one in spec.folders))
    planner.FEW = spec.few  # type: ignore[misc]
    if spec.late:
        for module in (shift, receipts, idempotency):
            module.datetime = _clock_ahead(spec.late)  # type: ignore[attr-defined]
    with Path(spec.log).open("a", encoding="utf-8") as log, ExitStack() as stack:
        configure_logs("json", "info", log)
        if spec.fault:
            stack.enter_context(FAULTS[spec.fault].put_in())
        try:
            asyncio.run(_serve(spec, boundaries))
        except BaseException:
            logging.getLogger("gateway").exception("the process failed")
            raise


async def _serve(spec: Spec, boundaries: Boundaries) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    door = open_door("127.0.0.1", spec.port)
    settings = load_settings(environ={}, overrides=spec.overrides)
    async with Gateway.open(settings, clock=read_clock(Path(spec.clock))) as gateway:
        app = build_app(gateway)
        app.on_response_prepare.append(boundaries.before_answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        try:
            await web.SockSite(runner, door).start()
            boundaries.tell("ready")
            await stop.wait()
        finally:
            await runner.cleanup()


def _clock_ahead(seconds: float) -> type[datetime]:
    class Ahead(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Any:
            return datetime.now(UTC).astimezone(tz) + timedelta(seconds=seconds)

    return Ahead
