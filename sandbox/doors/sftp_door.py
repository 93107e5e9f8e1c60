"""How do files come and go by SFTP? A server with an account for each filer, who sees two folders and nothing else.

A filer writes to ``in`` under a hidden name (``.NAME.part``) or one that ends like a file under way, and renames it: a
file is received when it gets its final name, and the answer to the rename comes after the commit. Received files leave
``in``. Answers appear whole in ``out``, in the order of their names; the filer deletes them or moves them to
``out/done``. What cannot be taken is answered with an error and stands in the transcript as a refusal.

Nobody gets a shell, a forwarded port, a link or another filer's folder. Bytes, files, sessions and waiting answers are
bounded; in an outage connections are cut.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import re
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import asyncssh

from sandbox.cbp import Answer
from sandbox.doors.sftp_folders import UNDER_WAY, Folders, settle_folder
from sandbox.offices import Offices
from sandbox.runner import NotDelivered, Runner
from sandbox.settings import Settings, SettingsError

logger = logging.getLogger("sandbox")
ROAD: Final = "sftp"
MOST_SESSIONS: Final = 64
_USER: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_LOGIN_SECONDS: Final = 20
_KEEPALIVE_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Account:
    """A filer's login: ``keys`` is a file with public keys, read at every login; without one ``password`` counts."""

    user: str
    filer: str
    root: Path
    password: str = ""
    keys: Path | None = None


def read_accounts(settings: Settings, root: Path) -> dict[str, Account]:
    """The accounts of the settings, by user. Raises SettingsError."""
    if not settings.sftp_accounts:
        first, keys = settings.all_filers()[0].name, settings.gateway_sftp_key
        return {"gateway": Account("gateway", first, root / "gateway", keys=keys)}
    accounts: dict[str, Account] = {}
    for text in settings.sftp_accounts:
        user, _, rest = text.partition("/")
        filer, _, secret = rest.partition("/")
        if not _USER.fullmatch(user) or not filer or not secret.removeprefix("@") or user in accounts:
            raise SettingsError(
                f"sftp_accounts: {user!r} is not USER/FILER/PASSWORD or USER/FILER/@FILE, each user once"
            )
        if secret.startswith("@"):
            accounts[user] = Account(user, filer, root / user, keys=Path(secret[1:]))
        else:
            accounts[user] = Account(user, filer, root / user, password=secret)
    return accounts


class SftpDoor:
    """The server, and the way out to its folders."""

    def __init__(self, settings: Settings, offices: Offices) -> None:
        self.settings, self.offices = settings, offices
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        if settings.memory:
            self._temporary = tempfile.TemporaryDirectory(prefix="sandbox-sftp-", ignore_cleanup_errors=True)
        self.root = Path(self._temporary.name) if self._temporary is not None else settings.data_dir / "sftp"
        self.accounts = read_accounts(settings, self.root)
        self.sessions: set[asyncssh.SSHServerConnection] = set()
        self._acceptor: asyncssh.SSHAcceptor | None = None
        self._receiving: set[asyncio.Task[None]] = set()
        self._lost_later: set[tuple[str, str]] = set()

    def is_out(self, filer: str) -> bool:
        """Whether nobody is there for a filer at the moment."""
        return self.offices.of(filer).is_out

    @property
    def all_out(self) -> bool:
        """Whether nobody is there for anybody."""
        return all(runner.is_out for runner in self.offices)

    async def open(self) -> int:
        """Take in what a stopped sandbox left under a final name, listen, and give the port."""
        asyncssh.set_log_level(logging.WARNING)  # it tells of every connection
        for account in self.accounts.values():
            for folder in ("in", "out", "out/done"):
                (account.root / folder).mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in settle_folder(account.root / "in"):
                await self._receive(account.filer, left)
        self._acceptor = await asyncssh.create_server(
            lambda: _Login(self),
            self.settings.host,
            self.settings.sftp_port,
            server_host_keys=[await asyncio.to_thread(self._host_key)],
            sftp_factory=self._folders,
            sftp_version=3,
            allow_scp=False,
            agent_forwarding=False,
            x11_forwarding=False,
            compression_algs=None,
            login_timeout=_LOGIN_SECONDS,
            keepalive_interval=_KEEPALIVE_SECONDS,
            reuse_address=True,
        )
        for runner in self.offices:
            runner.roads[ROAD] = self.deliver
            runner.unsettled.append(partial(self._unfetched, runner))
        return self._acceptor.get_port()

    async def close(self) -> None:
        """Stop listening and end all sessions."""
        for runner in self.offices:
            runner.roads.pop(ROAD, None)
        if self._acceptor is not None:
            self._acceptor.close()
            for session in list(self.sessions):
                session.abort()
            await self._acceptor.wait_closed()
        await asyncio.gather(*self._receiving, return_exceptions=True)
        if self._temporary is not None:
            self._temporary.cleanup()

    def _folders(self, channel: asyncssh.SSHServerChannel[bytes]) -> Folders:
        account = self.accounts[str(channel.get_connection().get_extra_info("username"))]
        return Folders(channel, account.root, self.settings, self, account.filer)

    def _host_key(self) -> asyncssh.SSHKey:
        """Made on the first start, kept in the data folder, its public half laid out in the exchange folder."""
        path = self.settings.data_dir / "sftp_host_key"
        if not self.settings.memory and path.exists():
            key = asyncssh.read_private_key(path)
        else:
            key = asyncssh.generate_private_key("ssh-ed25519", comment="cbp-sandbox")
            if not self.settings.memory:
                _write(path, key.export_private_key("openssh"), 0o600)
        self.settings.exchange_dir.mkdir(parents=True, exist_ok=True)
        _write(self.settings.sftp_host_keys, key.export_public_key("openssh"), 0o644)
        return key

    # ------------------------------------------------------------------ in

    async def received(self, filer: str, path: Path, before: Path) -> None:
        """Commit the file; then it leaves the folder. A cut connection does not stop that half way."""
        task = asyncio.create_task(self._receive(filer, path, before))
        self._receiving.add(task)
        task.add_done_callback(self._receiving.discard)
        await asyncio.shield(task)

    async def _receive(self, filer: str, path: Path, before: Path | None = None) -> None:
        try:
            async with self.offices.turn_of(filer):
                content = await asyncio.to_thread(path.read_bytes)
                await self.offices.of(filer).take(content, partner=filer, message_id="", name=path.name, door=ROAD)
            await asyncio.to_thread(path.unlink)
        except Exception:
            logger.exception("sftp: %s of %s could not be taken in", path.name, filer)
            if before is not None:
                await asyncio.to_thread(path.rename, before)
            raise

    async def refuse(self, filer: str, name: str, content: bytes, reason: str) -> None:
        """Put what is not taken into the transcript."""
        logger.warning("sftp: %s: %s refused: %s", filer, name[:100], reason)
        cbp, now = self.offices.of(filer).cbp, self.offices.clock.now()
        await asyncio.to_thread(cbp.refuse, content, now, partner=filer, name=name[:200], reason=reason)

    # ------------------------------------------------------------------ faults of the plan

    async def upload_is_cut(self, filer: str, name: str) -> bool:
        """Draw what happens to an upload: cut within it, or remember that its hand-over gets no answer."""
        runner = self.offices.of(filer)
        line = (await runner.mishap()).line
        if line == "reset_after" and len(self._lost_later) < self.settings.sftp_files:
            self._lost_later.add((filer, name))
        if line == "reset":
            await runner.tell_mishap(filer, name, line, "the session is cut within the upload")
        return line == "reset"

    async def answer_is_lost(self, filer: str, name: str) -> bool:
        """Whether that was drawn for what was uploaded under this name."""
        if (filer, name) not in self._lost_later:
            return False
        self._lost_later.discard((filer, name))
        text = "committed, the session is cut instead of the answer"
        await self.offices.of(filer).tell_mishap(filer, name, "reset_after", text)
        return True

    async def fetch_is_cut(self, filer: str, name: str) -> bool:
        """Whether the answer of this name has the fate *reset* and was not cut yet."""
        runner = self.offices.of(filer)
        if not runner.faults.reset:
            return False
        answer_id = await asyncio.to_thread(runner.cbp.answer_laid, name)
        if answer_id is None or runner.faults.fate(answer_id) != "reset":
            return False
        if not await asyncio.to_thread(runner.cbp.strikes, answer_id, "reset", self.offices.clock.now()):
            return False
        text = "the session is cut within the fetch, it lies there still"
        await runner.tell_mishap(filer, name, "reset", text, direction="out")
        return True

    # ------------------------------------------------------------------ out

    async def deliver(self, answer: Answer, payload: bytes, copy: int) -> str:
        """Lay one answer into the filer's folder, whole; names are in the order of laying, and stay with the answer."""
        account = next((one for one in self.accounts.values() if one.filer == answer.partner), None)
        if account is None:
            raise NotDelivered(f"{answer.partner} has no SFTP account")
        name = await asyncio.to_thread(self.offices.of(answer.partner).cbp.laid, answer, copy)
        try:
            await asyncio.to_thread(self._lay, account.root / "out", name, payload)
        except OSError as error:
            raise NotDelivered(f"{name}: {error.strerror or error}") from error
        return f"sftp:{account.user}/out/{name}"

    def _unfetched(self, runner: Runner) -> bool:
        """Whether a filer of these books has answers that it has not fetched and could fetch now."""
        if runner.is_out:
            return False
        mine = (account for account in self.accounts.values() if self.offices.of(account.filer) is runner)
        return any(next(settle_folder(account.root / "out"), None) for account in mine)

    def _lay(self, folder: Path, name: str, payload: bytes) -> None:
        files, used = 0, 0
        with os.scandir(folder) as entries:
            for entry in entries:
                files, used = files + 1, used + entry.stat(follow_symlinks=False).st_size
        if files >= self.settings.sftp_files or used + len(payload) > self.settings.sftp_quota:
            raise NotDelivered(f"{folder}: {files} files with {used} bytes wait there and are not fetched")
        _write(folder / name, payload, 0o600)


class _Login(asyncssh.SSHServer):
    """One connection: who is it?"""

    def __init__(self, door: SftpDoor) -> None:
        self._door = door
        self._connection: asyncssh.SSHServerConnection | None = None

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        if self._door.all_out or len(self._door.sessions) >= MOST_SESSIONS:
            conn.abort()
            return
        self._connection = conn
        self._door.sessions.add(conn)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        if self._connection is not None:
            self._door.sessions.discard(self._connection)

    def begin_auth(self, username: str) -> bool:
        logger.debug("sftp: %s logs in", username[:64])
        return True

    def password_auth_supported(self) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        account = self._door.accounts.get(username)
        known = account.password if account is not None else ""
        return hmac.compare_digest(known.encode(), password.encode()) and bool(known)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        account = self._door.accounts.get(username)
        if account is None or account.keys is None:
            return False
        try:
            return key in asyncssh.read_public_key_list(account.keys)
        except (OSError, ValueError, asyncssh.KeyImportError) as error:
            logger.warning("sftp: the keys of %s cannot be read: %s", username, error)
            return False


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write beside, flush and rename, so that nobody reads half a file."""
    part = path.with_name(f".{path.name}{UNDER_WAY[0]}")
    part.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
