"""``gateway serve``: the service, and on demand a simulated CBP beside it.

Where it listens, with which key it is asked and where its data are goes to standard output as soon as it is so, also
where that is a file (with ``--json`` as the document); what it is doing, and its log, to standard error.

On first start the service leaves a key for commands on this machine in ``local.key`` of its data directory,
readable by its owner alone. Keys are never printed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.options import ConfigOption, JsonOption, TransportOption, road
from gateway.cli.output import Output
from schemas.errors import FormatError, Problem, TransportError

if TYPE_CHECKING:
    import socket

    from sqlalchemy import Connection

    from gateway.runtime import Gateway
    from gateway.settings import Settings

LISTEN_REMEDY: Final = "End that program, or choose another with --port (0 takes a free one) or listen.port."
SANDBOX_REMEDY: Final = (
    "End that program, or choose others with --sandbox-port, --sandbox-control-port and --sandbox-sftp-port (0 takes a "
    "free one). Without them the simulated CBP listens on the port of partners.NAME.url and on the one after it."
)


@dataclass(frozen=True, slots=True)
class SandboxPorts:
    """Ports of the simulated CBP as they were given; 0 is a free one, ``None`` the one that follows from the rest."""

    as2: int | None = None
    control: int | None = None
    sftp: int | None = None


def serve(
    config: ConfigOption = None,
    with_sandbox: Annotated[
        bool, typer.Option("--with-sandbox", help="Start a simulated CBP beside it, and a demo key per role.")
    ] = False,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on, over the settings.")] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", help="Port, over the settings; 0 takes a free one.", min=0, max=65535),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="Data directory, over the settings.", file_okay=False)
    ] = None,
    transport: TransportOption = None,
    sandbox_port: Annotated[
        int | None, typer.Option("--sandbox-port", help="AS2 port of the simulated CBP.", min=0, max=65535)
    ] = None,
    sandbox_control_port: Annotated[
        int | None,
        typer.Option("--sandbox-control-port", help="Port of its console and control API.", min=0, max=65535),
    ] = None,
    sandbox_sftp_port: Annotated[
        int | None,
        typer.Option("--sandbox-sftp-port", help="Its SFTP port, with --transport sftp.", min=0, max=65535),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Run the service until it is interrupted. Listens on loopback unless the settings say otherwise.

    With --json the document says where it listens, once it does. The simulated CBP takes the port of the partner's
    address and the one after it, or with --port 0 free ones; its own options say otherwise, and 0 is a free port.

    Its books are in `sandbox` beside the data directory of the settings, or with --data in it, where then the
    certificates are too (`exchange`) unless the settings name a place for them: each such directory has its own CBP.

    Example: gateway serve --config gateway.toml
    """
    import asyncio

    from gateway.interpreter import serve_long
    from gateway.logs import configure_logs
    from gateway.settings import load_settings

    output = Output(as_json)
    listen = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    overrides: dict[str, Any] = {"listen": listen} if listen else {}
    if data is not None:
        overrides["storage"] = {"directory": str(data)}
    settings = load_settings(config, overrides=overrides)
    if data is not None and with_sandbox and "directory" not in settings.exchange.model_fields_set:
        overrides["exchange"] = {"directory": str(data / "exchange")}  # a simulated CBP of this data directory alone
        settings = load_settings(config, overrides=overrides)
    configure_logs(settings.logs.format, settings.logs.level)
    if transport is not None and not with_sandbox:
        raise typer.BadParameter("it chooses the road to the simulated CBP: give --with-sandbox too.")
    ports = SandboxPorts(sandbox_port, sandbox_control_port, sandbox_sftp_port)
    if ports != SandboxPorts() and not with_sandbox:
        raise typer.BadParameter("the ports are those of the simulated CBP: give --with-sandbox too.")
    beside = road(transport, settings.partner.transport) if with_sandbox else None
    if sandbox_sftp_port is not None and beside != "sftp":
        raise typer.BadParameter("files travel by AS2: give --transport sftp too.", param_hint="--sandbox-sftp-port")
    output.note("starting")
    serve_long()
    own = data is not None or settings.listen.port == 0
    books = (settings.storage.directory if own else settings.storage.directory.parent) / "sandbox"
    asyncio.run(_serve(output, settings, overrides, config, beside=beside, ports=ports, books=books))
    output.note("stopped")


async def _serve(
    output: Output,
    settings: Settings,
    overrides: dict[str, Any],
    config: Path | None,
    *,
    beside: str | None,
    ports: SandboxPorts,
    books: Path,
) -> None:
    """``beside`` is the road to a simulated CBP that is started too, on ``ports`` and with its ``books``."""
    import asyncio
    import signal
    from contextlib import AsyncExitStack

    from sqlalchemy.exc import DBAPIError

    from filings.store import StoreError
    from gateway.cli.database import store_not_usable
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
            sandbox = await stack.enter_async_context(_sandbox_beside(settings, address, beside, ports, books))
            overrides = {**overrides, "partners": {settings.partner_name: sandbox.partner}}
            settings = load_settings(config, overrides=overrides)
            output.say(f"simulated CBP: {sandbox.as2_url}, its console {sandbox.control_url}/")
            output.say(f"its books in {books}, certificates in {settings.exchange.directory}")
            document["sandbox"] = {"as2_url": sandbox.as2_url, "control_url": sandbox.control_url}
            document["sandbox"] |= {"data": books, "certificates": settings.exchange.directory}
            if sandbox.sftp_port is not None:
                output.say(f"files travel by SFTP, port {sandbox.sftp_port}")
                document["sandbox"]["sftp_port"] = sandbox.sftp_port
        _tell_missing(output, settings)
        try:
            gateway = await stack.enter_async_context(Gateway.open(settings))
        except (StoreError, DBAPIError, ConnectionError) as error:
            raise store_not_usable(settings, error) from None
        if settings.listen.is_loopback:
            with one_at_a_time(settings.storage.directory):
                document["local_key"] = await _local_key(gateway)
            output.say(f"key for commands on this machine: {document['local_key']}")
        if beside is not None:
            document["demo_keys"] = await _demo_keys(gateway)
            output.say(f"a demo key per role: {document['demo_keys']}")
        await stack.enter_async_context(serving(gateway, door))
        output.say(f"listening on {address} (data in {settings.storage.directory})")
        if output.as_json:
            output.document(document)
        await stop.wait()
        output.note("stopping")


def _tell_missing(output: Output, settings: Settings) -> None:
    """Tell files that the settings name and that are not there; :class:`FormatError` when some of ours are missing."""
    from gateway.settings_places import missing_places

    missing = missing_places(settings)
    if missing.ours:
        raise FormatError([*missing.ours, *missing.theirs])
    for one in missing.theirs:
        output.note(f"{one.path}: {one.text} {one.remedy}")


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


def _first(given: int | None, otherwise: int) -> int:
    return otherwise if given is None else given


def _sandbox_beside(settings: Settings, address: str, transport: str, given: SandboxPorts, books: Path) -> Any:
    from urllib.parse import urlsplit

    from gateway.demo.sandbox_process import SandboxProcess

    free = settings.listen.port == 0
    port = _first(given.as2, 0 if free else urlsplit(settings.partner.url).port or 8471)
    control = _first(given.control, 0 if free or not port else port + 1)
    ports = [port, control]
    arguments = ["--port", str(port), "--control-port", str(control)]
    if transport == "sftp":
        ports.append(_first(given.sftp, 0 if free else settings.partner.sftp.port))
        arguments += ["--sftp-port", str(ports[-1])]
    for wanted in ports:
        _door("127.0.0.1", wanted, SANDBOX_REMEDY).close()  # told now: the child could only log it
    return SandboxProcess(
        books,
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
