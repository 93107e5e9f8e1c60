"""The sandbox's SFTP door: filers apart, files received by their final name, the rest refused and written down."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.transports import InboundFile, SftpInbox, SftpLink, SftpPlace, SftpTransport
from gateway.transports.ssh_keys import HostPins, make_client_key, public_line, read_pins_file
from sandbox.app import Running, serving
from sandbox.doors.sftp_door import read_accounts
from sandbox.faults import read_faults
from sandbox.samples import SampleBill, manifest_309
from sandbox.settings import Settings, SettingsError, load_settings
from schemas.errors import Problem, TransportError
from tests.sftp_kit import NOW, OutboundFile

LIMIT = 100_000
MANIFEST = manifest_309([SampleBill("25031000001", kind="35")])


def settings_for(folder: Path, **changes: Any) -> Settings:
    """A sandbox with an SFTP door on a free port and two filers, its clock frozen on the March day."""
    values: dict[str, Any] = {
        "data_dir": folder / "sandbox",
        "exchange_dir": folder / "exchange",
        "as2_port": 0,
        "control_port": 0,
        "sftp_port": 0,
        "sftp_accounts": (f"alpha/ALPHA/@{folder / 'alpha.pub'}", "beta/BETA/beta's password"),
        "clock": "2025-03-10T09:00:00-04:00",
        "frozen": True,
        "retry_first": 0.02,
        "retry_longest": 0.1,
        "body_limit": LIMIT,
    }
    return Settings(**(values | changes))


class World:
    """A running sandbox, and how its filers get in."""

    def __init__(self, folder: Path, running: Running) -> None:
        self.folder, self.running = folder, running
        self.key = make_client_key(folder / f"key-{time.monotonic_ns()}")
        (folder / "alpha.pub").write_text(public_line(self.key) + "\n")
        self.links: list[SftpLink] = []

    def link(self, user: str = "alpha", password: str | None = None) -> SftpLink:
        """A connection of a filer."""
        if user == "beta" and password is None:
            password = "beta's password"
        pins = read_pins_file(self.folder / "exchange" / "sandbox-sftp.pub", "127.0.0.1", 0)
        port = self.running.ports.sftp
        assert port
        key = None if password else self.key
        link = SftpLink(SftpPlace("127.0.0.1", port, user, lambda: pins, key, password))
        self.links.append(link)
        return link

    async def send(self, link: SftpLink, payload: bytes, name: str = "309-1.x12") -> Any:
        """Send a file the way the gateway does."""
        transport = SftpTransport(link, "in", clock=lambda: NOW)
        file = OutboundFile(name, payload, "application/EDI-X12")
        return await transport.send(transport.prepare(file, message_id="<1@t>", at=NOW))

    async def answers(self, link: SftpLink, count: int) -> list[InboundFile]:
        """Fetch that many answers."""
        taken: list[InboundFile] = []

        async def accept(file: InboundFile) -> None:
            taken.append(file)

        async def refused(name: str, _: bytes, problems: tuple[Problem, ...]) -> None:
            pytest.fail(f"{name}: {problems}")

        inbox = SftpInbox(link, "out", accept, refused, steady_seconds=0)
        async with asyncio.timeout(20):
            while len(taken) < count:
                await inbox.poll()
                await asyncio.sleep(0.02)
        return taken

    def transcript(self, kind: str = "refused") -> list[dict[str, Any]]:
        """Lines of the transcript."""
        rows = self.running.runner.cbp.store.rows("select * from transcript where kind = ? order by id", kind)
        return [dict(row) | {"verdict": json.loads(row["verdict"])} for row in rows]

    def reasons(self) -> list[str]:
        """Why files were refused."""
        return [line["verdict"]["reasons"][0]["text"] for line in self.transcript()]

    def received(self) -> list[tuple[str, str]]:
        """Filer and name of each received file."""
        rows = self.running.runner.cbp.store.rows("select partner, name from received order by id")
        return [(row["partner"], row["name"]) for row in rows]


@asynccontextmanager
async def world_at(folder: Path, **changes: Any) -> AsyncIterator[World]:
    """A sandbox that serves."""
    async with serving(settings_for(folder, **changes)) as running:
        made = World(folder, running)
        try:
            yield made
        finally:
            for link in made.links:
                await link.close()


async def test_a_file_is_received_by_its_final_name_and_answered_in_the_folder(tmp_path: Path) -> None:
    """Nothing is received before the rename; after it the file has left, and 997 and 355 lie ready in that order."""
    async with world_at(tmp_path) as world:
        link = world.link()
        sftp = await link.client()
        async with sftp.open("in/.309-1.x12.part", "wb") as file:
            await file.write(MANIFEST)
        assert world.received() == []
        await sftp.posix_rename("in/.309-1.x12.part", "in/309-1.x12")
        assert world.received() == [("ALPHA", "309-1.x12")]
        assert await sftp.listdir("in") == [".", ".."]
        first, second = await world.answers(link, 2)
        assert b"AK9*A*1*1*1" in first.payload
        assert b"SHIPMENTS ACCEPTED 1" in second.payload
        assert first.name < second.name
        assert await world.running.runner.settled()
        assert {name for name in await sftp.listdir("out") if not name.startswith(".")} == {"done"}


async def test_the_same_bytes_again_file_nothing_and_bring_the_same_answers(tmp_path: Path) -> None:
    """In doubt the gateway sends again: repeated, answered again, filed once."""
    async with world_at(tmp_path) as world:
        link = world.link()
        await world.send(link, MANIFEST)
        before = await world.answers(link, 2)
        await world.send(link, MANIFEST)
        again = await world.answers(link, 2)
        assert [file.payload for file in again] == [file.payload for file in before]
        assert len(world.transcript("repeated")) == 1


async def test_filers_see_and_reach_only_what_is_theirs(tmp_path: Path) -> None:
    """Two filers: each gets its own answers, and no path, link or name leads to the other's folder or out of it."""
    async with world_at(tmp_path) as world:
        alpha, beta = world.link(), world.link("beta")
        await world.send(alpha, MANIFEST)
        await world.send(beta, manifest_309([SampleBill("25031000009", kind="35")], trip="TSTC2503100009", control=9))
        assert b"25031000001" not in b"".join(file.payload for file in await world.answers(beta, 2))
        assert len(await world.answers(alpha, 2)) == 2
        assert world.received() == [("ALPHA", "309-1.x12"), ("BETA", "309-1.x12")]
        sftp = await beta.client()
        assert sorted(await sftp.listdir("/")) == [".", "..", "in", "out"]
        for path in ("../alpha/in", "/../../alpha/out/done", "out/../../alpha/in", "/etc/passwd", "in/../../../x"):
            with pytest.raises(asyncssh.SFTPError):
                await sftp.listdir(path)
            with pytest.raises(asyncssh.SFTPError):
                await sftp.open(path, "rb")
        for act in (
            sftp.symlink("/etc/passwd", "in/.x.part"),
            sftp.link("out/done", "in/.x.part"),
            sftp.mkdir("in/deeper"),
            sftp.mkdir("elsewhere"),
            sftp.rmdir("out/done"),
            sftp.readlink("in"),
            sftp.statvfs("in"),
            sftp.rename("in/.x.part", "../alpha/in/x"),
            sftp.remove("in"),
        ):
            with pytest.raises(asyncssh.SFTPError):
                await act


async def test_only_an_account_gets_in_and_only_to_its_files(tmp_path: Path) -> None:
    """Wrong password, wrong key, unknown name: refused. No shell, no command, no forwarded port for anybody."""
    async with world_at(tmp_path) as world:
        await world.link().client()
        for user, password in (("beta", "wrong"), ("alpha", "x"), ("nobody", "x"), ("beta", " "), ("nobody", None)):
            with pytest.raises(TransportError, match="sftp-login"):
                await world.link(user, password).client()
        async with asyncssh.connect(
            "127.0.0.1", world.running.ports.sftp, username="beta", password="beta's password",
            known_hosts=None, client_keys=None, config=None, agent_path=None,
        ) as connection:  # fmt: skip
            for command in ("id", None):
                with pytest.raises(asyncssh.ChannelOpenError):
                    await connection.run(command, timeout=5)
            with pytest.raises(asyncssh.ChannelOpenError):
                await connection.open_connection("127.0.0.1", 1)


async def test_garbage_is_an_answer_or_a_logged_refusal(tmp_path: Path) -> None:
    """An empty file, a name that is none, one that is not finished, one too large, bytes of no format."""
    async with world_at(tmp_path) as world:
        link = world.link()
        sftp = await link.client()
        await world.send(link, b"\x00\xff neither X12 nor CATAIR", "noise.bin")
        assert await world.running.runner.settled()
        assert world.transcript("unknown")[0]["verdict"]["result"] == "unreadable"
        with pytest.raises(asyncssh.SFTPError):
            await sftp.open("in/direct.x12", "wb")
        async with sftp.open("in/.e.part", "wb"):
            pass
        for name in ("e.x12", "sp\u00e4t.x12", "a;b"):
            with pytest.raises(asyncssh.SFTPError):
                await sftp.rename("in/.e.part", f"in/{name}")
        with pytest.raises(asyncssh.SFTPError, match="at most"):
            async with sftp.open("in/.large.part", "wb") as file:
                await file.write(bytes(LIMIT + 1))
        with pytest.raises(asyncssh.SFTPError):
            await sftp.truncate("in/.large.part", 10**12)
        assert world.reasons() == ["write to in, as .NAME.part, and rename it", "an empty file"]
        assert [name for _, name in world.received()] == ["noise.bin"]


async def test_unfinished_files_are_bounded(tmp_path: Path) -> None:
    """So many files, so many bytes: more is refused, what is removed makes room again."""
    async with world_at(tmp_path, sftp_files=3, sftp_quota=150_000) as world:
        sftp = await world.link().client()
        async with sftp.open("in/.1.part", "wb") as one, sftp.open("in/.2.part", "wb") as two:
            await one.write(bytes(90_000))
            with pytest.raises(asyncssh.SFTPError, match="unfinished"):
                await two.write(bytes(90_000))
        await sftp.remove("in/.1.part")
        for number in (3, 4, 5, 6):
            if number < 5:
                async with sftp.open(f"in/.{number}.part", "wb"):
                    pass
                continue
            with pytest.raises(asyncssh.SFTPError, match="unfinished"):
                await sftp.open(f"in/.{number}.part", "wb")
        assert "too much is unfinished" in world.reasons()


async def test_a_filer_that_fetches_nothing_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    """ALPHA's folder is full: its answers wait on the pile, in order, while BETA's come."""
    async with world_at(tmp_path, sftp_files=3) as world:
        alpha, beta = world.link(), world.link("beta")
        await world.send(alpha, MANIFEST)
        await world.send(alpha, manifest_309([SampleBill("25031000002", kind="35")], trip="TSTC2503100002", control=2))
        await asyncio.sleep(0.3)
        await world.send(beta, manifest_309([SampleBill("25031000009", kind="35")], trip="TSTC2503100009", control=9))
        assert len(await world.answers(beta, 2)) == 2
        taken = [file.name for file in await world.answers(alpha, 4)]
        assert taken == sorted(taken)


async def test_what_had_its_final_name_when_the_sandbox_died_is_received_at_its_start(tmp_path: Path) -> None:
    """Between the rename and the commit: taken in when it runs again; its host key is the same."""
    folder = tmp_path / "sandbox" / "sftp" / "alpha" / "in"
    async with world_at(tmp_path) as world:
        shown = (tmp_path / "exchange" / "sandbox-sftp.pub").read_text()
    (folder / "left.x12").write_bytes(MANIFEST)
    (folder / ".half.x12.part").write_bytes(MANIFEST[:50])
    async with world_at(tmp_path) as world:
        assert world.received() == [("ALPHA", "left.x12")]
        assert [path.name for path in folder.iterdir()] == [".half.x12.part"]
        assert (tmp_path / "exchange" / "sandbox-sftp.pub").read_text() == shown
        assert len(await world.answers(world.link(), 2)) == 2


async def test_a_file_that_cannot_be_committed_is_not_received(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The books cannot be written: the rename fails, the file stays under way, and the next try goes through."""
    async with world_at(tmp_path) as world:
        link = world.link()
        with monkeypatch.context() as patch:

            def broken(*_: Any, **__: Any) -> None:
                raise sqlite3.OperationalError("disk I/O error")

            patch.setattr(world.running.runner.cbp, "receive", broken)
            with pytest.raises(TransportError, match="sftp-refused") as caught:
                await world.send(link, MANIFEST)
            assert not caught.value.in_doubt
        await world.send(link, MANIFEST)
        assert world.received() == [("ALPHA", "309-1.x12")]


async def test_in_an_outage_nobody_is_there(tmp_path: Path) -> None:
    """Open connections are cut and no new one is taken; afterwards everything goes on."""
    async with world_at(tmp_path) as world:
        link = world.link()
        await link.client()
        world.running.runner.faults = read_faults({"outage_from": "2025-03-10T00:00:00-04:00"})
        for one in (link, world.link()):
            with pytest.raises(TransportError) as caught:
                await world.send(one, MANIFEST)
            assert not caught.value.in_doubt
        world.running.runner.faults = read_faults({})
        await world.send(link, MANIFEST)
        assert world.received() == [("ALPHA", "309-1.x12")]


async def test_a_sandbox_in_memory_leaves_nothing_behind(tmp_path: Path) -> None:
    """With memory its folders are temporary."""
    async with world_at(tmp_path, memory=True) as world:
        link = world.link()
        await world.send(link, MANIFEST)
        assert len(await world.answers(link, 2)) == 2
    assert not (tmp_path / "sandbox").exists()


def test_accounts_are_read_from_the_settings(tmp_path: Path) -> None:
    """By default the gateway with its key; else what is listed, each user once, with a password or a file of keys."""
    settings = load_settings(environment={"SANDBOX_SFTP_ACCOUNTS": "a/A/p/w,b/B/@/x/b.pub"})
    accounts = read_accounts(settings, tmp_path)
    assert (accounts["a"].filer, accounts["a"].password, accounts["a"].keys) == ("A", "p/w", None)
    assert (accounts["b"].filer, accounts["b"].password, accounts["b"].keys) == ("B", "", Path("/x/b.pub"))
    (only,) = read_accounts(Settings(), tmp_path).values()
    assert (only.user, only.filer, only.keys) == ("gateway", "GATEWAY", Path("var/exchange/gateway-sftp.pub"))
    for wrong in ("a", "a/A", "a/A/", "a/A/@", "../a/A/p", "a/A/p,a/B/p"):
        with pytest.raises(SettingsError):
            read_accounts(load_settings(environment={"SANDBOX_SFTP_ACCOUNTS": wrong}), tmp_path)


def test_no_pin_is_no_pin() -> None:
    """A server of which nothing is known is not known."""
    assert not HostPins()
