"""What the SFTP road does when answers are lost, servers know no extensions, and files are not what they should be."""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.transports import InboundFile, OutboundFile, SftpInbox, Transport
from gateway.transports.sftp import BLOCK
from schemas.as2 import MAX_PAYLOAD_BYTES
from schemas.errors import FormatError, Problem, ShipmentError, TransportError
from tests.sftp_kit import NOW, Faulty, faulty, prepared

LARGE = bytes(range(256)) * 4096


class Script:
    """Does things at chosen operations; counts all of them."""

    def __init__(self, **acts: Any) -> None:
        self.acts = acts
        self.seen: list[str] = []

    def __call__(self, server: Faulty, what: str, arguments: tuple[Any, ...]) -> None:
        self.seen.append(what)
        if (act := self.acts.get(what)) is not None:
            act(server, *arguments)


def once(act: Any) -> Any:
    """The act, the first time only."""
    done: list[bool] = []

    def first(*arguments: Any) -> None:
        if not done:
            done.append(True)
            act(*arguments)

    return first


def cut(server: Faulty, *_: Any) -> None:
    """End the connection; no answer gets through."""
    server.connection.abort()


def fail(error: Exception) -> Any:
    """Answer with this error."""

    def act(*_: Any) -> None:
        raise error

    return act


async def send(folder: Path, script: Script, file: Any = None) -> Any:
    """Send one file to a server that follows the script."""
    async with faulty(folder, script) as server:
        link = server.link()
        try:
            return await server.transport(link).send(file or prepared())
        finally:
            await link.close()


async def code(folder: Path, script: Script, file: Any = None) -> tuple[str, bool]:
    """Code and doubt of the error that sending ends with."""
    with pytest.raises(TransportError) as caught:
        await send(folder, script, file)
    return caught.value.problems[0].code, caught.value.in_doubt


def names(folder: Path) -> list[str]:
    """What lies there, hidden files too."""
    return sorted(path.name for path in folder.iterdir())


async def test_a_lost_answer_after_the_rename_is_settled_by_looking(tmp_path: Path) -> None:
    """The file got its name and the answer was lost: it is found there, so it is a receipt and is not sent again."""
    script = Script(renamed=once(cut))
    receipt = await send(tmp_path, script)
    assert receipt.text.startswith("It stands as")
    assert script.seen.count("write") == 1
    assert names(tmp_path / "in") == [prepared().name]


async def test_a_rename_that_was_cut_off_is_asked_for_again(tmp_path: Path) -> None:
    """The request was lost, the whole hidden file is there: it gets its name at the second try."""
    script = Script(posix_rename=once(lambda server, *_: (cut(server), fail(asyncssh.SFTPFailure("cut"))())))
    receipt = await send(tmp_path, script)
    assert receipt.text.startswith("Written to")
    assert (script.seen.count("write"), script.seen.count("posix_rename")) == (1, 2)
    assert names(tmp_path / "in") == [prepared().name]


async def test_what_is_gone_after_a_lost_answer_stays_in_doubt(tmp_path: Path) -> None:
    """The partner takes files at once: neither name is there, so it may have it; the same bytes go next time."""

    def taken(server: Faulty, _: bytes, new: bytes) -> None:
        Path(new.decode()).unlink()
        cut(server)

    script = Script(renamed=once(taken))
    assert await code(tmp_path, script) == ("sftp-gone", True)
    assert script.seen.count("write") == 1


async def test_a_connection_that_always_breaks_at_the_rename_ends_in_doubt(tmp_path: Path) -> None:
    """Bounded: a few looks, then a doubt that the next attempt settles."""
    cutting = Script(posix_rename=lambda server, *_: (cut(server), fail(asyncssh.SFTPFailure("cut"))()))
    assert await code(tmp_path, cutting) == ("sftp-connection-lost", True)
    assert cutting.seen.count("posix_rename") == 3


async def test_a_cut_while_writing_is_no_doubt_and_the_next_attempt_goes_on(tmp_path: Path) -> None:
    """After some blocks the connection is cut: the next attempt reads back what is there and writes only the rest."""
    file = prepared(payload=LARGE)
    written: list[int] = []

    def note(server: Faulty, offset: int, data: bytes) -> None:
        written.append(offset)
        if len(written) > 1 and offset >= 2 * BLOCK and not server.connection.is_closed() and not hurt:
            hurt.append(True)
            cut(server)
            raise asyncssh.SFTPFailure("cut")

    hurt: list[bool] = []
    async with faulty(tmp_path, Script(write=note)) as server:
        link = server.link()
        with pytest.raises(TransportError) as caught:
            await server.transport(link).send(file)
        assert (caught.value.problems[0].code, caught.value.in_doubt) == ("sftp-connection-lost", False)
        kept = (server.inbox / f".{file.name}.part").stat().st_size
        assert 2 * BLOCK <= kept < len(LARGE)
        written.clear()
        await server.transport(link).send(file)
        await link.close()
    assert min(written) == kept
    assert (tmp_path / "in" / file.name).read_bytes() == LARGE


async def test_a_server_without_extensions_is_served_by_the_plain_rename(tmp_path: Path) -> None:
    """No fsync and no posix rename: the file arrives all the same."""
    unsupported = fail(asyncssh.SFTPOpUnsupported("no"))
    script = Script(fsync=unsupported, posix_rename=unsupported)
    await send(tmp_path, script)
    assert names(tmp_path / "in") == [prepared().name]
    assert "renamed" in script.seen


async def test_a_file_that_appears_during_the_upload_is_not_written_over(tmp_path: Path) -> None:
    """Looked for again right before the rename: the other one stays."""
    target = tmp_path / "in" / prepared().name
    script = Script(fsync=lambda *_: target.write_bytes(b"somebody else's"))
    assert await code(tmp_path, script) == ("sftp-name-taken", False)
    assert target.read_bytes() == b"somebody else's"


@pytest.mark.parametrize(
    ("operation", "error", "person"),
    [
        ("write", asyncssh.SFTPFailure("disk full"), False),
        ("fsync", asyncssh.SFTPFailure("I/O error"), False),
        ("open", asyncssh.SFTPPermissionDenied("read only"), True),
        ("posix_rename", asyncssh.SFTPPermissionDenied("not yours"), True),
    ],
)
async def test_the_servers_no_is_not_in_doubt(
    tmp_path: Path, operation: str, error: asyncssh.SFTPError, person: bool
) -> None:
    """It says what failed; a right that is missing needs a person, a full disk does not."""
    with pytest.raises(TransportError) as caught:
        await send(tmp_path, Script(**{operation: fail(error)}))
    assert (caught.value.problems[0].code, caught.value.in_doubt) == ("sftp-refused", False)
    assert error.reason in caught.value.problems[0].text
    assert caught.value.needs_person is person
    assert not (tmp_path / "in" / prepared().name).exists()


async def test_a_password_is_enough_where_the_server_wants_one(tmp_path: Path) -> None:
    """Without a key of ours, with a password: let in, or not."""

    class Door(asyncssh.SSHServer):
        def password_auth_supported(self) -> bool:
            return True

        def validate_password(self, username: str, password: str) -> bool:
            return (username, password) == ("filer", "correct horse")

    async with faulty(tmp_path) as known:
        server = await asyncssh.listen(
            "127.0.0.1", 0, server_host_keys=[known.host_key], server_factory=Door, sftp_factory=True
        )
        for password, let_in in (("correct horse", True), ("wrong", False)):
            link = known.link(port=server.get_port(), key=None, password=password)
            with nullcontext() if let_in else pytest.raises(TransportError, match="sftp-login") as caught:
                await known.transport(link).send(prepared())
            assert password not in str(caught) + repr(link.place)
            await link.close()
        server.close()
        await server.wait_closed()


def test_only_plain_names_and_sizes_are_prepared() -> None:
    """A path, a hidden or unfinished name, too many bytes: refused before anything is stored."""
    transport = Faultless.transport()
    assert isinstance(transport, Transport)
    for name in ("../x", "a/b", ".x", "x.part", "", "x" * 201, "x\n"):
        with pytest.raises(FormatError, match="sftp-name"):
            transport.prepare(OutboundFile(name, b"x", "text/plain"), message_id="<1@t>", at=NOW)
    with pytest.raises(FormatError, match="sftp-size"):
        transport.prepare(OutboundFile("x", bytes(MAX_PAYLOAD_BYTES + 1), "text/plain"), message_id="<1@t>", at=NOW)


async def test_what_was_prepared_for_another_road_does_not_go_this_way() -> None:
    """The stored road decides."""
    with pytest.raises(TransportError, match="sftp-wrong-road"):
        await Faultless.transport().send(replace(prepared(), road="as2"))


class Faultless:
    """A road that is never used."""

    @staticmethod
    def transport() -> Any:
        """To a server that nobody asks."""
        from gateway.transports import SftpLink, SftpPlace, SftpTransport
        from gateway.transports.ssh_keys import HostPins

        return SftpTransport(SftpLink(SftpPlace("127.0.0.1", 1, "nobody", HostPins)), "in")


# ------------------------------------------------------------------------------------------------- the way in


class Desk:
    """Whoever takes what an inbox brings."""

    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.taken: list[InboundFile] = []
        self.refusals: list[tuple[str, bytes, str]] = []

    async def accept(self, file: InboundFile) -> None:
        """Take it, or raise."""
        if self.fault is not None:
            raise self.fault
        self.taken.append(file)

    async def refused(self, name: str, body: bytes, problems: tuple[Problem, ...]) -> None:
        """Keep what was refused."""
        self.refusals.append((name, body, problems[0].code))


async def poll(folder: Path, desk: Desk, script: Script | None = None, times: int = 1, **options: Any) -> list[Any]:
    """Outcomes of the last of so many polls."""
    async with faulty(folder, script) as server:
        return await poll_at(server, desk, times, **options)


async def poll_at(server: Any, desk: Desk, times: int = 1, **options: Any) -> list[Any]:
    """Outcomes of the last of so many polls of one inbox."""
    link = server.link()
    try:
        inbox = SftpInbox(link, str(server.outbox), desk.accept, desk.refused, **{"steady_seconds": 0, **options})
        reports: list[Any] = []
        for _ in range(times):
            reports = [(report.name, report.outcome) for report in await inbox.poll()]
        return reports
    finally:
        await link.close()


@pytest.mark.parametrize("after", ["move", "delete"])
async def test_a_taken_file_is_moved_or_deleted_after_it_was_committed(tmp_path: Path, after: Any) -> None:
    """As set; an earlier file of the same name in done stays."""
    desk = Desk()
    async with faulty(tmp_path) as server:
        (server.outbox / "355.x12").write_bytes(b"ISA")
        (server.outbox / "done").mkdir()
        (server.outbox / "done" / "355.x12").write_bytes(b"earlier")
        assert await poll_at(server, desk, after=after) == [("355.x12", "accepted")]
        assert not (server.outbox / "355.x12").exists()
        kept = sorted(path.read_bytes() for path in (server.outbox / "done").iterdir())
    assert kept == ([b"ISA", b"earlier"] if after == "move" else [b"earlier"])
    assert [(file.name, file.payload) for file in desk.taken] == [("355.x12", b"ISA")]


async def test_a_file_that_cannot_be_taken_goes_aside_and_stops_nothing(tmp_path: Path) -> None:
    """Too large or refused by the desk: kept, moved to bad, and the next one is taken."""
    desk = Desk()
    async with faulty(tmp_path) as server:
        (server.outbox / "1 large.txt").write_bytes(bytes(101))
        (server.outbox / "2.txt").write_bytes(b"good")
        reports = await poll_at(server, desk, max_bytes=100)
        assert reports == [("1 large.txt", "refused"), ("2.txt", "accepted")]
        assert names(server.outbox / "bad") == ["1 large.txt"]
        (server.outbox / "3.txt").write_bytes(b"not for us")
        assert await poll_at(server, refusing := Desk(ShipmentError(Problem("no", "", "No.")))) == [
            ("3.txt", "refused")
        ]
    assert desk.refusals == [("1 large.txt", b"", "sftp-size")]
    assert refusing.refusals == [("3.txt", b"not for us", "no")]


async def test_a_desk_that_is_away_leaves_the_file_where_it_is(tmp_path: Path) -> None:
    """The database is down: the error goes up, the file stays for the next poll."""
    async with faulty(tmp_path) as server:
        (server.outbox / "355.x12").write_bytes(b"ISA")
        with pytest.raises(RuntimeError):
            await poll_at(server, Desk(RuntimeError("database")))
        assert (server.outbox / "355.x12").exists()


async def test_where_nothing_may_be_moved_nothing_is_read_twice(tmp_path: Path) -> None:
    """A folder that we may only read: each file is taken once; changed, it is taken again."""
    denied = fail(asyncssh.SFTPPermissionDenied("read only"))
    script = Script(rename=denied, remove=denied)
    desk = Desk()
    async with faulty(tmp_path, script) as server:
        (server.outbox / "355.x12").write_bytes(b"ISA")
        assert await poll_at(server, desk, times=3) == []
    assert [file.payload for file in desk.taken] == [b"ISA"]


@pytest.mark.parametrize("added", [b"more", b""])
async def test_a_file_that_changes_while_it_is_read_is_left_for_later(tmp_path: Path, added: bytes) -> None:
    """It grows, or is written anew in the same length, between listing and reading: not taken in this form."""
    changing = tmp_path / "out" / "355.x12"

    def change(*_: Any) -> None:
        changing.write_bytes(b"isa" + added)
        os.utime(changing, (2_000_000_000, 2_000_000_000))

    desk = Desk()
    async with faulty(tmp_path, Script(read=once(change))) as server:
        changing.write_bytes(b"ISA")
        assert await poll_at(server, desk) == [("355.x12", "waiting")]
        assert desk.taken == []
        assert await poll_at(server, desk) == [("355.x12", "accepted")]
    assert [file.payload for file in desk.taken] == [b"isa" + added]


async def test_a_missing_inbox_needs_a_person(tmp_path: Path) -> None:
    """There is no such folder: told as what it is."""
    async with faulty(tmp_path) as server:
        server.outbox.rmdir()
        with pytest.raises(TransportError) as caught:
            await poll_at(server, Desk())
    assert (caught.value.problems[0].code, caught.value.needs_person) == ("sftp-refused", True)
