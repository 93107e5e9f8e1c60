"""A whole gateway that files by SFTP: with the simulated CBP's door, and with OpenSSH between the two."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from filings import archive, queries
from gateway.runtime import Gateway
from gateway.settings import Settings, load_settings
from gateway.sftp_road import client_key_line
from gateway.transports.ssh_keys import make_client_key, public_line
from sandbox.app import serving
from sandbox.settings import Settings as SandboxSettings
from sandbox.testing import LoopbackCbp
from tests.filing_kit import START, TRIP, parcel, type86
from tests.http_service import identity_files
from tests.integration.test_runtime import alerts, file_trip, idle, inbound, states
from tests.sftp_kit import Server, openssh


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """OpenSSH, for one test."""
    folder = tmp_path / "server"
    folder.mkdir()
    with openssh(folder) as running:
        yield running


def settings_for(folder: Path, **sftp: Any) -> Settings:
    """A gateway whose partner is reached by SFTP, with keys that were made before."""
    settings = load_settings(
        environ={},
        overrides={
            "storage": {"directory": folder / "data"},
            "exchange": {"directory": folder / "exchange"},
            "partners": {
                "cbp": {"transport": "sftp", "sftp": {"poll_seconds": 0.05, "steady_seconds": 0, **sftp}},
            },
        },
    )
    for path, content in zip((settings.private_key, settings.certificate), identity_files(), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_bytes(content)
    return settings


async def until(gateway: Gateway, wanted: set[str]) -> None:
    """Wait until all shipments are so."""
    end = time.monotonic() + 30
    while await states(gateway) != wanted:
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def test_a_trip_is_filed_and_released_over_the_sandboxs_sftp_door(tmp_path: Path) -> None:
    """Workers and sandbox run by themselves: filed, answered, released; the channel and the host key are on record."""
    now = [START]
    sandbox = SandboxSettings(
        data_dir=tmp_path / "sandbox",
        exchange_dir=tmp_path / "exchange",
        as2_port=0,
        control_port=0,
        sftp_port=0,
        clock=START.isoformat(),
        frozen=True,
    )
    async with serving(sandbox) as running:
        settings = settings_for(tmp_path, port=running.ports.sftp)
        async with Gateway.open(settings, clock=lambda: now[0]) as gateway:
            await file_trip(gateway, parcel(1), type86(2))
            gateway.wake()
            await until(gateway, {"on_file"})
            now[0] = START + timedelta(hours=3)
            running.runner.clock.set(now[0])
            await asyncio.to_thread(running.runner.cbp.arrive, TRIP, now[0])
            running.runner.wake()
            await until(gateway, {"released"})
            assert await alerts(gateway) == []
            assert {(row.channel, row.receipt["host_key"][:7]) for row in await inbound(gateway)} == {
                ("sftp", "SHA256:")
            }
            assert (await gateway.store.read(archive.verify)).verified
    assert settings.sftp_key.stat().st_mode & 0o777 == 0o600
    assert settings.sftp_public_key.read_text().startswith("ssh-ed25519 ")


async def test_a_trip_is_filed_and_released_over_openssh(tmp_path: Path, server: Server) -> None:
    """The same with OpenSSH as the server: files lie in its folders, answers are fetched and put away there."""
    settings = settings_for(
        tmp_path,
        port=server.port,
        user=server.user,
        host_key=server.host_key.get_fingerprint("sha256"),
        outbox=str(server.inbox),
        inbox=str(server.outbox),
    )
    (server.folder / "authorized_keys").write_text(client_key_line(settings) + "\n")
    cbp = LoopbackCbp(START)
    now = [START]
    async with Gateway.open(settings, clock=lambda: now[0], work=False) as gateway:
        await file_trip(gateway, parcel(1), type86(2))
        await idle(gateway)
        manifest, entries = sorted(server.inbox.iterdir())
        assert (manifest.suffix, entries.suffix) == (".x12", ".txt")
        answers = [answer for sent in (manifest, entries) for answer in cbp.send(sent.read_bytes())]
        await _fetched(gateway, server, answers)
        assert await states(gateway) == {"on_file"}
        now[0] = START + timedelta(hours=3)
        cbp.clock.set(now[0])
        await _fetched(gateway, server, cbp.arrive(TRIP))
        assert await states(gateway) == {"released"}
        assert await alerts(gateway) == []
    assert [path.name for path in server.outbox.iterdir()] == ["done"]


async def _fetched(gateway: Gateway, server: Server, answers: list[Any]) -> None:
    """Lay the answers out, and let the gateway work until it has them."""
    for answer in answers:
        (server.outbox / f"{answer.id:04d}-{answer.name}").write_bytes(answer.payload)
    end = time.monotonic() + 20
    while any(path.is_file() for path in server.outbox.iterdir()):
        assert time.monotonic() < end
        await idle(gateway)
        await asyncio.sleep(0.06)
    await idle(gateway)


async def test_a_wrong_host_key_is_told_to_a_person_at_once(tmp_path: Path, server: Server) -> None:
    """The first attempt raises an alert for the file and one for the server; nothing has left, nothing is in doubt."""
    other = make_client_key(tmp_path / "other")
    settings = settings_for(tmp_path, port=server.port, host_key=public_line(other))
    async with Gateway.open(settings, clock=lambda: START, work=False) as gateway:
        await file_trip(gateway, parcel(1))
        for worker in gateway.workers[:2]:
            while await worker.turn():
                pass
        (told,) = await gateway.store.read(queries.alerts)
        assert (told["kind"], "shows the host key" in told["text"]) == ("not_delivered", True)
        assert not {"in_doubt", "on_file"} & await states(gateway)
        for _ in range(2):
            with pytest.raises(Exception, match="sftp-host-key"):
                await gateway.workers[-1].turn()
        assert sorted(await alerts(gateway)) == ["not_delivered", "partner_not_usable"]
    assert list(server.inbox.iterdir()) == []
