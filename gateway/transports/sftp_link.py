"""How is the partner's SFTP server reached, and what does it mean when it is not?

One connection for each partner, opened when it is needed, shared by everything that goes that way, and dropped at the
first sign that it is broken: the next use opens another. Rules:

- The server shows a key we know before it is told who we are. Any other key ends the connection: that is for a person
  to look into, and trying again does not mend it.
- Only the key or the password from the settings is used: no agent, no keys of the user, no configuration of SSH.
- Every wait is bounded. A server that does not answer in time is a connection that is lost.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

import asyncssh

from gateway.causes import cause
from gateway.transports.ssh_keys import HostPins
from schemas.errors import Problem, TransportError

T = TypeVar("T")
_KEEPALIVE_SECONDS: Final = 15
_KEEPALIVE_MISSES: Final = 3
Kinds = str | tuple[str, ...]
KINDS_OF_HOST_KEYS: Final[tuple[Kinds, ...]] = (
    ("ssh-ed25519",),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
    ("rsa-sha2-512", "rsa-sha2-256"),
)
"""Kinds of host keys to ask for when only a fingerprint is known: a server shows one key of what it is asked for."""

_HUNG_UP: Final = (asyncssh.KeyExchangeFailed, asyncssh.ConnectionLost, ConnectionResetError, BrokenPipeError)

LOST: Final = (
    asyncssh.DisconnectError,
    asyncssh.ChannelOpenError,
    asyncssh.SFTPConnectionLost,
    asyncssh.SFTPNoConnection,
    asyncssh.SFTPBadMessage,
    asyncssh.ProtocolError,
    EOFError,
    OSError,
    TimeoutError,
)
"""What is raised when the connection is gone or no longer speaks SFTP; every other SFTPError is the server's answer."""


@dataclass(frozen=True, slots=True)
class SftpPlace:
    """A server and how to log in. ``pins`` are asked for at every connection, so a laid down key is found later too."""

    host: str
    port: int
    user: str
    pins: Callable[[], HostPins]
    key: asyncssh.SSHKey | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    connect_seconds: float = 10.0
    operation_seconds: float = 30.0

    @property
    def shown(self) -> str:
        """The address, for a person."""
        return f"{self.host}:{self.port}"


class _Client(asyncssh.SSHClient):
    """Looks at the host key; remembers one that is not known."""

    def __init__(self, pins: HostPins) -> None:
        self._pins = pins
        self.shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        del host, addr, port  # the key alone says who it is
        self.shown = key
        return self._pins.holds(key)


class SftpLink:
    """The connection to one server."""

    def __init__(self, place: SftpPlace) -> None:
        self.place = place
        self.host_key = ""
        self._lock = asyncio.Lock()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    async def client(self) -> asyncssh.SFTPClient:
        """The SFTP session that is open, or a new one. Raises TransportError, never in doubt."""
        async with self._lock:
            if self._client is not None and self._connection is not None and not self._connection.is_closed():
                return self._client
            self._forget()
            self._connection, self._client = await self._open()
            return self._client

    def drop(self, client: asyncssh.SFTPClient) -> None:
        """This session is broken: end its connection, unless another one has taken its place."""
        if client is self._client:
            self._forget()

    async def close(self) -> None:
        """End the connection."""
        connection = self._connection
        self._forget()
        if connection is not None:
            with suppress(TimeoutError, OSError, asyncssh.Error):
                async with asyncio.timeout(2.0):
                    await connection.wait_closed()

    async def ask(self, request: Awaitable[T]) -> T:
        """Wait for one answer of the server, not for ever."""
        async with asyncio.timeout(self.place.operation_seconds):
            return await request

    @asynccontextmanager
    async def file(self, client: asyncssh.SFTPClient, path: str, mode: str) -> AsyncIterator[asyncssh.SFTPClientFile]:
        """A file of the server, open for the block; on a connection that is lost there is nothing left to close."""
        opened = await self.ask(client.open(path, mode))
        try:
            yield opened
        except (asyncio.CancelledError, *LOST):
            raise
        except BaseException:
            with suppress(asyncssh.Error, OSError, TimeoutError):
                await self.ask(opened.close())
            raise
        await self.ask(opened.close())

    async def read(self, file: asyncssh.SFTPClientFile, size: int, offset: int) -> bytes:
        """Bytes of an open file, fewer than ``size`` only at its end."""
        return await self.ask(cast("Awaitable[bytes]", file.read(size, offset)))

    def _forget(self) -> None:
        if self._connection is not None:
            self._connection.abort()
        self._connection = self._client = None

    async def _open(self) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        pins = self.place.pins()
        if not pins:
            text = f"No key is known of the server {self.place.shown}."
            raise failed("sftp-host-key-unknown", text, _ASK, needs_person=True)
        shown: asyncssh.SSHKey | None = None
        tries = _kinds_to_ask_for(pins)
        for number, kinds in enumerate(tries, 1):
            owner = _Client(pins)
            try:
                async with asyncio.timeout(self.place.connect_seconds):
                    return await self._connect(owner, pins, kinds)
            except asyncssh.HostKeyNotVerifiable:
                shown = shown or owner.shown
                if not pins.fingerprints:
                    break
            except asyncssh.PermissionDenied as error:
                text = f"The server {self.place.shown} does not let {self.place.user!r} in."
                remedy = "Give the partner our public key (`gateway keys ssh`), or check user and password."
                raise failed("sftp-login", text, remedy, needs_person=True) from error
            except (*LOST, asyncssh.Error) as error:
                # A server that has no key of the kinds asked for hangs up, or says so, before it shows one.
                if isinstance(error, _HUNG_UP) and (shown is not None or number < len(tries)):
                    continue
                text = f"The server {self.place.shown} could not be reached ({cause(error)})."
                raise failed("sftp-not-connected", text, "Try again later.") from error
        seen = shown.get_fingerprint("sha256") if shown is not None else "of no known kind"
        text = f"The server {self.place.shown} shows the host key {seen}; known is {pins.shown() or 'none'}."
        raise failed("sftp-host-key", text, _ASK, needs_person=True)

    async def _connect(
        self, owner: _Client, pins: HostPins, kinds: Kinds
    ) -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        place = self.place
        connection = await asyncssh.connect(
            place.host,
            place.port,
            client_factory=lambda: owner,
            known_hosts=(list(pins.keys), [], list(pins.revoked)),
            server_host_key_algs=kinds,
            username=place.user,
            password=place.password,
            client_keys=[place.key] if place.key is not None else None,
            agent_path=None,
            config=None,
            keepalive_interval=_KEEPALIVE_SECONDS,
            keepalive_count_max=_KEEPALIVE_MISSES,
            compression_algs=None,
        )
        try:
            key = connection.get_server_host_key()
            self.host_key = key.get_fingerprint("sha256") if key is not None else ""
            return connection, await connection.start_sftp_client()
        except BaseException:
            connection.abort()
            raise


def _kinds_to_ask_for(pins: HostPins) -> tuple[Kinds, ...]:
    """First the kinds of our keys; then any, to see what it shows; then each, for a fingerprint tells no kind."""
    return ((), *(("default",) if pins.keys else ()), *(KINDS_OF_HOST_KEYS if pins.fingerprints else ()))


_ASK: Final = "Ask the partner, by another way, for the fingerprint of its host key, and set sftp.host_key to it."


def failed(
    code: str, text: str, remedy: str = "", *, in_doubt: bool = False, needs_person: bool = False
) -> TransportError:
    """An error of this road."""
    return TransportError(Problem(code, "transmission", text, remedy), in_doubt=in_doubt, needs_person=needs_person)
