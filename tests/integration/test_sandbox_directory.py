"""The sandbox's watched directory: files whole or not at all, signed where agreed, links never followed."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import load_pem_x509_certificate

from filings import archive
from gateway.runtime import Gateway
from gateway.settings import load_settings as load_gateway_settings
from sandbox.app import Running, serving
from sandbox.doors.directory_door import places_of
from sandbox.faults import read_faults
from sandbox.samples import SampleBill, manifest_309
from sandbox.settings import Filer, Settings, SettingsError, load_settings
from schemas.as2 import cms
from tests.filing_kit import START, TRIP, parcel, type86
from tests.http_service import identity_files
from tests.integration.test_runtime import alerts, file_trip, inbound, states
from tests.sandbox_lines import identity, publish

MANIFEST = manifest_309([SampleBill("25031000001", kind="35")])
LIMIT = 100_000


def settings_for(folder: Path, **changes: Any) -> Settings:
    """A sandbox with a directory for one filer, its clock frozen on the March day."""
    values: dict[str, Any] = {
        "data_dir": folder / "sandbox",
        "exchange_dir": folder / "exchange",
        "as2_port": 0,
        "control_port": 0,
        "directory_root": str(folder / "files"),
        "directory_signed": False,
        "directory_poll": 0.01,
        "clock": "2025-03-10T09:00:00-04:00",
        "frozen": True,
        "retry_first": 0.01,
        "retry_longest": 0.05,
        "body_limit": LIMIT,
    }
    return Settings(**(values | changes))


class World:
    """A running sandbox and the folders of its filer."""

    def __init__(self, folder: Path, running: Running) -> None:
        self.running = running
        self.root = folder / "files" / "GATEWAY"
        self.inbox, self.outbox = self.root / "in", self.root / "out"

    async def until(self, true: Callable[[], bool]) -> None:
        """Wait for something that the sandbox does."""
        end = time.monotonic() + 20
        while not true():
            assert time.monotonic() < end
            await asyncio.sleep(0.005)

    def lay(self, name: str, content: bytes = MANIFEST) -> None:
        """Put a file there as a filer should."""
        (self.inbox / f"{name}.part").write_bytes(content)
        (self.inbox / f"{name}.part").rename(self.inbox / name)

    def answers(self) -> list[str]:
        """Kinds of the answers that lie there, in the order of their names."""
        return [path.name.split("-")[2] for path in sorted(self.outbox.iterdir()) if path.suffix in {".x12", ".txt"}]

    def reasons(self) -> list[str]:
        """Why files were refused, as the transcript has it."""
        rows = self.running.runner.cbp.store.rows("select verdict from transcript where kind = 'refused' order by id")
        return [json.loads(row["verdict"])["reasons"][0]["text"] for row in rows]

    def received(self) -> list[str]:
        """Names of the files that were taken."""
        return [row["name"] for row in self.running.runner.cbp.store.rows("select name from received order by id")]


@asynccontextmanager
async def world_at(folder: Path, **changes: Any) -> AsyncIterator[World]:
    """A sandbox that serves."""
    async with serving(settings_for(folder, **changes)) as running:
        yield World(folder, running)


async def test_files_are_taken_in_order_and_answers_laid_whole(tmp_path: Path) -> None:
    """What is under way is left; files go to done in the order of their names, answers appear in order."""
    async with world_at(tmp_path) as world:
        (world.inbox / "0-half.x12.part").write_bytes(MANIFEST[:99])
        (world.inbox / ".hidden").write_bytes(MANIFEST)
        world.running.runner.faults = read_faults({"outage_from": "2025-01-01T00:00:00Z"})
        world.lay("2.x12", manifest_309([SampleBill("2", kind="35")], trip="TSTC0000002", control=2))
        world.lay("1.x12")
        world.running.runner.faults = read_faults({})
        await world.until(lambda: len(world.answers()) == 4)
        assert world.received() == ["1.x12", "2.x12"]
        assert world.answers() == ["997", "355", "997", "355"]
        await world.until(lambda: not any(path.suffix == ".x12" for path in world.inbox.glob("[0-9].x12")))
        assert {path.name for path in world.inbox.iterdir()} == {"0-half.x12.part", ".hidden", "done", "bad"}
        assert {path.name for path in (world.inbox / "done").iterdir()} == {"1.x12", "2.x12"}


async def test_what_cannot_be_taken_goes_to_bad_with_its_reason(tmp_path: Path) -> None:
    """Empty, too large, oddly named: put aside, written down; a good file beside them is taken."""
    async with world_at(tmp_path) as world:
        world.lay("empty.x12", b"")
        world.lay("large.x12", bytes(LIMIT + 1))
        world.lay("odd name \udcff.x12", b"x")
        world.lay("noise.bin", b"\x00\xff neither X12 nor CATAIR")
        world.lay("z-good.x12")
        await world.until(lambda: len(world.answers()) == 2)
        assert world.received() == ["noise.bin", "z-good.x12"]
        bad = {path.name for path in (world.inbox / "bad").iterdir()}
        assert {"empty.x12", "empty.x12.problems.json", "large.x12", "large.x12.problems.json"} < bad
        assert sum(name.startswith("named-") for name in bad) == 2
        told = json.loads((world.inbox / "bad" / "large.x12.problems.json").read_text())
        assert told == [{"text": f"it holds more than {LIMIT} bytes"}]
        assert sorted(world.reasons())[:2] == [f"it holds more than {LIMIT} bytes", "the file is empty"]


async def test_links_and_pipes_are_never_followed(tmp_path: Path) -> None:
    """A link to a secret, a link in place of a folder, a pipe: nothing is read or written through them."""
    secret = tmp_path / "secret.x12"
    secret.write_bytes(MANIFEST)
    async with world_at(tmp_path) as world:
        (world.inbox / "link.x12").symlink_to(secret)
        os.mkfifo(world.inbox / "pipe.x12")
        await world.until(lambda: len(world.reasons()) == 2)
        assert set(world.reasons()) == {"neither a file nor a folder: it is not followed"}
        (world.inbox / "done").rmdir()
        elsewhere = tmp_path / "elsewhere"
        elsewhere.mkdir()
        (world.inbox / "done").symlink_to(elsewhere)
        world.lay("good.x12")
        await world.until(lambda: len(world.answers()) >= 2)
        assert list(elsewhere.iterdir()) == []
        assert (world.inbox / "good.x12").exists()
        (world.inbox / "done").unlink()
        await world.until(lambda: (world.inbox / "done" / "good.x12").exists())
        assert set(world.received()) == {"good.x12"}
        assert world.running.runner.cbp.store.count("select count(*) from bill") == 1


async def test_signatures_are_checked_and_given_where_agreed(tmp_path: Path) -> None:
    """A signed file is taken and its answers are signed; one signed by another, or not at all, goes to bad."""
    publish("GATEWAY", tmp_path / "exchange" / "gateway.pem")
    async with world_at(tmp_path, directory_signed=True) as world:
        for name, signer in (("1.x12", "GATEWAY"), ("2.x12", "STRANGER"), ("3.x12", "")):
            if signer:
                me = identity(signer)
                signature = cms.sign(
                    MANIFEST, certificate=me.certificate, private_key=me.private_key, signed_at=datetime.now(UTC)
                )
                (world.inbox / f"{name}.p7s").write_bytes(signature)
            world.lay(name)
        await world.until(lambda: len(world.reasons()) == 2)
        assert world.received() == ["1.x12"]
        assert {path.name for path in (world.inbox / "done").iterdir()} == {"1.x12", "1.x12.p7s"}
        assert "as2-authentication-failed" in world.reasons()[0]
        assert "without the signature" in world.reasons()[1]
        answer = next(path for path in world.outbox.iterdir() if path.suffix == ".x12")
        signed = answer.with_name(answer.name + ".p7s").read_bytes()
        pem = (tmp_path / "exchange" / "sandbox.pem").read_bytes()
        cms.verify(
            signed,
            answer.read_bytes(),
            pinned=(load_pem_x509_certificate(pem),),
            verified_at=datetime.now(UTC),
        )


async def test_a_file_waits_while_its_signer_is_not_known(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Without the filer's certificate a signed file is neither taken nor refused; once it is there it is taken."""
    async with world_at(tmp_path, directory_signed=True) as world:
        me = identity("GATEWAY")
        signature = cms.sign(
            MANIFEST, certificate=me.certificate, private_key=me.private_key, signed_at=datetime.now(UTC)
        )
        (world.inbox / "1.x12.p7s").write_bytes(signature)
        world.lay("1.x12")
        place = next(iter(places_of(world.running.settings).values()))
        assert place.root == world.root
        await world.until(lambda: "certificate is not known yet" in caplog.text)
        assert (world.inbox / "1.x12").exists()
        assert world.received() == []
        assert world.reasons() == []
        publish("GATEWAY", tmp_path / "exchange" / "gateway.pem")
        await world.until(lambda: world.received() == ["1.x12"])


async def test_a_commit_that_fails_leaves_the_file_and_a_crash_after_it_files_nothing_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The books cannot be written: the file stays and is taken later. It is found again after a crash: a repetition."""
    async with world_at(tmp_path) as world:
        with monkeypatch.context() as patch:
            tried: list[int] = []

            def broken(*_: Any, **__: Any) -> None:
                tried.append(1)
                raise sqlite3.OperationalError("disk I/O error")

            patch.setattr(world.running.runner.cbp, "receive", broken)
            world.lay("1.x12")
            await world.until(lambda: len(tried) > 1)
            assert (world.inbox / "1.x12").exists()
        await world.until(lambda: len(world.answers()) == 2)
    (world.inbox / "done" / "1.x12").rename(world.inbox / "1.x12")
    async with world_at(tmp_path) as world:
        await world.until(lambda: len(world.answers()) == 4)
        store = world.running.runner.cbp.store
        assert store.count("select count(*) from received where repeats is null") == 1
        assert store.count("select count(*) from bill") == 1


async def test_answers_wait_for_a_filer_that_fetches_nothing(tmp_path: Path) -> None:
    """So many files lie there at most; the rest waits on the pile and comes when there is room."""
    async with world_at(tmp_path, sftp_files=3) as world:
        world.lay("1.x12")
        world.lay("2.x12", manifest_309([SampleBill("2", kind="35")], trip="TSTC0000002", control=2))
        store = world.running.runner.cbp.store
        await world.until(lambda: store.count("select count(*) from answer where state = 'sent'") == 3)
        assert len(world.answers()) == 3
        assert store.count("select count(*) from answer where state = 'pending'") == 1
        for path in list(world.outbox.iterdir()):
            path.unlink()
        await world.until(lambda: len(world.answers()) == 1)


def test_directories_are_read_from_the_settings(tmp_path: Path) -> None:
    """Shut by default; under a root for every filer, or where a filer has one of its own."""
    assert places_of(Settings()) == {}
    filers = (Filer("A", tmp_path / "a.pem"), Filer("B", tmp_path / "b.pem", directory=tmp_path / "own"))
    assert {n: p.root for n, p in places_of(Settings(filers=filers)).items()} == {"B": tmp_path / "own"}
    rooted = places_of(Settings(filers=filers, directory_root=str(tmp_path / "all")))
    assert {n: p.root for n, p in rooted.items()} == {"A": tmp_path / "all" / "A", "B": tmp_path / "own"}
    file = tmp_path / "sandbox.toml"
    file.write_text('[[filer]]\nname = "A"\ncertificate = "a.pem"\ndirectory = "mine"\n', "utf-8")
    (filer,) = load_settings(file, {}).filers
    assert filer.directory == tmp_path / "mine"
    file.write_text('[[filer]]\nname = "A"\ncertificate = "a.pem"\ndirectory = 5\n', "utf-8")
    with pytest.raises(SettingsError, match="directory"):
        load_settings(file, {})


async def test_a_gateway_files_and_is_released_through_the_directory(tmp_path: Path) -> None:
    """Gateway and sandbox share folders, both sign and check: filed, answered, released, and the archive verifies."""
    now = [START]
    files = tmp_path / "files" / "GATEWAY"
    settings = load_gateway_settings(
        environ={},
        overrides={
            "storage": {"directory": tmp_path / "data"},
            "exchange": {"directory": tmp_path / "exchange"},
            "partners": {"cbp": {"transport": "directory", "outbox": files / "in", "inbox": files / "out"}},
        },
    )
    for path, content in zip((settings.private_key, settings.certificate), identity_files(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
    sandbox = settings_for(tmp_path, directory_signed=True, clock=START.isoformat(), body_limit=1 << 24)
    async with serving(sandbox) as running, Gateway.open(settings, clock=lambda: now[0]) as gateway:

        async def until(wanted: set[str]) -> None:
            end = time.monotonic() + 60
            while await states(gateway) != wanted:
                assert time.monotonic() < end
                gateway.wake()
                await asyncio.sleep(0.05)

        await file_trip(gateway, parcel(1), type86(2))
        await until({"on_file"})
        now[0] = START + timedelta(hours=3)
        running.runner.clock.set(now[0])
        await asyncio.to_thread(running.runner.cbp.arrive, TRIP, now[0])
        running.runner.wake()
        await until({"released"})
        assert await alerts(gateway) == []
        assert {row.channel for row in await inbound(gateway)} == {"directory"}
        assert (await gateway.store.read(archive.verify)).verified
        assert len(list((files / "in" / "done").glob("*.p7s"))) == 2
