"""What CBP's answers do: every kind of them, and the same set of them in any order, once or twice."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection

from filings import archive, awaited, queries, receiving
from filings.context import FilingContext, Limits
from filings.lifecycle import ShipmentFacts
from filings.store import Store
from filings.store import tables as t
from sandbox.cbp import Answer
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from tests.filing_kit import TRIP, Desk, formal, informal, marked, parcel, review, snapshot, takes, type86


@pytest.fixture
def desk(filing_store: Store) -> Desk:
    """An empty desk on each engine."""
    return Desk(filing_store)


async def later(desk: Desk, cbp: LoopbackCbp, **units: float) -> list[Answer]:
    """Time passes on both sides; what CBP says meanwhile is heard."""
    answers = cbp.advance(**units)
    desk.later(**units)
    await desk.hear(*(one.payload for one in answers))
    return answers


async def said(desk: Desk, shipment_id: str, source: str) -> list[tuple[str, str, str]]:
    """What was kept of one shipment from one kind of answer: meaning, code, field."""
    key = (await desk.shipment(shipment_id)).key
    found = await desk.table(t.outcomes, t.outcomes.c.id)
    return [
        (one.meaning, one.code or "", one.field_path or "")
        for one in found
        if one.shipment_key == key and one.source == source
    ]


async def manifest_state(desk: Desk) -> str:
    """Where the manifest's filing stands."""
    return next(str(row.state) for row in await desk.table(t.filings) if row.kind == "manifest")


# ------------------------------------------------------------------------------- the answer to a 309


async def test_a_997_that_rejects_refuses_everything_in_it(desk: Desk) -> None:
    """Nothing of a refused 309 is on file: its shipments and the manifest are rejected, and the entries wait."""
    await desk.file(parcel(1), type86(2))
    manifest, _ = await desk.send()
    (answer,) = LoopbackCbp(desk.now).send(manifest.replace(b"~P4*", b"~PX*"))
    await desk.hear(answer.payload)
    assert await desk.states() == {"P-0001": "rejected", "P-0002": "rejected"}
    assert await manifest_state(desk) == "rejected"
    assert [row.answered_at is not None for row in await desk.outgoing("309")] == [True]
    assert [event.type for event in await desk.told("filing.rejected", "trip.blocked")] == [
        "filing.rejected",
        "trip.blocked",
    ]
    steps = await desk.look(lambda conn: queries.timeline(conn, "TSTC00000000001"))
    assert "syntax_rejected" in [step["what"] for step in steps]
    await desk.check_books()


async def test_a_ta1_that_rejects_refuses_everything_in_it(desk: Desk) -> None:
    """An interchange that CBP cannot take is answered by a TA1 alone, and nothing of it is on file."""
    await desk.file(parcel(1))
    (manifest,) = await desk.send()
    (answer,) = LoopbackCbp(desk.now, behaviour=Behaviour(receiver_ids=("SOMEBODY",))).send(manifest)
    assert answer.kind == "TA1"
    await desk.hear(answer.payload)
    assert await desk.states() == {"P-0001": "rejected"}
    assert await manifest_state(desk) == "rejected"


async def test_a_997_that_accepts_says_nothing_about_the_content(desk: Desk) -> None:
    """After a 997 the shipments are filed and the truck waits as before."""
    await desk.file(parcel(1))
    (manifest,) = await desk.send()
    syntax, _ = LoopbackCbp(desk.now).send(manifest)
    await desk.hear(syntax.payload)
    assert await desk.states() == {"P-0001": "filed"}
    assert await manifest_state(desk) == "sent"
    assert (await desk.board())["decision"] == "wait"


async def test_a_355_that_accepts_puts_every_bill_on_file(desk: Desk) -> None:
    """A manifest on file lets shipments without an entry cross; the one with an entry waits for its SX."""
    await desk.file(parcel(1), parcel(2), type86(3))
    cbp = LoopbackCbp(desk.now)
    manifest, entries = await desk.send()
    await desk.hear(*(one.payload for one in cbp.send(manifest)))
    assert await desk.states() == {"P-0001": "on_file", "P-0002": "on_file", "P-0003": "filed"}
    assert await manifest_state(desk) == "accepted"
    assert (await desk.board())["decision"] == "wait"
    await desk.hear(*(one.payload for one in cbp.send(entries)))
    assert set((await desk.states()).values()) == {"on_file"}
    assert (await desk.board())["decision"] == "go"
    assert [event.type for event in await desk.told("trip.clear", "trip.blocked")] == ["trip.clear"]
    assert await desk.alerts() == []
    await desk.check_books()


async def test_a_355_that_rejects_some_leaves_the_others_on_file(desk: Desk) -> None:
    """Only what the 355 names is refused, with its code; the manifest as a whole is not accepted."""
    await desk.file(parcel(1), marked(parcel(2), "REJ007"), parcel(3))
    await desk.exchange(LoopbackCbp(desk.now))
    assert await desk.states() == {"P-0001": "on_file", "P-0002": "rejected", "P-0003": "on_file"}
    assert await manifest_state(desk) == "rejected"
    assert ("rejected", "007") in [one[:2] for one in await said(desk, "P-0002", "355")]
    board = await desk.board()
    assert board["decision"] == "no_go"
    assert [one["shipment_id"] for one in board["blocking"]] == ["P-0002"]
    assert [event.type for event in await desk.told("trip.blocked", "trip.clear")] == ["trip.blocked"]


async def test_a_355_that_rejects_the_trip_rejects_all(desk: Desk) -> None:
    """A fault of the trip itself leaves nothing on file, whether a bill is named or not."""
    await desk.file(parcel(1), marked(parcel(2), "REJ"), parcel(3))
    cbp = LoopbackCbp("2025-03-10T16:00:00-04:00", behaviour=Behaviour(one_hour_rule="reject"))
    await desk.exchange(cbp)
    assert set((await desk.states()).values()) == {"rejected"}
    assert await manifest_state(desk) == "rejected"


async def test_a_355_about_a_bill_that_is_not_ours_refuses_none_of_ours(desk: Desk) -> None:
    """A refused bill that nobody here knows is raised to a person; it is not taken for the trip's own refusal."""
    await desk.file(parcel(1), marked(parcel(2), "REJ"))
    (manifest,) = await desk.send()
    _, answer = LoopbackCbp(desk.now).send(manifest)
    await desk.hear(answer.payload.replace(b"REJ000000002", b"XXX000000002"))
    states = await desk.states()
    assert states["P-0001"] == "on_file"
    assert await desk.alerts() == ["answer_matches_nothing"]


async def test_a_repeated_355_is_not_taken_for_the_next_message(filing_store: Store) -> None:
    """The 355 of the first 309, repeated, says nothing about the second one, queued or sent."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=1))
    await desk.file(parcel(1), parcel(2))
    (first,) = await desk.send()
    _, answer = LoopbackCbp(desk.now).send(first)
    await desk.hear(answer.payload, answer.payload)
    assert await desk.states() == {"P-0001": "on_file", "P-0002": "staged"}
    assert len(await desk.send()) == 1
    await desk.hear(answer.payload)
    assert await desk.states() == {"P-0001": "on_file", "P-0002": "filed"}
    assert [row.answered_at is not None for row in await desk.outgoing("309")] == [True, False]
    assert await manifest_state(desk) != "accepted"
    assert [row.state for row in await desk.table(t.transmissions) if row.direction == "in"].count("repeated") == 2


async def test_a_manifest_of_which_one_message_is_refused_is_not_accepted(filing_store: Store) -> None:
    """With several 309s the manifest's filing is refused if one is; the bills of the others are on file."""
    desk = Desk(filing_store, limits=Limits(bills_per_manifest=1))
    await desk.file(marked(parcel(1), "REJ"), parcel(2))
    await desk.exchange(LoopbackCbp(desk.now))
    assert await desk.states() == {"P-0001": "rejected", "P-0002": "on_file"}
    assert await manifest_state(desk) == "rejected"


# --------------------------------------------------------------------------------- the answer to entries


async def test_an_sx_accepts_and_refuses_entry_by_entry(desk: Desk) -> None:
    """Each entry has its own answer; a refused one names the code, and its shipment stops the truck."""
    await desk.file(type86(1), marked(type86(2), "REJ007"), informal(3))
    await desk.exchange(LoopbackCbp(desk.now))
    filings = {row.scn: row.state for row in await desk.table(t.filings) if row.kind == "entry"}
    assert sorted(filings.values()) == ["accepted", "accepted", "rejected"]
    refused = next(row for row in await desk.table(t.filings) if row.kind == "entry" and row.state == "rejected")
    assert refused.last_outcome["meaning"] == "rejected"
    assert ("rejected", "007") in [one[:2] for one in await said(desk, "P-0002", "SX")]
    assert await desk.states() == {"P-0001": "on_file", "P-0002": "rejected", "P-0003": "on_file"}


async def test_a_fault_in_an_entry_points_at_the_field_of_the_shipment(desk: Desk) -> None:
    """What CBP finds wrong with a record of the entry is told with the shipment's own path."""
    await desk.file(type86(1))
    manifest, entries = await desk.send()
    cbp = LoopbackCbp(desk.now)
    await desk.hear(*(one.payload for one in cbp.send(manifest)))
    before = b"SE606109100012"
    assert before in entries
    await desk.hear(*(one.payload for one in cbp.send(entries.replace(before, b"SE60000000000 "))))
    faults = [one for one in await said(desk, "P-0001", "SX") if one[0] == "rejected" and one[2]]
    assert faults
    assert all(path.startswith("lines[0]") for _, _, path in faults)


async def test_an_entry_under_review_is_neither_accepted_nor_refused(desk: Desk) -> None:
    """SX 04: a person at CBP looks at it; the shipment stays filed and the truck waits until there is a verdict."""
    await desk.file(type86(1))
    manifest, entries = await desk.send()
    cbp = LoopbackCbp(desk.now)
    await desk.hear(*(one.payload for one in cbp.send(manifest)))
    answer = next(one for one in cbp.send(entries) if one.kind == "SX")
    assert b"SE9002" in answer.payload
    await desk.hear(answer.payload.replace(b"SE9002", b"SE9004"))
    assert (await desk.shipment("P-0001")).entry_state == "under_review"
    assert await desk.states() == {"P-0001": "filed"}
    assert (await desk.board())["decision"] == "wait"
    await desk.hear(answer.payload)
    assert await desk.states() == {"P-0001": "on_file"}


async def test_a_refused_batch_refuses_every_entry_in_it(desk: Desk) -> None:
    """A batch whose header CBP does not take leaves no entry on file; the manifest stands."""
    await desk.file(type86(1), type86(2), parcel(3))
    cbp = LoopbackCbp(desk.now, behaviour=Behaviour(catair_senders=("1111/AAA/OTHERS",)))
    await desk.exchange(cbp)
    assert await desk.states() == {"P-0001": "rejected", "P-0002": "rejected", "P-0003": "on_file"}
    assert {row.state for row in await desk.table(t.filings) if row.kind == "entry"} == {"rejected"}
    assert await manifest_state(desk) == "accepted"


# ------------------------------------------------------------------------------------ words on the goods


async def test_an_entry_runs_through_to_release(desk: Desk) -> None:
    """On file and admissible is not released; the release comes with the truck, is told once, and is no guess."""
    await desk.file(type86(1), parcel(2))
    cbp = LoopbackCbp(desk.now)
    await desk.exchange(cbp)
    assert await desk.states() == {"P-0001": "on_file", "P-0002": "on_file"}
    assert ("admissible", "97", "") in await said(desk, "P-0001", "SO")
    await later(desk, cbp, minutes=150)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    assert await desk.states() == {"P-0001": "released", "P-0002": "released"}
    assert len(await desk.told("shipment.released")) == 2
    board = await desk.board()
    assert (board["decision"], board["released"], board["arrived_at"] is not None) == ("go", 2, True)
    assert [event.type for event in await desk.told("trip.clear", "trip.blocked")] == ["trip.clear"]
    await desk.check_books()


async def test_holds_exams_and_releases_taken_back(desk: Desk) -> None:
    """Held and under exam at arrival, released when that is over; a release that is revoked stops the goods again."""
    await desk.file(
        marked(type86(1), "HOLD"), marked(parcel(2), "EXAM"), marked(type86(3), "REVOKE"), marked(informal(4), "DOCS")
    )
    cbp = LoopbackCbp(desk.now)
    await desk.exchange(cbp)
    assert (await desk.states())["P-0004"] == "documents_required"
    await later(desk, cbp, minutes=150)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    assert await desk.states() == {"P-0001": "held", "P-0002": "exam", "P-0003": "released", "P-0004": "held"}
    await later(desk, cbp, minutes=5)
    assert (await desk.states())["P-0003"] == "release_revoked"
    await later(desk, cbp, minutes=40)
    states = await desk.states()
    assert (states["P-0001"], states["P-0002"], states["P-0003"]) == ("released", "released", "release_revoked")
    scn = str((await desk.shipment("P-0004")).scn)
    cbp.cbp.release(scn, cbp.now)
    await desk.hear(*(one.payload for one in cbp.collect()))
    assert (await desk.states())["P-0004"] == "released"
    revoked = await desk.told("shipment.release_revoked")
    assert [event.data["shipment_id"] for event in revoked] == ["P-0003"]
    held = await desk.told("shipment.held")
    assert sorted(event.data["shipment_id"] for event in held) == ["P-0001", "P-0002", "P-0004"]
    await desk.check_books()


async def test_a_truck_without_an_entry_is_not_released(desk: Desk) -> None:
    """A shipment for a broker whose entry is not there is told so and stays handed off."""
    await desk.file(formal(1))
    cbp = LoopbackCbp(desk.now)
    await desk.exchange(cbp)
    await later(desk, cbp, minutes=150)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    assert await desk.states() == {"P-0001": "handed_off"}
    assert "no_match" in [one[0] for one in await said(desk, "P-0001", "350")]
    assert (await desk.board())["decision"] == "wait"


async def test_the_truck_that_is_there_ends_what_waited_for_it(desk: Desk) -> None:
    """Every shipment aboard is told, also one of which CBP says nothing; a cancellation is no longer waited for."""
    await desk.file(type86(1), marked(parcel(2), "SILENT"), parcel(3))
    cbp = LoopbackCbp(desk.now)
    await desk.exchange(cbp)
    await desk.cancel("TSTC00000000001", bill="delete", bill_reason_code="03", entry_reason_code="08")
    await desk.send()
    assert (await desk.states())["P-0001"] == "cancelling"
    await later(desk, cbp, minutes=150)
    await desk.hear(*(one.payload for one in cbp.arrive(TRIP)))
    assert await desk.states() == {"P-0001": "released", "P-0002": "on_file", "P-0003": "released"}
    told = [ShipmentFacts.from_dict(row.facts).arrived_at for row in await desk.table(t.shipments)]
    (trip,) = await desk.table(t.trips)
    assert told == [trip.arrived_at] * 3 != [None] * 3
    await desk.check_books()


async def test_trip_events_come_once_for_each_change(desk: Desk) -> None:
    """Blocked and clear are told when the verdict turns, not again with every shipment."""
    await desk.file(parcel(1), parcel(2), parcel(3))
    cbp = LoopbackCbp(desk.now)
    await desk.exchange(cbp)
    for number in (1, 2):
        cbp.cbp.hold(f"TSTC{number:011d}", cbp.now)
        await desk.hear(*(one.payload for one in cbp.collect()))
        await later(desk, cbp, minutes=2)
    for number in (1, 2):
        cbp.cbp.release(f"TSTC{number:011d}", cbp.now)
        await desk.hear(*(one.payload for one in cbp.collect()))
        await later(desk, cbp, minutes=2)
    assert [event.type for event in await desk.told("trip.clear", "trip.blocked")] == [
        "trip.clear",
        "trip.blocked",
        "trip.clear",
    ]
    await desk.check_books()


# --------------------------------------------------------------------------- what is not as it should be


async def test_garbled_bytes_change_nothing_and_are_kept(desk: Desk) -> None:
    """Damaged bytes are in the archive as they came and raised to a person; the intact answer works later."""
    await desk.file(marked(parcel(1), "GARBLE"), parcel(2))
    cbp = LoopbackCbp(desk.now)
    await desk.exchange(cbp)
    assert set((await desk.states()).values()) == {"filed"}
    assert await desk.alerts() == ["unreadable_answer"]
    assert "unreadable" in {row.state for row in await desk.table(t.transmissions)}
    await later(desk, cbp, minutes=2)
    assert set((await desk.states()).values()) == {"on_file"}
    await desk.check_books()


DAMAGES = {
    "cut off": lambda data: data[: len(data) // 2],
    "a NUL inside": lambda data: data[:150] + b"\x00" + data[151:],
    "bytes of another code": lambda data: data[:150] + b"\xff\xfe\xfd" + data[153:],
    "counts that differ": lambda data: data.replace(b"SE*", b"SE*9") if data[:3] == b"ISA" else data[:-81],
    "no form at all": lambda data: b"\x00\x01\x02" + bytes(reversed(data)),
    "nothing": lambda data: data[:0],
}


@pytest.mark.parametrize("kind", ["997", "355", "SX", "SO"])
async def test_damage_of_any_kind_moves_nothing_forward(desk: Desk, kind: str) -> None:
    """However an answer is damaged, the reader goes on, nothing is taken for an acceptance, and the books hold."""
    await desk.file(type86(1), parcel(2))
    cbp = LoopbackCbp(desk.now)
    answers = [answer for payload in await desk.send() for answer in cbp.send(payload)]
    wanted = next(one for one in answers if one.kind == kind)
    before = await desk.look(snapshot)
    for name, damage in DAMAGES.items():
        damaged = damage(wanted.payload)
        assert damaged != wanted.payload
        await desk.hear(damaged)
        after = await desk.look(snapshot)
        # What is damaged in filler only is still believed: an SO may say that the entry is admissible.
        assert set((await desk.states()).values()) <= ({"filed", "on_file"} if kind == "SO" else {"filed"}), name
        if name in ("cut off", "no form at all", "nothing"):
            assert after == before, name
        before = after
    kept = [row for row in await desk.table(t.transmissions) if row.direction == "in"]
    assert len(kept) == len(DAMAGES)
    assert all(row.state in ("unreadable", "processed") for row in kept)
    assert "unreadable_answer" in await desk.alerts()
    await desk.check_books()


async def test_an_answer_that_matches_nothing_is_raised(desk: Desk) -> None:
    """Answers to somebody else's filings are kept, raised, and change nothing here."""
    await desk.file(type86(1))
    manifest, entries = await desk.send()
    cbp = LoopbackCbp(desk.now)
    foreign = [
        answer
        for payload in (manifest, entries)
        for answer in cbp.send(payload.replace(b"TSTC", b"ABCD").replace(b"XYZ", b"QRS").replace(b"B000", b"B999"))
    ]
    before = await desk.look(snapshot)
    for answer in (one for one in foreign if one.kind != "997"):
        await desk.hear(answer.payload)
    assert await desk.look(snapshot) == before
    alerts = await desk.alerts()
    assert alerts
    assert set(alerts) == {"answer_matches_nothing"}
    assert all(row.shipment_key is None for row in await desk.table(t.outcomes))


@pytest.mark.parametrize(
    "number",
    ["9" * 30, "9" * 5000, "\u00b9", "\u00b9\u00b2\u00b3", "-1"],
    ids=["30 digits", "5000 digits", "1", "123", "minus"],
)
async def test_a_control_number_that_is_none_matches_nothing(desk: Desk, number: str) -> None:
    """A 997 with a damaged control number is read, kept and raised; the intact one works afterwards."""
    await desk.file(parcel(1))
    (manifest,) = await desk.send()
    acknowledgment = next(one for one in LoopbackCbp(desk.now).send(manifest) if one.kind == "997").payload
    before, mark, rest = acknowledgment.partition(b"AK1*")
    group, old, rest = rest.split(b"*", 2)
    await desk.hear(before + mark + group + b"*" + number.encode("latin-1") + b"*" + rest)

    assert [row.state for row in await desk.table(t.transmissions) if row.direction == "in"] == ["processed"]
    assert "answer_matches_nothing" in await desk.alerts()
    (kept,) = await desk.table(t.outcomes)
    assert kept.document["correlation"]["group_control"] == number
    assert old.isdigit()
    await desk.hear(acknowledgment)
    assert [row.transmission_id is not None for row in await desk.table(t.outcomes)] == [True, True]
    await desk.check_books()


@pytest.mark.parametrize("name", ["1", "00000001", "000000000000000000000000000001"])
async def test_a_control_number_is_ours_with_or_without_zeros(desk: Desk, name: str) -> None:
    """It is a number, however it is written."""
    await desk.file(parcel(1))
    await desk.send()
    (ours,) = await desk.outgoing("309")
    named = {"group_control": name[:-1] + str(ours.control_number)}
    found = await desk.look(lambda conn: awaited.find_sent(conn, named))
    assert found is not None
    assert found.id == ours.id


async def test_an_answer_before_anything_was_sent_is_raised(desk: Desk) -> None:
    """A 355 for a trip whose 309 has not left cannot be its answer: nothing is on file by it."""
    await desk.file(parcel(1))
    (queued,) = await desk.outgoing("309")
    kept = await desk.look(lambda conn: archive.read(conn, queued.archive_position))
    assert kept is not None
    _, answer = LoopbackCbp(desk.now).send(kept.entry.body)
    await desk.hear(answer.payload)
    assert await desk.states() == {"P-0001": "staged"}
    assert len(await desk.send()) == 1


async def test_the_same_message_twice_is_taken_in_once(desk: Desk) -> None:
    """A message whose id came before is not kept again, read again or told again."""
    await desk.file(parcel(1))
    (manifest,) = await desk.send()
    _, answer = LoopbackCbp(desk.now).send(manifest)
    assert await desk.take_in(answer.payload, "<one@cbp>") is not None
    assert await desk.take_in(answer.payload, "<one@cbp>") is None
    while await desk.reader.turn():
        pass
    assert len([row for row in await desk.table(t.transmissions) if row.direction == "in"]) == 1
    events = len(await desk.told())
    await desk.hear(answer.payload, message_id="<two@cbp>")
    assert len(await desk.told()) == events


async def test_long_and_odd_names_are_taken_in(desk: Desk) -> None:
    """An id or file name longer than a column, with a NUL or no text, stops nothing and is still known again."""
    long_id, name = "<" + "x" * 900 + "@cbp>", "a\x00\udcff" + "b" * 900

    def take_in(conn: Connection) -> str | None:
        inbound = receiving.Inbound("cbp", "as2", name, name, b"ISA", long_id)
        return receiving.receive(conn, inbound, desk.now)

    assert await desk.store.write(take_in) is not None
    assert await desk.store.write(take_in) is None
    long_id = "file:\udcff.txt:0"
    assert await desk.store.write(take_in) is not None
    assert await desk.store.write(take_in) is None
    while await desk.reader.turn():
        pass
    await desk.check_books()


async def test_a_file_that_breaks_the_reader_does_not_keep_back_the_next(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error nobody foresaw goes up to be logged after the files behind it have been applied."""
    await desk.file(parcel(1))
    (manifest,) = await desk.send()
    _, answer = LoopbackCbp(desk.now).send(manifest)
    await desk.take_in(b"a file that breaks it")
    await desk.take_in(answer.payload)
    real = receiving.apply

    def breaking(conn: Connection, identifier: str, reading: Any, now: datetime, patience: Any) -> bool:
        if not reading.outcomes:
            raise ZeroDivisionError
        return real(conn, identifier, reading, now, patience)

    monkeypatch.setattr(receiving, "apply", breaking)
    with pytest.raises(ZeroDivisionError):
        await desk.reader.turn()
    assert await desk.states() == {"P-0001": "on_file"}


async def test_what_was_not_taken_in_is_kept_and_raised(desk: Desk) -> None:
    """A message that could not be verified is in the archive with its headers, and a person is told."""
    problems = receiving.read_answer(b"", desk.ctx.profile).problems
    await desk.store.write(
        lambda conn: receiving.refuse(conn, "cbp", {"AS2-From": "Somebody"}, b"body", problems, desk.now)
    )
    assert await desk.alerts() == ["message_refused"]
    (row,) = await desk.table(t.archive_entries)
    kept = await desk.look(lambda conn: archive.read(conn, row.position))
    assert kept is not None
    assert kept.entry.body == b"AS2-From: Somebody\r\n\r\nbody"


async def test_an_answer_may_outrun_our_own_record_of_sending(desk: Desk) -> None:
    """CBP may answer while we still wait for the receipt: the late receipt does not step back behind the answer."""
    await desk.file(parcel(1))
    cbp = LoopbackCbp(desk.now)

    class Quick(type(desk.road)):  # type: ignore[misc]
        async def send(self, prepared: Any) -> Any:
            receipt = takes(self, prepared)
            await desk.hear(*(one.payload for one in cbp.send(self.sent[-1])))
            return receipt

    assert await desk.another_sender("quick", Quick()).turn()
    assert await desk.states() == {"P-0001": "on_file"}
    assert await manifest_state(desk) == "accepted"
    assert (await desk.outgoing("309"))[0].state == "delivered"


# -------------------------------------------------------------------------------------------- any order


class Undone(Exception):
    """Ends a transaction whose result is wanted and whose effects are not."""

    def __init__(self, value: Any) -> None:
        self.value = value


def hear_all(conn: Connection, ctx: FilingContext, payloads: Sequence[bytes], now: datetime) -> dict[str, Any]:
    """Take in and apply files in this order; where everything stands then."""
    for number, payload in enumerate(payloads):
        inbound = receiving.Inbound("cbp", "as2", f"{number}", "x", payload, f"<{number}@order>")
        identifier = receiving.receive(conn, inbound, now)
        reading = receiving.read_answer(payload, ctx.profile)
        sent = awaited.answered_bytes(conn, reading)
        if sent is not None:
            reading = receiving.read_answer(payload, ctx.profile, sent=sent)
        receiving.apply(conn, identifier or "", reading, now)
    return snapshot(conn)


async def undone(desk: Desk, payloads: Sequence[bytes]) -> dict[str, Any]:
    """The end of hearing these files, in a transaction that is rolled back."""

    def work(conn: Connection) -> None:
        raise Undone(hear_all(conn, desk.ctx, payloads, desk.now))

    with pytest.raises(Undone) as end:
        await desk.store.write(work)
    found: dict[str, Any] = end.value.value
    return found


async def test_every_order_of_a_few_answers_ends_alike(desk: Desk) -> None:
    """355, SX, SO and 350 end in the same states in each of their orders, wherever the 997 stands."""
    await desk.file(type86(1), marked(parcel(2), "REJ"), marked(type86(3), "HOLD"), parcel(4), review(5))
    cbp = LoopbackCbp(desk.now)
    answers = [answer for payload in await desk.send() for answer in cbp.send(payload)]
    cbp.clock.set(cbp.now.replace(hour=18))
    answers += cbp.arrive(TRIP)
    desk.later(hours=12)
    few = {one.kind: one.payload for one in reversed(answers)}
    assert sorted(few) == ["350", "355", "997", "SO", "SX"]
    held = next(one.payload for one in answers if one.kind == "350" and b"1H" in one.payload)
    few["350"] = held
    expected = await undone(desk, [few[kind] for kind in ("997", "355", "SX", "SO", "350")])
    assert expected["shipments"]["P-0003"][0] == "held"
    assert expected["shipments"]["P-0002"][0] == "rejected"
    for place, order in enumerate(itertools.permutations(("355", "SX", "SO", "350"))):
        kinds = [*order[: place % 5], "997", *order[place % 5 :]]
        assert await undone(desk, [few[kind] for kind in kinds]) == expected, kinds


@pytest.mark.parametrize("seed", range(3))
async def test_any_order_and_repetition_ends_like_the_first_time(desk: Desk, seed: int) -> None:
    """A whole course of a trip, files shuffled and a random part of them delivered twice, ends as it did in order."""
    chance = random.Random(seed)
    kinds = [parcel, type86, informal]
    marks = ["HOLD", "EXAM", "DOCS", "REJ", "REVOKE", "LATE", "SILENT", "DUP", ""]
    goods = [chance.choice(kinds)(number) for number in range(1, 9)]
    goods = [marked(raw, mark) if (mark := chance.choice(marks)) else raw for raw in goods]
    await desk.file(*goods, formal(9), review(10))
    cbp = LoopbackCbp(desk.now)
    answers = [answer for payload in await desk.send() for answer in cbp.send(payload)]
    cbp.clock.set(cbp.now.replace(hour=18))
    answers += cbp.arrive(TRIP)
    for minutes in (1, 2, 15, 45, 60):
        answers += cbp.advance(minutes=minutes)
    desk.later(hours=12)
    in_order = [one.payload for one in answers]
    expected = await undone(desk, in_order)
    for attempt in range(4):
        shuffled = in_order + chance.sample(in_order, chance.randrange(len(in_order)))
        chance.shuffle(shuffled)
        assert await undone(desk, shuffled) == expected, f"seed {seed}, attempt {attempt}"
    await desk.hear(*in_order)
    assert await desk.look(snapshot) == expected
    await desk.check_books()
