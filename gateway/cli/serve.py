"""``gateway serve``: the service, and on demand a simulated CBP beside it.

On first start the service leaves a key for commands on this machine in ``local.key`` of its data directory,
readable by its owner alone. Keys are never printed.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.options import ConfigOption, JsonOption, TransportOption, road
from gateway.cli.output import Output
from schemas.errors import Problem, TransportError

if TYPE_CHECKING:
    import socket

    from sqlalchemy import Connection

    from gateway.runtime import Gateway
    from gateway.settings import Settings

LISTEN_REMEDY: Final = "End that program, or choose another with --port (0 takes a free one) or listen.port."
SANDBOX_REMEDY: Final = (
    "End that program, or give --port 0, which takes free ports for all; the simulated CBP listens on the port of "
    "partners.NAME.url and on the one after it."
)


def serve(
    config: ConfigOption = None,
    with_sandbox: Annotated[
        bool, typer.Option("--with-sandbox", help="Start a simulated CBP beside it, and a demo key per role.")
    ] = False,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on, over the settings.")] = None,
    port: Annotated[
        int | None, typer.Option("--port", help="Port to listen on, over the settings; 0 takes a free one.", min=0)
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data directory, over the settings.", file_okay=False)
    ] = None,
    transport: TransportOption = None,
    as_json: JsonOption = False,
) -> None:
    """Run the service until it is interrupted. Listens on loopback unless the settings say otherwise.

    With --json the document says where it listens, once it does.

    Example: gateway serve --config gateway.toml
    """
    import asyncio

    from sqlalchemy.exc import DBAPIError

    from filings.store import StoreError
    from gateway.cli.database import not_usable
    from gateway.logs import configure_logs
    from gateway.settings import load_settings

    output = Output(as_json)
    listen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    overrides: dict[str, Any] = {"listen": listen} if listen else {}
    if data is not None:
        overrides["storage"] = {"directory": str(data)}
    settings = load_settings(config, overrides=overrides)
    configure_logs(settings.logs.format, settings.logs.level)
    if transport is not None and not with_sandbox:
        raise typer.BadParameter("it chooses the road to the simulated CBP: give --with-sandbox too.")
    beside = road(transport, settings.partner.transport) if with_sandbox else None
    try:
        asyncio.run(_serve(output, settings, overrides, config, beside=beside))
    except (StoreError, DBAPIError, ConnectionError) as error:
        raise not_usable(settings, error) from None
    output.note("stopped")


async def _serve(
    output: Output, settings: Settings, overrides: dict[str, Any], config: Path | None, *, beside: str | None
) -> None:
    """``beside`` is the road to a simulated CBP that is started too."""
    import asyncio
    import signal
    from contextlib import AsyncExitStack

    from gateway.demo.door import serving
    from gateway.first_start import one_at_a_time
    from gateway.runtime import Gateway
    from gateway.settings import load_settings

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        door = _door(settings.listen.host, settings.listen.port, LISTEN_REMEDY)
        stack.callback(door.close)
        address = f"http://{settings.listen.host}:{door.getsockname()[1]}"
        document: dict[str, Any] = {"url": address, "data": settings.storage.directory}
        if beside is not None:
            sandbox = await stack.enter_async_context(_sandbox_beside(settings, address, beside))
            overrides = {**overrides, "partners": {settings.partner_name: sandbox.partner}}
            settings = load_settings(config, overrides=overrides)
            output.note(f"simulated CBP: {sandbox.as2_url}, its console {sandbox.control_url}/")
            document["sandbox"] = {"as2_url": sandbox.as2_url, "control_url": sandbox.control_url}
            if sandbox.sftp_port is not None:
                output.note(f"files travel by SFTP, port {sandbox.sftp_port}")
                document["sandbox"]["sftp_port"] = sandbox.sftp_port
        gateway = await stack.enter_async_context(Gateway.open(settings))
        if settings.listen.is_loopback:
            with one_at_a_time(settings.storage.directory):
                document["local_key"] = await _local_key(gateway)
            output.note(f"key for commands on this machine: {document['local_key']}")
        if beside is not None:
            document["demo_keys"] = await _demo_keys(gateway)
            output.note(f"a demo key per role: {document['demo_keys']}")
        await stack.enter_async_context(serving(gateway, door))
        output.note(f"listening on {address} (data in {settings.storage.directory})")
        if output.as_json:
            output.document(document)
        await stop.wait()
        output.note("stopping")


def _door(host: str, port: int, remedy: str) -> socket.socket:
    """The socket to listen on. Raises :class:`TransportError` ``cannot_listen`` with address, port and ``remedy``."""
    from gateway.demo.door import open_door

    try:
        return open_door(host, port)
    except OSError as error:
        raise cannot_listen(host, port, error, remedy) from None


def cannot_listen(host: str, port: int, error: OSError, remedy: str) -> TransportError:
    """Nothing can listen there, and why."""
    import errno
    import os

    cause = "another program listens there" if error.errno == errno.EADDRINUSE else os.strerror(error.errno or 0)
    text = f"Nothing can listen on {host} port {port}: {cause}."
    return TransportError(Problem("cannot_listen", f"{host}:{port}", text, remedy), in_doubt=False)


def _sandbox_beside(settings: Settings, address: str, transport: str) -> Any:
    from urllib.parse import urlsplit

    from gateway.demo.sandbox_process import SandboxProcess

    free = settings.listen.port == 0
    port = 0 if free else urlsplit(settings.partner.url).port or 8471
    control = 0 if free else port + 1
    ports = [port, control]
    arguments = ["--port", str(port), "--control-port", str(control)]
    if transport == "sftp":
        ports.append(0 if free else settings.partner.sftp.port)
        arguments += ["--sftp-port", str(ports[-1])]
    for wanted in ports:
        _door("127.0.0.1", wanted, SANDBOX_REMEDY).close()  # told now: the child could only log it
    return SandboxProcess(
        settings.storage.directory.parent / "sandbox" if not free else settings.storage.directory / "sandbox",
        settings.exchange.directory,
        f"{address}/as2",
        arguments,
    )


async def _local_key(gateway: Gateway) -> Path:
    """The file with the key for this machine; made on first start, and again when it is no longer good."""
    from filings.identity import Role, authenticate, create_key
    from gateway.cli.access import LOCAL_KEY, read_key

    path = gateway.settings.storage.directory / LOCAL_KEY
    if path.exists():
        secret = read_key(path)
        if await gateway.store.read(lambda conn: authenticate(conn, secret)) is not None:
            return path
    now = gateway.clock()
    _, made = await gateway.store.write(lambda conn: create_key(conn, "local", Role.BROKER, now=now))
    write_secret(path, made + "\n")
    return path


async def _demo_keys(gateway: Gateway) -> Path:
    """The file with a key per role, for trying things; made on first start, and again when one is no longer good."""
    import json

    from filings.identity import Role, authenticate, create_key
    from gateway.cli.access import DEMO_KEYS, read_key

    path = gateway.settings.storage.directory / DEMO_KEYS
    if path.exists():
        try:
            kept: dict[str, str] = json.loads(read_key(path))
        except ValueError:
            kept = {}
        found = await gateway.store.read(lambda conn: [authenticate(conn, one) for one in kept.values()])
        if set(kept) == {role.value for role in Role} and None not in found:
            return path
    now = gateway.clock()

    def make(conn: Connection) -> dict[str, str]:
        made = {}
        for role in Role:
            licensed = role is Role.BROKER
            made[role.value] = create_key(conn, f"demo {role.value}", role, now=now, licensed=licensed)[1]
        return made

    keys = await gateway.store.write(make)
    write_secret(path, json.dumps(keys, indent=2) + "\n")
    return path


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read, all of it or nothing."""
    import os

    part = path.with_name(path.name + ".part")
    part.unlink(missing_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
    part.replace(path)
