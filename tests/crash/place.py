"""Where does a day of the test take place? A folder with keys made once, a database of its own, a simulated CBP."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sqlite3
import tempfile
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

import asyncpg
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from filings.identity import Role, create_key
from filings.store import Store
from sandbox.app import Running, serving
from sandbox.cbp import Cbp
from sandbox.settings import Behaviour, Settings
from sandbox.store import Store as Books
from schemas.as2 import make_identity
from tests.crash.clock import write_clock
from tests.filing_kit import START
from tests.http_service import identity_files

KEY: Final = "crash-test-key-of-a-broker-0000000000000000"
_FROM, _TO = datetime.fromisoformat("2020-01-01T00:00:00Z"), datetime.fromisoformat("2045-01-01T00:00:00Z")


class Databases(ABC):
    """Databases of one engine: ``new`` makes one at this program's version, with the broker's key in it."""

    name: str

    @abstractmethod
    async def new(self, folder: Path, like: Database | None = None) -> Database:
        """A new one, or a copy of one that nobody uses; a file would lie in ``folder``."""


class Database(ABC):
    """The database of one day."""

    url: str | None
    """What the gateway is told; none: the file in its data folder."""

    @abstractmethod
    async def rows(self, query: str) -> Sequence[Mapping[str, Any]]:
        """Look into it while a gateway works on it."""

    @abstractmethod
    async def witness(self, folder: Path) -> Store:
        """Open what a dead gateway has left, without touching it."""

    @abstractmethod
    async def close(self) -> None:
        """Look no more."""

    @abstractmethod
    async def drop(self) -> None:
        """Nobody needs it any more."""


async def _make_key(target: str | Path) -> None:
    async with await Store.open(target) as store:
        await store.write(partial(create_key, name="broker", role=Role.BROKER, now=START, licensed=True, secret=KEY))


class SqliteDatabases(Databases):
    """Copies of a file."""

    name = "sqlite"

    def __init__(self, template: Path) -> None:
        self._template = template

    async def new(self, folder: Path, like: Database | None = None) -> Database:
        if not self._template.exists():
            await _make_key(self._template)
        source = like.path if isinstance(like, SqliteDatabase) else self._template
        return SqliteDatabase(Path(shutil.copy(source, folder / "gateway.db")))


class SqliteDatabase(Database):
    """A file in the gateway's data folder."""

    url = None

    def __init__(self, path: Path) -> None:
        self.path = path

    async def rows(self, query: str) -> Sequence[Mapping[str, Any]]:
        with closing(sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)) as raw:
            raw.row_factory = sqlite3.Row
            return [dict(row) for row in raw.execute(query)]

    async def witness(self, folder: Path) -> Store:
        """A copy of the file and its log: to open the file itself would put its log in order."""
        return await Store.open(await asyncio.to_thread(self._copied, folder), upgrade=False, connections=1)

    def _copied(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        for suffix in ("", "-wal"):
            target = folder / f"gateway.db{suffix}"
            target.unlink(missing_ok=True)
            source = self.path.with_name(self.path.name + suffix)
            if source.exists():
                shutil.copy(source, target)
        return folder / "gateway.db"

    async def close(self) -> None:
        """Each look has closed the file behind it."""

    async def drop(self) -> None:
        """It goes with its folder."""


class PostgresDatabases(Databases):
    """Copies of a database of the server."""

    name = "postgresql"
    _TEMPLATE = "crash_template"

    def __init__(self, server: Any) -> None:
        self._server = server
        self._made = 0

    async def new(self, folder: Path, like: Database | None = None) -> Database:
        del folder
        if not self._made:
            self._server.psql(f"CREATE DATABASE {self._TEMPLATE};")
            await _make_key(self._server.get_uri(database=self._TEMPLATE))
        self._made += 1
        name = f"crash_{self._made}"
        source = like.name if isinstance(like, PostgresDatabase) else self._TEMPLATE
        await self.tell(f"CREATE DATABASE {name} TEMPLATE {source} STRATEGY FILE_COPY")
        uri = self._server.get_uri(database=name)
        return PostgresDatabase(self, name, uri, await asyncpg.connect(uri, server_settings={"timezone": "UTC"}))

    async def tell(self, statement: str) -> None:
        """Have the server do something that concerns whole databases."""
        raw = await asyncpg.connect(self._server.get_uri(database="postgres"))
        try:
            await raw.execute(statement)
        finally:
            await raw.close()


class PostgresDatabase(Database):
    """A database of its own."""

    def __init__(self, server: PostgresDatabases, name: str, uri: str, connection: Any) -> None:
        self.name = name
        self._server = server
        self._uri = uri
        self._connection = connection
        self.url = "postgresql+asyncpg" + uri.removeprefix("postgresql")

    async def rows(self, query: str) -> Sequence[Mapping[str, Any]]:
        return [dict(row) for row in await self._connection.fetch(query)]

    async def witness(self, folder: Path) -> Store:
        del folder
        return await Store.open(self._uri, upgrade=False, connections=1)

    async def close(self) -> None:
        await self._connection.close()

    async def drop(self) -> None:
        """The server keeps none that is not needed: it looks after all it has."""
        await self._server.tell(f"DROP DATABASE {self.name} WITH (FORCE)")


class Place:
    """One day's folder, database, ports and clock; it begins with nothing, or as another has ended.

    ``road`` is ``as2`` with receipts in the answers, ``posted``, which is AS2 with receipts that are posted, or
    ``directory``.
    """

    def __init__(self, folder: Path, databases: Databases, *, road: str = "as2", after: Place | None = None) -> None:
        self.folder = folder
        self.road = road
        self.data, self.exchange, self.sandbox = folder / "data", folder / "exchange", folder / "sandbox"
        self.outbox, self.inbox = folder / "cbp" / "GATEWAY" / "in", folder / "cbp" / "GATEWAY" / "out"
        self.clock = folder / "clock"
        self._databases = databases
        self._after = after
        self._door = socket.socket()  # bound and not listening: nobody else is given our port
        self._door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._door.bind(("127.0.0.1", 0))
        self.port: int = self._door.getsockname()[1]
        self.now = START

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Running]:
        """Lay everything out, and let the simulated CBP serve."""
        self._lay_out()
        after = self._after
        if after is not None:
            self.now = after.now
            shutil.copy(after.sandbox / "sandbox.db", self.sandbox)
        self.set_clock(self.now)
        self.database = await self._databases.new(self.data, after.database if after is not None else None)
        try:
            async with serving(self._sandbox_settings()) as running:
                self.partner_url = running.ports.as2_url
                yield running
        finally:
            await self.database.close()
            self._door.close()

    def _lay_out(self) -> None:
        for folder in (self.data, self.exchange, self.sandbox):
            folder.mkdir(parents=True, exist_ok=True)
        key, certificate = identity_files()
        (self.exchange / "gateway.pem").write_bytes(certificate)
        private = self.data / "gateway-key.pem"
        private.touch(mode=0o600)
        private.write_bytes(key)
        for name, content in _sandbox_files().items():
            (self.sandbox / name).write_bytes(content)

    def _sandbox_settings(self) -> Settings:
        return Settings(
            data_dir=self.sandbox,
            exchange_dir=self.exchange,
            as2_port=0,
            control_port=0,
            gateway_url=f"http://127.0.0.1:{self.port}/as2",
            directory_root=str(self.folder / "cbp") if self.road == "directory" else "",
            directory_poll=0.02,
            clock=self.now.isoformat(),
            frozen=True,
            receipts="async" if self.road == "posted" else "sync",
            retry_first=0.02,
            retry_longest=0.1,
            behaviour=Behaviour(arrive_at_eta=False),
        )

    async def remove(self) -> None:
        """Nobody asks for this day any more."""
        await self.database.drop()
        await asyncio.to_thread(shutil.rmtree, self.folder)

    def set_clock(self, now: datetime) -> None:
        """The gateway's business clock shows another instant, in this life and the next."""
        self.now = now
        write_clock(self.clock, now)

    @property
    def overrides(self) -> dict[str, Any]:
        """The gateway's settings."""
        partner: dict[str, Any] = {"url": self.partner_url}
        if self.road == "directory":
            partner |= {"transport": "directory", "outbox": str(self.outbox), "inbox": str(self.inbox)}
        elif self.road == "posted":
            partner |= {"receipt_url": f"http://127.0.0.1:{self.port}/as2", "receipt_wait_seconds": 1.0}
        return {
            "storage": {"directory": str(self.data), "database_url": self.database.url},
            "exchange": {"directory": str(self.exchange)},
            "carrier": {"scac": "TSTC"},
            "partners": {"cbp": partner},
        }


@cache
def _sandbox_files() -> Mapping[str, bytes]:
    """What the simulated CBP has in its folder on its first day: key, certificate, empty books; made once."""
    made = make_identity("CBP-SANDBOX", not_before=_FROM, not_after=_TO)
    with tempfile.TemporaryDirectory() as folder:
        books = Path(folder) / "sandbox.db"
        Cbp(Books(books)).store.close()
        return {
            "identity.key.pem": made.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
            "identity.pem": made.certificate.public_bytes(Encoding.PEM),
            books.name: books.read_bytes(),
        }
