"""Filers at the doors of a running sandbox: each sends a file, is told something, and collects what comes back.

Light peers made of ``schemas.as2``, asyncssh and the file system, not the gateway: they see what any filer sees.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal

import aiohttp
import asyncssh
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from sandbox.app import Running
from schemas import as2

Told = Literal["taken", "refused", "broken"]
"""What a filer is told of its file: yes, no, or nothing, because the line went dead."""
PASSWORD = "a filer's password"


@cache
def identity(name: str) -> as2.Identity:
    """One key per filer for the whole run: making it is slow."""
    return as2.make_identity(
        name, not_before=datetime(2020, 1, 1, tzinfo=UTC), not_after=datetime(2045, 1, 1, tzinfo=UTC)
    )


def publish(name: str, path: Path) -> Path:
    """Lay a filer's certificate where the sandbox looks for it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(identity(name).certificate.public_bytes(Encoding.PEM))
    return path


@dataclass(frozen=True, slots=True)
class Came:
    """One file that came back; ``way`` is the Message-ID or the file name it came under."""

    kind: str
    name: str
    payload: bytes
    way: str


class Line:
    """What filers at all doors can do. ``broken`` counts lines that went dead while an answer came."""

    door = ""

    def __init__(self, filer: str) -> None:
        self.filer = filer
        self.running: Running | None = None
        self.broken = 0
        self._came: list[Came] = []
        self._web: aiohttp.ClientSession | None = None

    @property
    def here(self) -> Running:
        """The sandbox it has to do with."""
        assert self.running is not None
        return self.running

    async def send(self, payload: bytes, name: str = "") -> Told:
        """Hand a file in, once; gives what the filer is told."""
        raise NotImplementedError

    async def collect(self) -> list[Came]:
        """Everything that is due and has not been collected, in the order in which it came."""
        raise NotImplementedError

    def _all(self) -> list[Came]:
        came, self._came = self._came, []
        return came

    async def control(self, method: str, path: str, document: Any = None) -> Any:
        """A control call that has to go well; gives its JSON."""
        status, answer = await self.asked(method, path, document)
        assert status == 200, answer
        return answer

    async def asked(self, method: str, path: str, document: Any = None) -> tuple[int, Any]:
        """A control call: status and JSON."""
        assert self._web is not None
        async with self._web.request(method, self.here.ports.control_url + path, json=document) as response:
            return response.status, await response.json(content_type=None)

    async def settle(self) -> None:
        """Wait until the sandbox has nothing due."""
        assert (await self.control("POST", "/settle"))["settled"]

    @asynccontextmanager
    async def at(self, running: Running) -> AsyncIterator[Line]:
        """The line to a running sandbox while the block runs."""
        self.running = running
        async with aiohttp.ClientSession() as self._web:
            yield self


def file_name(payload: bytes) -> str:
    """A name for a file that is the same for the same bytes."""
    return f"file-{hashlib.sha256(payload).hexdigest()[:16]}.edi"


class As2Line(Line):
    """A filer with AS2: posts messages, takes answers at an address of its own."""

    door = "as2"

    def __init__(self, filer: str, exchange: Path) -> None:
        super().__init__(filer)
        self.exchange = exchange
        self.url = ""
        self._numbers = 0
        self._arrival = asyncio.Condition()

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[As2Line]:
        """The address where answers are taken, while the block runs; the sandbox has to be told of it."""
        application = web.Application(client_max_size=64 * 1024 * 1024)
        application.router.add_post("/as2", self._take)
        runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}/as2"
        try:
            yield self
        finally:
            await runner.cleanup()

    def sandbox(self) -> as2.Partner:
        """The sandbox as its certificate shows it."""
        certificate = x509.load_pem_x509_certificate((self.exchange / "sandbox.pem").read_bytes())
        return as2.Partner("CBP-SANDBOX", certificate)

    async def _take(self, request: web.Request) -> web.Response:
        me, now = identity(self.filer), datetime.now(UTC)
        try:
            body = await request.read()
        except (ConnectionError, aiohttp.ClientError, asyncio.IncompleteReadError):
            self.broken += 1
            return web.Response(status=400)
        about = as2.read_request(
            list(request.headers.items()), body, me=me, partners={"CBP-SANDBOX": self.sandbox()}, received_at=now
        )
        assert isinstance(about, as2.ReceivedMessage), about
        async with self._arrival:
            self._came.append(Came(about.filename.partition("-")[0], about.filename, about.payload, about.message_id))
            self._arrival.notify_all()
        self._numbers += 1
        answer = as2.answer(about, me=me, message_id=f"<mdn-{self._numbers}@{self.filer}.example>", date=now)
        return web.Response(status=answer.status, headers=dict(answer.headers), body=answer.body)

    async def send(self, payload: bytes, name: str = "") -> Told:
        """Post a message; the same bytes go under the same Message-ID."""
        me, partner, now = identity(self.filer), self.sandbox(), datetime.now(UTC)
        name = name or file_name(payload)
        message = as2.build_message(
            payload,
            content_type="application/octet-stream",
            filename=name,
            sender=me,
            receiver=partner,
            message_id=f"<{name}@{self.filer}.example>",
            date=now,
        )
        assert self._web is not None
        try:
            async with self._web.post(
                self.here.ports.as2_url, data=message.body, headers=dict(message.headers)
            ) as response:
                body, headers, status = await response.read(), list(response.headers.items()), response.status
        except (aiohttp.ClientError, ConnectionError):
            return "broken"
        if status != 200:
            return "refused"
        mdn = as2.open_mdn(headers, body, me=me, partner=partner, received_at=now, message_id=message.message_id)
        return "taken" if mdn.disposition.accepted else "refused"

    async def collect(self) -> list[Came]:
        """What was posted to us."""
        await self.settle()
        return self._all()

    async def collect_some(self, count: int) -> list[Came]:
        """The next files, so many, whatever else the sandbox has to do."""
        async with self._arrival:
            await asyncio.wait_for(self._arrival.wait_for(lambda: len(self._came) >= count), 20)
        return self._all()


class FolderLine(Line):
    """A filer that looks into a folder: what lies there is taken in the order of the names."""

    async def fetch(self) -> None:
        """Take what lies there now."""
        raise NotImplementedError

    async def collect(self) -> list[Came]:
        """Fetch until the sandbox has nothing due and nothing lies there."""
        settled = asyncio.create_task(self.settle())
        while not settled.done():
            await self.fetch()
        await settled
        return self._all()

    def _add(self, name: str, payload: bytes) -> None:
        file = name.split("-", 2)[2]
        self._came.append(Came(file.partition("-")[0], file, payload, name))


class SftpLine(FolderLine):
    """A filer with an SFTP account: uploads under way, renames, fetches and deletes."""

    door = "sftp"

    def __init__(self, filer: str, user: str = "filer", password: str = PASSWORD) -> None:
        super().__init__(filer)
        self.user, self.password = user, password
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    async def _sftp(self) -> asyncssh.SFTPClient:
        if self._client is None:
            self._connection = await asyncssh.connect(
                "127.0.0.1",
                self.here.ports.sftp or 0,
                username=self.user,
                password=self.password,
                known_hosts=None,
                client_keys=None,
                config=None,
                agent_path=None,
            )
            self._client = await self._connection.start_sftp_client()
        return self._client

    async def _hang_up(self) -> None:
        connection, self._connection, self._client = self._connection, None, None
        if connection is not None:
            connection.abort()
            await connection.wait_closed()

    async def send(self, payload: bytes, name: str = "") -> Told:
        """Upload under way and rename."""
        name = name or file_name(payload)
        part = f"in/.{name}.part"
        try:
            sftp = await self._sftp()
            async with sftp.open(part, "wb") as file:
                await file.write(payload)
            await sftp.posix_rename(part, f"in/{name}")
        except (asyncssh.Error, OSError):
            gone = self._connection is None or self._connection.is_closed() or not await self._answers()
            await self._hang_up()
            return "broken" if gone else "refused"
        return "taken"

    async def _answers(self) -> bool:
        try:
            await (await self._sftp()).listdir("in")
        except (asyncssh.Error, OSError):
            return False
        return True

    async def fetch(self) -> None:
        """Read and delete what lies in ``out``."""
        try:
            sftp = await self._sftp()
            for name in sorted(one for one in await sftp.listdir("out") if one[:1].isdigit()):
                async with sftp.open(f"out/{name}", "rb") as file:
                    payload = await file.read()
                await sftp.remove(f"out/{name}")
                self._add(name, payload if isinstance(payload, bytes) else payload.encode())
        except (asyncssh.Error, OSError):
            self.broken += 1
            await self._hang_up()

    @asynccontextmanager
    async def at(self, running: Running) -> AsyncIterator[Line]:
        """As everywhere; the connection is closed at the end."""
        async with super().at(running):
            try:
                yield self
            finally:
                await self._hang_up()


class DirectoryLine(FolderLine):
    """A filer that shares a directory with the sandbox."""

    door = "directory"

    def __init__(self, filer: str, root: Path) -> None:
        super().__init__(filer)
        self.root = root
        self._half: set[str] = set()

    async def send(self, payload: bytes, name: str = "") -> Told:
        """Lay a file; told is what the folder shows once it has been looked at, or ``broken`` while nobody looks."""
        name = name or file_name(payload)
        path = self.root / "in" / name
        path.with_name(name + ".part").write_bytes(payload)
        path.with_name(name + ".part").rename(path)
        runner = self.here.offices.of(self.filer)
        looks = runner.cbp.store
        faults = looks.count("select count(*) from transcript where kind = 'fault'")
        while path.exists():
            if runner.is_out:
                path.unlink()
                return "broken"
            if looks.count("select count(*) from transcript where kind = 'fault'") > faults:
                with suppress(FileNotFoundError):
                    path.unlink()
                return "broken"
            await asyncio.sleep(0)
        return "refused" if any((self.root / "in" / "bad").glob(f"{name}*")) else "taken"

    async def fetch(self) -> None:
        """Read and delete what lies in ``out``; half a file that lies there is seen and left."""
        await asyncio.sleep(0)
        for path in sorted((self.root / "out").iterdir()):
            if path.name.endswith(".part"):
                self.broken += path.name not in self._half
                self._half.add(path.name)
            elif not path.name.endswith(".p7s"):
                payload = path.read_bytes()
                path.unlink()
                self._add(path.name, payload)
