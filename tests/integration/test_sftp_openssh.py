"""The SFTP road against OpenSSH's own server: known by its key, whole files only, gone on with after a cut, bounded."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncssh
import pytest

from gateway.cli import main
from gateway.transports import InboundFile, SftpInbox, SftpLink
from gateway.transports.sftp import BLOCK
from gateway.transports.ssh_keys import make_client_key, public_line
from schemas.errors import Problem, TransportError
from tests.sftp_kit import NOW, Server, openssh, prepared

LARGE = b"".join(number.to_bytes(4, "big") for number in range(2_000_000))
SMALL_FILES = 1000
SECONDS_FOR_THEM = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """OpenSSH, for one test."""
    with openssh(tmp_path) as running:
        yield running


@pytest.fixture
async def link(server: Server) -> AsyncIterator[SftpLink]:
    """A connection to it."""
    made = server.link()
    yield made
    await made.close()


def names(folder: Path) -> list[str]:
    """What lies there, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


async def test_a_file_arrives_whole_and_the_same_again_changes_nothing(server: Server, link: SftpLink) -> None:
    """Written, flushed and renamed; sent again it stands there already; the receipt names the server and its key."""
    file = prepared()
    first = await server.transport(link).send(file)
    again = await server.transport(link).send(file)
    assert names(server.inbox) == [file.name]
    assert (server.inbox / file.name).read_bytes() == file.body
    assert (first.refused, first.received_at, first.message_id) == (False, NOW, "<1@test>")
    assert first.headers["SFTP-Host-Key"] == server.host_key.get_fingerprint("sha256")
    assert again.text.startswith("It stands as")


async def test_a_wrong_host_key_is_refused_before_anything_is_told(server: Server, tmp_path: Path) -> None:
    """Another key than the pinned one: no login, no file, an error that says both and that a person must look."""
    other = make_client_key(tmp_path / "other")
    for pinned in (public_line(other), other.get_fingerprint("sha256")):
        link = server.link(pinned=pinned)
        with pytest.raises(TransportError) as caught:
            await server.transport(link).send(prepared())
        assert caught.value.problems[0].code == "sftp-host-key"
        assert (caught.value.in_doubt, caught.value.needs_person) == (False, True)
        assert server.host_key.get_fingerprint("sha256") in caught.value.problems[0].text
        assert other.get_fingerprint("sha256") in caught.value.problems[0].text
    assert names(server.inbox) == []
    assert "Accepted" not in (tmp_path / "sshd.log").read_text()


async def test_without_a_known_key_no_connection_is_made(server: Server) -> None:
    """Nothing is learnt from the server: no pin, no connection."""
    with pytest.raises(TransportError) as caught:
        await server.transport(server.link(pinned="")).send(prepared())
    assert (caught.value.problems[0].code, caught.value.needs_person) == ("sftp-host-key-unknown", True)


async def test_a_server_is_known_by_a_fingerprint_of_any_of_its_keys(tmp_path: Path) -> None:
    """It has three kinds of keys; the fingerprint, or the line of known_hosts, of each is enough."""
    kinds = {"rsa": "ssh-rsa", "ecdsa": "ecdsa-sha2-nistp256"}
    keys = {}
    for name, algorithm in kinds.items():
        keys[name] = asyncssh.generate_private_key(algorithm)
        (tmp_path / name).touch(mode=0o600)
        (tmp_path / name).write_bytes(keys[name].export_private_key("openssh"))
    with openssh(tmp_path, host_keys=("host_key", *kinds)) as server:
        for key in (server.host_key, *keys.values()):
            fingerprint = key.get_fingerprint("sha256")
            for pinned in (fingerprint, f"[127.0.0.1]:{server.port} {public_line(key)}"):
                link = server.link(pinned=pinned)
                await link.client()
                assert link.host_key == fingerprint
                await link.close()


async def test_the_command_shows_the_host_keys_and_whether_they_are_known(
    server: Server, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Status 1 while none of them is known, 0 with the right fingerprint; nothing is written down."""
    fingerprint = server.host_key.get_fingerprint("sha256")
    monkeypatch.setenv("GATEWAY_EXCHANGE__DIRECTORY", str(tmp_path / "exchange"))
    monkeypatch.setenv("GATEWAY_PARTNERS__CBP__SFTP__PORT", str(server.port))
    for pinned, status in (("", 1), (fingerprint, 0)):
        monkeypatch.setenv("GATEWAY_PARTNERS__CBP__SFTP__HOST_KEY", pinned)
        assert await asyncio.to_thread(main, ["keys", "host", "--json"]) == status
        (key,) = json.loads(capsys.readouterr().out)["keys"]
        assert (key["fingerprint"], key["known"]) == (fingerprint, status == 0)
    assert not (tmp_path / "exchange").exists()


async def test_a_stranger_is_not_let_in(server: Server, tmp_path: Path) -> None:
    """A key the server does not know: refused, and a person must look."""
    with pytest.raises(TransportError) as caught:
        await server.transport(server.link(key=make_client_key(tmp_path / "stranger"))).send(prepared())
    assert (caught.value.problems[0].code, caught.value.needs_person) == ("sftp-login", True)
    assert not caught.value.in_doubt


async def test_a_server_that_is_away_or_mute_is_told_in_time(server: Server) -> None:
    """Nobody listens, or somebody listens and says nothing: not in doubt, within the time that was set."""
    begin = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as mute:
        link = server.link(port=mute.getsockname()[1], connect_seconds=0.5)
        with pytest.raises(TransportError) as caught:
            await server.transport(link).send(prepared())
    assert (caught.value.problems[0].code, caught.value.in_doubt) == ("sftp-not-connected", False)
    server.stop()
    with pytest.raises(TransportError) as caught:
        await server.transport(server.link()).send(prepared())
    assert (caught.value.problems[0].code, caught.value.in_doubt) == ("sftp-not-connected", False)
    assert time.monotonic() - begin < 5


async def test_a_server_that_stops_answering_is_given_up(server: Server) -> None:
    """Its sessions are stopped: that is found out in the time that was set; before the rename it is no doubt."""
    link = server.link(operation_seconds=0.5)
    await link.client()
    server.pause()
    begin = time.monotonic()
    with pytest.raises(TransportError) as caught:
        await server.transport(link).send(prepared())
    assert (caught.value.problems[0].code, caught.value.in_doubt) == ("sftp-connection-lost", False)
    assert time.monotonic() - begin < 5
    await link.close()


async def test_killing_the_server_amid_an_upload_and_sending_again(server: Server, link: SftpLink) -> None:
    """SIGKILL while the file is written: not in doubt, no file under its name; then the rest is added to it."""
    file = prepared(payload=LARGE)
    part = server.inbox / f".{file.name}.part"
    sending = asyncio.create_task(server.transport(link).send(file))
    while not part.exists() or part.stat().st_size < 2 * BLOCK:
        assert not sending.done()
        await asyncio.sleep(0.001)
    server.stop()
    with pytest.raises(TransportError) as caught:
        await sending
    assert (caught.value.problems[0].code, caught.value.in_doubt) == ("sftp-connection-lost", False)
    assert names(server.inbox) == [part.name]
    there = part.stat()
    assert 2 * BLOCK <= there.st_size < len(LARGE)

    server.start()
    await server.transport(link).send(file)
    assert names(server.inbox) == [file.name]
    final = server.inbox / file.name
    assert final.read_bytes() == LARGE
    assert final.stat().st_ino == there.st_ino


async def test_what_lies_there_is_believed_only_as_far_as_it_is_ours(server: Server, link: SftpLink) -> None:
    """A rest of another file, a longer one, a damaged one: the file arrives as it is all the same."""
    file = prepared(payload=LARGE[: 3 * BLOCK + 7])
    damaged = bytearray(file.body)
    damaged[BLOCK + 5] ^= 1
    for rest in (b"", b"something else", file.body[:1000], bytes(damaged), file.body, file.body + b"more"):
        (server.inbox / f".{file.name}.part").write_bytes(rest)
        await server.transport(link).send(file)
        assert names(server.inbox) == [file.name]
        assert (server.inbox / file.name).read_bytes() == file.body
        (server.inbox / file.name).unlink()


async def test_another_file_under_the_name_is_never_written_over(server: Server, link: SftpLink) -> None:
    """Of the same or another size: it stays, and a person is told."""
    file = prepared()
    for other in (b"other", bytes(len(file.body))):
        (server.inbox / file.name).write_bytes(other)
        with pytest.raises(TransportError) as caught:
            await server.transport(link).send(file)
        assert (caught.value.problems[0].code, caught.value.in_doubt) == ("sftp-name-taken", False)
        assert (server.inbox / file.name).read_bytes() == other


async def test_a_missing_folder_is_a_matter_for_a_person(server: Server, link: SftpLink) -> None:
    """The folder is not made for the partner: refused, not in doubt."""
    server.inbox.rmdir()
    with pytest.raises(TransportError) as caught:
        await server.transport(link).send(prepared())
    assert (caught.value.problems[0].code, caught.value.needs_person) == ("sftp-refused", True)
    assert not caught.value.in_doubt


async def test_a_thousand_files_go_and_come_within_a_minute(server: Server, link: SftpLink) -> None:
    """Sent eight at a time over one connection; taken back, each once, in the order of names."""
    files = [prepared(f"SE-XYZ-{number:07d}.txt", b"%07d" % number * 100) for number in range(SMALL_FILES)]
    transport = server.transport(link)
    gate = asyncio.Semaphore(8)

    async def send(number: int) -> None:
        async with gate:
            await transport.send(files[number])

    begin = time.monotonic()
    await asyncio.gather(*(send(number) for number in range(SMALL_FILES)))
    assert names(server.inbox) == [file.name for file in files]

    taken: list[InboundFile] = []
    inbox = SftpInbox(link, str(server.inbox), _keeping(taken), _never, steady_seconds=0)
    while await inbox.poll():
        pass
    assert time.monotonic() - begin < SECONDS_FOR_THEM
    assert [(file.name, file.payload) for file in taken] == [(file.name, file.body) for file in files]
    assert names(server.inbox) == ["done"]
    assert len(names(server.inbox / "done")) == SMALL_FILES


async def test_files_under_way_are_never_taken(server: Server, link: SftpLink) -> None:
    """Hidden, unfinished, a folder, a link, or growing between two looks: left alone until it is a finished file."""
    now = [0.0]
    taken: list[InboundFile] = []
    inbox = SftpInbox(link, str(server.outbox), _keeping(taken), _never, steady_seconds=2, clock=lambda: now[0])
    for name in (".355.x12.part", "355.x12.part", "355.x12.tmp", "355.x12.filepart", ".hidden"):
        (server.outbox / name).write_bytes(b"half")
    (server.outbox / "folder").mkdir()
    (server.outbox / "link").symlink_to("/etc/hostname")
    growing = server.outbox / "997.x12"
    growing.write_bytes(b"ISA")
    assert [(report.name, report.outcome) for report in await inbox.poll()] == [("997.x12", "waiting")]
    now[0] = 3.0
    growing.write_bytes(b"ISA*GS")
    assert [report.outcome for report in await inbox.poll()] == ["waiting"]
    assert taken == []
    now[0] = 6.0
    assert [report.outcome for report in await inbox.poll()] == ["accepted"]
    assert [file.payload for file in taken] == [b"ISA*GS"]
    (server.outbox / ".355.x12.part").rename(server.outbox / "355.x12")
    await inbox.poll()
    now[0] = 9.0
    assert [(report.name, report.outcome) for report in await inbox.poll()] == [("355.x12", "accepted")]
    assert names(server.outbox / "done") == ["355.x12", "997.x12"]


async def test_the_server_killed_while_answers_are_fetched(server: Server, link: SftpLink) -> None:
    """A cut between taking in and moving away: the file comes again under its name and digest, and none is lost."""
    for number in range(3):
        (server.outbox / f"{number}.txt").write_bytes(b"%d" % number)
    taken: list[InboundFile] = []

    async def accept(file: InboundFile) -> None:
        taken.append(file)
        if len(taken) == 2:
            server.stop()

    inbox = SftpInbox(link, str(server.outbox), accept, _never, steady_seconds=0, after="delete")
    with pytest.raises(TransportError) as caught:
        await inbox.poll()
    assert caught.value.problems[0].code == "sftp-connection-lost"
    server.start()
    await inbox.poll()
    assert [file.name for file in taken] == ["0.txt", "1.txt", "1.txt", "2.txt"]
    assert names(server.outbox) == []


def _keeping(taken: list[InboundFile]):  # type: ignore[no-untyped-def]
    async def accept(file: InboundFile) -> None:
        taken.append(file)

    return accept


async def _never(name: str, body: bytes, problems: tuple[Problem, ...]) -> None:
    pytest.fail(f"{name} was refused: {problems}")
