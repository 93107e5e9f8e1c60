"""How does a sandbox start and stop? Books, clock, doors, signals.

``run`` serves until it is cancelled or told to stop (SIGTERM, SIGINT, or the end of standard input when asked). Port 0
takes a free port; the ports really
taken are in ``<data>/ports.json`` and in the ``Ports`` given to ``ready``.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from aiohttp import web

from sandbox.doors.as2_door import As2Door, own_identity
from sandbox.doors.control import Control
from sandbox.doors.directory_door import DirectoryDoor
from sandbox.doors.sftp_door import SftpDoor
from sandbox.offices import Offices
from sandbox.openings import FilerDoors, filer_doors
from sandbox.runner import Runner
from sandbox.scenario import Scenario
from sandbox.scenario_player import Played, Player, Told
from sandbox.scenario_stage import Attached
from sandbox.settings import Settings, SettingsError

logger = logging.getLogger("sandbox")


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a running sandbox listens."""

    host: str
    as2: int
    control: int
    sftp: int | None = None
    filers: tuple[FilerDoors, ...] = ()
    """Who may file, and by which doors."""

    @property
    def as2_url(self) -> str:
        """Where the gateway posts its files."""
        return f"http://{self.host}:{self.as2}/as2"

    @property
    def control_url(self) -> str:
        """Root of the control API."""
        return f"http://{self.host}:{self.control}/sandbox"

    def as_dict(self) -> dict[str, object]:
        """The content of ``ports.json``."""
        shown: dict[str, object] = {
            "host": self.host,
            "as2": self.as2,
            "control": self.control,
            "as2_url": self.as2_url,
            "control_url": self.control_url,
            "filers": [one.as_dict() for one in self.filers],
        }
        return shown if self.sftp is None else shown | {"sftp": self.sftp}


@dataclass(frozen=True, slots=True)
class Running:
    """A sandbox that serves: its ports and its parts."""

    ports: Ports
    offices: Offices
    settings: Settings

    @property
    def runner(self) -> Runner:
        """Who keeps the main books."""
        return self.offices.main


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Running]:
    """A sandbox that serves while the block runs."""
    offices = await asyncio.to_thread(Offices, settings)
    identity = await asyncio.to_thread(own_identity, settings)
    door = As2Door(settings, offices, identity)
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(offices.close)
        await door.open()
        stack.push_async_callback(door.close)
        as2_port = await _listen(stack, door.application(), settings.host, settings.as2_port)
        door.url = door.url or f"http://{settings.host}:{as2_port}/as2"
        sftp_port = None
        if settings.sftp_port >= 0:
            sftp = SftpDoor(settings, offices)
            stack.push_async_callback(sftp.close)
            sftp_port = await sftp.open()
        directories = DirectoryDoor(settings, offices, identity, door.partner)
        stack.push_async_callback(directories.close)
        await directories.open()
        filers = filer_doors(settings, sftp=sftp_port is not None)
        control = Control(offices, _about(settings, as2_port, sftp_port, filers), settings.host)
        control_port = await _listen(stack, control.application(), settings.host, settings.control_port)
        ports = Ports(settings.host, as2_port, control_port, sftp_port, filers)
        offices.start()
        stack.push_async_callback(offices.stop)
        if not settings.memory:
            await asyncio.to_thread(_write_ports, settings, ports)
        yield Running(ports, offices, settings)


def _about(
    settings: Settings, as2_port: int, sftp_port: int | None, filers: tuple[FilerDoors, ...]
) -> dict[str, object]:
    """Who this sandbox is and where it is to be found, as ``GET /sandbox/state`` says it."""
    doors = {
        "AS2": f"http://{settings.host}:{as2_port}/as2",
        "AS2 name": settings.as2_name,
        "certificate": str(settings.own_certificate),
    }
    if sftp_port is not None:
        doors |= {"SFTP": f"{settings.host} port {sftp_port}", "SFTP host key": str(settings.sftp_host_keys)}
    return {
        "as2_name": settings.as2_name,
        "gateway_as2_name": settings.gateway_as2_name,
        "gateway_url": settings.gateway_url,
        "certified": False,
        "doors": doors | {f"filer {one.name}": one.sentence() for one in filers},
        "filers": [one.as_dict() for one in filers],
    }


def _write_ports(settings: Settings, ports: Ports) -> None:
    part = settings.data_dir / "ports.json.part"
    part.write_text(json.dumps(ports.as_dict()) + "\n", "utf-8")
    part.replace(settings.data_dir / "ports.json")


async def _listen(stack: contextlib.AsyncExitStack, application: web.Application, host: str, port: int) -> int:
    web_runner = web.AppRunner(application, access_log=None, shutdown_timeout=2.0)
    await web_runner.setup()
    stack.push_async_callback(web_runner.cleanup)
    site = web.TCPSite(web_runner, host, port)
    await site.start()
    address: tuple[str, int] = web_runner.addresses[0]
    return address[1]


async def run(
    settings: Settings, ready: Callable[[Ports], None] | None = None, *, stop_with_stdin: bool = False
) -> None:
    """Serve until SIGTERM, SIGINT, cancellation, or the end of standard input when ``stop_with_stdin``."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError, ValueError, RuntimeError):
            loop.add_signal_handler(number, stop.set)
    if stop_with_stdin:
        _watch_stdin(loop, stop)
    async with serving(settings) as running:
        if ready is not None:
            ready(running.ports)
        await stop.wait()
        logger.info("stopping")


async def play_attached(
    settings: Settings,
    scenario: Scenario,
    *,
    speed: float,
    patience: float,
    ready: Callable[[Ports], None] | None = None,
    told: Told | None = None,
) -> Played:
    """Open the doors, let somebody else's software file, and play a scenario with it. Its books are in memory; its
    clock moves as the scenario says, at ``speed`` sandbox seconds in a second (0: nothing is waited for).

    Raises :class:`SettingsError` when the scenario has filers who are not set up.
    """
    known = {one.name for one in settings.all_filers()}
    if unknown := [name for name in scenario.filers if name not in known]:
        raise SettingsError(f"the scenario has filers that are not set up: {', '.join(unknown)}")
    settings = replace(
        settings, memory=True, clock=scenario.start.isoformat(), frozen=True, behaviour=scenario.behaviour
    )
    async with serving(settings) as running:
        stage = Attached(scenario, running.offices, speed=speed, patience=patience)
        async with stage.watching():
            if ready is not None:
                ready(running.ports)
            return await Player(scenario, stage, told).play()


def _watch_stdin(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
    def readable() -> None:
        if not os.read(sys.stdin.fileno(), 65_536):
            loop.remove_reader(sys.stdin)
            stop.set()

    loop.add_reader(sys.stdin, readable)
