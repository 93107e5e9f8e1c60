"""Files go through folders whole, signed and once, and a bad one never stops the next."""

from __future__ import annotations

import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.transports import (
    DirectoryInbox,
    DirectoryTransport,
    InboundFile,
    OutboundFile,
    PreparedTransmission,
    Transport,
    directory,
)
from schemas.errors import Problem, ShipmentError, TransportError
from tests.as2_kit import NOW, PAYLOAD, alpha, code_of, key_files, mallory, openssl, partner

FILE = OutboundFile("SFIC2503100001.x12", PAYLOAD, "application/EDI-X12")


@dataclass
class Desk:
    """Whoever takes the files of an inbox."""

    accepted: list[InboundFile] = field(default_factory=list)
    refusals: list[tuple[str, bytes, tuple[Problem, ...]]] = field(default_factory=list)
    fault: Exception | None = None
    faulty: str = ""

    async def accept(self, file: InboundFile) -> None:
        if self.fault is not None and self.faulty in file.name:
            raise self.fault
        self.accepted.append(file)

    async def refused(self, name: str, payload: bytes, problems: tuple[Problem, ...]) -> None:
        self.refusals.append((name, payload, problems))


def outbox(folder: Path) -> DirectoryTransport:
    return DirectoryTransport(folder, identity=alpha(), clock=lambda: NOW)


def inbox(folder: Path, desk: Desk, **changes: object) -> DirectoryInbox:
    arguments: dict[str, object] = {"partner": partner(alpha()), "clock": lambda: NOW}
    return DirectoryInbox(folder, desk.accept, desk.refused, **(arguments | changes))  # type: ignore[arg-type]


def prepared(transport: DirectoryTransport, file: OutboundFile = FILE) -> PreparedTransmission:
    return transport.prepare(file, message_id="<m-1@alpha.example>", at=NOW)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


async def deliver(folder: Path, *files: str) -> None:
    transport = outbox(folder)
    for name in files:
        await transport.send(prepared(transport, replace(FILE, name=name)))


async def test_a_file_goes_from_outbox_to_done(tmp_path: Path) -> None:
    """Written whole with its signature, read, verified, accepted and put away with its signature."""
    desk = Desk()
    transport = outbox(tmp_path)
    receipt = await transport.send(prepared(transport))
    there = names(tmp_path)
    reports = await inbox(tmp_path, desk).poll()

    assert isinstance(transport, Transport)
    assert (receipt.refused, receipt.received_at) == (False, NOW)
    assert there == ["SFIC2503100001.x12", "SFIC2503100001.x12.p7s"]
    assert [(f.name, f.payload, f.signed_by) for f in desk.accepted] == [(FILE.name, PAYLOAD, "ALPHA")]
    assert [(r.name, r.outcome) for r in reports] == [(FILE.name, "accepted")]
    assert names(tmp_path) == ["bad", "done"]
    assert names(tmp_path / "done") == ["SFIC2503100001.x12", "SFIC2503100001.x12.p7s"]


async def test_openssl_verifies_the_signature_beside_the_file(tmp_path: Path) -> None:
    """Whoever reads the folder needs nothing of ours to check a file."""
    certificate, _ = key_files(alpha(), tmp_path)
    folder = tmp_path / "out"
    await deliver(folder, "a.x12")

    content = openssl(
        *("cms", "-verify", "-binary", "-inform", "DER", "-in", folder / "a.x12.p7s", "-content", folder / "a.x12"),
        *("-CAfile", certificate, "-partial_chain", "-attime", str(int(NOW.timestamp()))),
    )

    assert content == PAYLOAD


async def test_a_repetition_writes_the_same_file(tmp_path: Path) -> None:
    """After a crash the stored bytes are written again: no second file, no other content."""
    transport = outbox(tmp_path)
    ready = PreparedTransmission.from_dict(json.loads(json.dumps(prepared(transport).as_dict())))
    await transport.send(ready)
    (tmp_path / "SFIC2503100001.x12.p7s").unlink()
    await transport.send(ready)

    assert names(tmp_path) == ["SFIC2503100001.x12", "SFIC2503100001.x12.p7s"]
    assert (tmp_path / "SFIC2503100001.x12").read_bytes() == PAYLOAD


async def test_another_file_under_the_name_is_left_alone(tmp_path: Path) -> None:
    """A name that is taken by other content is a fault; nothing is overwritten."""
    (tmp_path / FILE.name).write_bytes(b"theirs")
    transport = outbox(tmp_path)

    with pytest.raises(TransportError) as caught:
        await transport.send(prepared(transport))

    assert (caught.value.in_doubt, caught.value.problems[0].code) == (False, "directory-name-taken")
    assert (tmp_path / FILE.name).read_bytes() == b"theirs"


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "x.part", "x.p7s", "a b", "é", "x" * 201])
def test_a_name_must_be_plain(tmp_path: Path, name: str) -> None:
    """Paths, hidden names and the names of half-written files and signatures are refused before anything is made."""
    assert code_of(lambda: prepared(outbox(tmp_path), replace(FILE, name=name))) == "directory-name"


async def test_a_fault_before_the_file_appears_is_not_in_doubt(tmp_path: Path) -> None:
    """The folder cannot be written: nothing has appeared."""
    blocked = tmp_path / "blocked"
    blocked.write_bytes(b"a file where the folder should be")
    transport = outbox(blocked)

    with pytest.raises(TransportError) as caught:
        await transport.send(prepared(transport))

    assert caught.value.in_doubt is False


async def test_a_fault_after_the_file_appeared_is_in_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rename was done and the folder could not be flushed: it may be there after a power cut, or not."""
    transport = outbox(tmp_path)
    real = directory._sync_folder

    def fail_once_it_is_there(folder: Path) -> None:
        if (tmp_path / FILE.name).exists():
            raise OSError(5, "Input/output error")
        real(folder)

    monkeypatch.setattr(directory, "_sync_folder", fail_once_it_is_there)
    with pytest.raises(TransportError) as caught:
        await transport.send(prepared(transport))

    assert caught.value.in_doubt is True


async def test_a_crash_while_writing_shows_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk fails in the middle, only the part file is there, which no inbox reads."""
    transport = outbox(tmp_path)
    real = os.fsync
    calls = []

    def fail_on_the_file(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == 3:  # signature, its folder, then the file
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fail_on_the_file)
    with pytest.raises(TransportError) as caught:
        await transport.send(prepared(transport))
    monkeypatch.undo()
    desk = Desk()

    assert caught.value.in_doubt is False
    assert FILE.name not in names(tmp_path)
    assert await inbox(tmp_path, desk).poll() == []


async def test_another_roads_transmission_is_not_written(tmp_path: Path) -> None:
    """What was prepared for AS2, or under another name, does not become a file."""
    transport = outbox(tmp_path)
    for changed in (replace(prepared(transport), road="as2"), replace(prepared(transport), name="../x")):
        with pytest.raises(TransportError, match="directory-wrong-road"):
            await transport.send(changed)


async def test_files_are_taken_in_the_order_of_their_names(tmp_path: Path) -> None:
    """Control numbers in names keep their order."""
    desk = Desk()
    await deliver(tmp_path, "0003.x12", "0001.x12", "0002.x12")
    await inbox(tmp_path, desk).poll()

    assert [f.name for f in desk.accepted] == ["0001.x12", "0002.x12", "0003.x12"]


def _change(folder: Path) -> None:
    path = folder / "0001.x12"
    path.write_bytes(path.read_bytes() + b" ")


def _sign_as_another(folder: Path) -> None:
    transport = DirectoryTransport(folder, identity=mallory())
    (folder / "0001.x12.p7s").write_bytes(prepared(transport).signature)


def _cut_signature(folder: Path) -> None:
    path = folder / "0001.x12.p7s"
    path.write_bytes(path.read_bytes()[:-10])


def _swap_signature(folder: Path) -> None:
    (folder / "0001.x12.p7s").write_bytes(b"x" * 70_000)


def _nothing(_: Path) -> None:
    return


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (_change, "as2-integrity-check-failed"),
        (_sign_as_another, "as2-authentication-failed"),
        (_cut_signature, "as2-integrity-check-failed"),
        (_swap_signature, "directory-size"),
        (_nothing, "as2-authentication-failed"),
    ],
    ids=["changed file", "another signer", "cut signature", "huge signature", "expired certificate"],
)
async def test_a_file_that_does_not_verify_goes_to_bad(
    tmp_path: Path, damage: Callable[[Path], None], code: str
) -> None:
    """It is reported, recorded and put aside with the reason beside it; the next file is taken."""
    desk = Desk()
    await deliver(tmp_path, "0001.x12", "0002.x12")
    damage(tmp_path)
    changes: dict[str, object] = {"clock": lambda: NOW + timedelta(days=400)} if damage is _nothing else {}
    reports = await inbox(tmp_path, desk, **changes).poll()

    expected = ["refused", "refused" if damage is _nothing else "accepted"]
    assert [r.outcome for r in reports] == expected
    assert reports[0].problems[0].code == code
    assert desk.refusals[0][0] == "0001.x12"
    assert "0001.x12.problems.json" in names(tmp_path / "bad")
    assert json.loads((tmp_path / "bad" / "0001.x12.problems.json").read_text())[0]["code"] == code


async def test_a_file_waits_for_its_signature_a_while(tmp_path: Path) -> None:
    """A signature that comes late is taken; one that never comes is given up after a few polls."""
    desk = Desk()
    await deliver(tmp_path, "0001.x12", "0002.x12")
    late = (tmp_path / "0001.x12.p7s").read_bytes()
    for name in ("0001.x12.p7s", "0002.x12.p7s"):
        (tmp_path / name).unlink()
    box = inbox(tmp_path, desk)
    first = await box.poll()
    (tmp_path / "0001.x12.p7s").write_bytes(late)
    later = [report for _ in range(3) for report in await box.poll()]

    assert [r.outcome for r in first] == ["waiting", "waiting"]
    assert [f.name for f in desk.accepted] == ["0001.x12"]
    assert [(r.name, r.outcome) for r in later if r.outcome != "waiting"] == [
        ("0001.x12", "accepted"),
        ("0002.x12", "refused"),
    ]
    assert later[-1].problems[0].code == "as2-insufficient-message-security"


async def test_without_a_partner_no_signature_is_asked_for(tmp_path: Path) -> None:
    """An inbox may be agreed without signatures; then nobody is said to have signed."""
    desk = Desk()
    (tmp_path / "a.txt").write_bytes(b"hello")
    await inbox(tmp_path, desk, partner=None).poll()

    assert [(f.payload, f.signed_by) for f in desk.accepted] == [(b"hello", "")]


async def test_a_refusal_by_the_reader_goes_to_bad(tmp_path: Path) -> None:
    """When accept says no, the file is put aside; the others are taken."""
    desk = Desk(fault=ShipmentError(Problem("trip-unknown", "trip", "No such trip.")), faulty="0001")
    await deliver(tmp_path, "0001.x12", "0002.x12")
    reports = await inbox(tmp_path, desk).poll()

    assert [r.outcome for r in reports] == ["refused", "accepted"]
    assert [p[0].code for _, _, p in desk.refusals] == ["trip-unknown"]


@pytest.mark.parametrize(
    "fault", [RuntimeError("the database is away"), TransportError(Problem("x", "", "away"), in_doubt=False)]
)
async def test_a_store_that_fails_leaves_the_file_where_it_is(tmp_path: Path, fault: Exception) -> None:
    """Nothing was committed: the file stays and is taken by a later poll."""
    desk = Desk(fault=fault)
    await deliver(tmp_path, "0001.x12")
    box = inbox(tmp_path, desk)
    with pytest.raises(type(fault)):
        await box.poll()
    still_there = (tmp_path / "0001.x12").exists()
    desk.fault = None
    await box.poll()

    assert still_there
    assert [f.name for f in desk.accepted] == ["0001.x12"]


async def test_a_crash_before_the_move_brings_the_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepted and not yet put away: the next poll gives the same name and digest, which the store recognises."""
    desk = Desk()
    await deliver(tmp_path, "0001.x12")
    box = inbox(tmp_path, desk)

    def crash(*_: object) -> Awaitable[None]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(box, "_move", crash)
        with pytest.raises(KeyboardInterrupt):
            await box.poll()
    await box.poll()

    assert len(desk.accepted) == 2
    assert desk.accepted[0] == desk.accepted[1]


async def test_a_crash_between_file_and_signature_refuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When only one of the two has been put away, the file that was accepted is not taken again or called unsigned."""
    desk = Desk()
    await deliver(tmp_path, "a.txt")
    real, moved = Path.replace, list[Path]()

    def dies_after_one(self: Path, target: Path) -> Path:
        if moved:
            raise KeyboardInterrupt
        moved.append(target)
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", dies_after_one)
        with pytest.raises(KeyboardInterrupt):
            await inbox(tmp_path, desk).poll()
    fresh = inbox(tmp_path, desk)
    for _ in range(5):  # longer than a file may wait for its signature
        assert await fresh.poll() == []
    assert len(desk.accepted) == 1
    assert desk.refusals == []
    assert (tmp_path / "done" / "a.txt").read_bytes() == PAYLOAD


async def test_what_is_no_plain_file_is_not_read(tmp_path: Path) -> None:
    """Links, folders, hidden and half-written files are passed over; an odd name is put aside under a plain one."""
    desk = Desk()
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "link.x12").symlink_to(secret)
    (folder / "folder.x12").mkdir()
    (folder / ".hidden").write_bytes(b"x")
    (folder / "half.x12.part").write_bytes(b"x")
    (folder / "odd name \udcff.x12").write_bytes(b"x")
    os.mkfifo(folder / "pipe.x12")
    reports = await inbox(folder, desk, partner=None).poll()

    assert desk.accepted == []
    assert [(r.outcome, r.problems[0].code) for r in reports] == [("refused", "directory-name")]
    assert all(name.startswith("named-") for name in names(folder / "bad"))


async def test_a_file_that_is_too_large_goes_to_bad(tmp_path: Path) -> None:
    """The bound holds before the file is held in memory."""
    desk = Desk()
    await deliver(tmp_path, "0001.x12")
    reports = await inbox(tmp_path, desk, max_bytes=len(PAYLOAD) - 1).poll()

    assert reports[0].problems[0].code == "directory-size"


async def test_a_name_that_comes_again_does_not_cover_the_first(tmp_path: Path) -> None:
    """Both files are kept in done."""
    desk = Desk()
    for _ in range(3):
        await deliver(tmp_path, "0001.x12")
        await inbox(tmp_path, desk).poll()

    assert [n for n in names(tmp_path / "done") if not n.endswith(".p7s")] == ["0001.x12", "0001.x12.2", "0001.x12.3"]
