"""SFTP servers for the tests: OpenSSH's own, in its own process, and one in this process that can be made to fail."""

from __future__ import annotations

import asyncio
import getpass
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
import psutil
import pytest

from gateway.transports import OutboundFile, PreparedTransmission, SftpLink, SftpPlace, SftpTransport
from gateway.transports.ssh_keys import HostPins, make_client_key, public_line, read_pins

NOW = datetime(2026, 3, 2, 15, 4, 5, tzinfo=UTC)
PAYLOAD = b"ISA*00*          *00*          *02*SFIC           *ZZ*USCBP          ~\r\nGS*FM*\x00\xff~\n" * 40


def sshd_path() -> str:
    """Where OpenSSH's server is; the test is skipped where it is not installed."""
    found = shutil.which("sshd") or shutil.which("sshd", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        pytest.skip("sshd is not installed: the Debian package openssh-server holds it")
    return found


@dataclass
class Server:
    """A server to talk to: its folder, how it is known, and our key there."""

    folder: Path
    port: int
    host_key: asyncssh.SSHKey
    key: asyncssh.SSHKey
    user: str
    stop: Callable[[], None] = field(default=lambda: None, repr=False)
    start: Callable[[], None] = field(default=lambda: None, repr=False)
    pause: Callable[[], None] = field(default=lambda: None, repr=False)

    def link(self, **changes: Any) -> SftpLink:
        """A connection to it, not yet made."""
        pins = HostPins(keys=(self.host_key.convert_to_public(),))
        values: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": self.user,
            "pins": lambda: pins,
            "key": self.key,
            "connect_seconds": 10.0,
            "operation_seconds": 10.0,
        }
        if "pinned" in changes:
            text = changes.pop("pinned")
            changes["pins"] = lambda: read_pins(text, "127.0.0.1", self.port)
        return SftpLink(SftpPlace(**{**values, **changes}))

    @property
    def inbox(self) -> Path:
        """The folder that files are sent to."""
        return self.folder / "in"

    @property
    def outbox(self) -> Path:
        """The folder that answers lie in."""
        return self.folder / "out"

    def transport(self, link: SftpLink) -> SftpTransport:
        """The road to its folder."""
        return SftpTransport(link, str(self.inbox), clock=lambda: NOW)


def prepared(name: str = "309-SFIC2503100001-000000001.x12", payload: bytes = PAYLOAD) -> PreparedTransmission:
    """A file as it is committed before it is sent."""
    transport = SftpTransport(SftpLink(SftpPlace("127.0.0.1", 22, "nobody", HostPins)), "in")
    return transport.prepare(OutboundFile(name, payload, "application/EDI-X12"), message_id="<1@test>", at=NOW)


def _keys(folder: Path) -> tuple[asyncssh.SSHKey, asyncssh.SSHKey]:
    host = make_client_key(folder / "host_key")
    ours = make_client_key(folder / "our_key")
    (folder / "authorized_keys").write_text(public_line(ours) + "\n")
    for name in ("in", "out"):
        (folder / name).mkdir()
    return host, ours


@contextmanager
def openssh(folder: Path, *, host_keys: tuple[str, ...] = ("host_key",)) -> Iterator[Server]:
    """Debian's sshd in a process of its own, on loopback, with its internal SFTP server."""
    path = sshd_path()
    host, ours = _keys(folder)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        *(f"HostKey {folder / name}" for name in host_keys),
        f"AuthorizedKeysFile {folder / 'authorized_keys'}",
        f"PidFile {folder / 'sshd.pid'}",
        "PermitRootLogin yes",
        "StrictModes no",
        "UsePAM no",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "MaxStartups 100",
        "Subsystem sftp internal-sftp",
    ]
    (folder / "sshd_config").write_text("\n".join(lines) + "\n")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where it keeps its unprivileged part
    running: list[subprocess.Popen[bytes]] = []

    def start() -> None:
        with (folder / "sshd.log").open("ab") as log:
            running.append(
                subprocess.Popen(
                    [path, "-D", "-e", "-f", str(folder / "sshd_config")],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            )
        end = time.monotonic() + 10
        while time.monotonic() < end:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            time.sleep(0.02)
        pytest.fail(f"sshd does not listen: {(folder / 'sshd.log').read_text()[-1000:]}")

    def stop() -> None:
        """SIGKILL to it and to the sessions it has begun: they are its process group or children of its own."""
        process = running.pop()
        for child in _descendants(process.pid):
            _signal(child, signal.SIGKILL)
        process.kill()
        process.wait(10)

    def pause() -> None:
        """SIGSTOP to its sessions: the connections stay, nobody answers."""
        for child in _descendants(running[-1].pid):
            _signal(child, signal.SIGSTOP)

    start()
    try:
        yield Server(folder, port, host, ours, getpass.getuser(), stop, start, pause)
    finally:
        if running:
            stop()


def _descendants(pid: int) -> list[int]:
    return [child.pid for child in psutil.Process(pid).children(recursive=True)]


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


Hook = Callable[["Faulty", str, tuple[Any, ...]], Any]


class Faulty(asyncssh.SFTPServer):
    """A server of a folder whose operations a test may look at, change, or cut off."""

    hook: Hook | None = None

    def _ask(self, what: str, *arguments: Any) -> Any:
        return type(self).hook(self, what, arguments) if type(self).hook is not None else None

    def write(self, file_obj: object, offset: int, data: bytes) -> Any:
        """Ask, then write."""
        self._ask("write", offset, data)
        return super().write(file_obj, offset, data)

    def rename(self, oldpath: bytes, newpath: bytes) -> Any:
        """Ask, rename, ask again."""
        self._ask("rename", oldpath, newpath)
        super().rename(oldpath, newpath)
        self._ask("renamed", oldpath, newpath)

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> Any:
        """Ask, rename, ask again."""
        self._ask("posix_rename", oldpath, newpath)
        super().posix_rename(oldpath, newpath)
        self._ask("renamed", oldpath, newpath)

    def fsync(self, file_obj: object) -> Any:
        """Ask, then flush."""
        self._ask("fsync")
        return super().fsync(file_obj)

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        """Ask, then open."""
        self._ask("open", path, pflags)
        return super().open(path, pflags, attrs)

    def remove(self, path: bytes) -> Any:
        """Ask, then remove."""
        self._ask("remove", path)
        return super().remove(path)

    def read(self, file_obj: object, offset: int, size: int) -> Any:
        """Ask, then read."""
        self._ask("read", offset)
        return super().read(file_obj, offset, size)


@asynccontextmanager
async def faulty(folder: Path, hook: Hook | None = None) -> AsyncIterator[Server]:
    """A server in this process; ``hook`` is told of each operation and may raise, or cut the connection."""
    host, ours = await asyncio.to_thread(_keys, folder)
    made = type("Hooked", (Faulty,), {"hook": staticmethod(hook) if hook is not None else None})
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[host],
        authorized_client_keys=str(folder / "authorized_keys"),
        sftp_factory=made,
    )
    try:
        yield Server(folder, server.get_port(), host, ours, "filer")
    finally:
        server.close()
        await server.wait_closed()
