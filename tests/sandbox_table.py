"""What the documented tables of the sandbox say, row by row, as something that can be driven at any door.

``MARKER_DRIVERS`` and ``FAULT_DRIVERS`` have a driver for each row of ``sandbox.markers.MARKERS`` and
``sandbox.faults.FAULTS``: it files through a line, moves the clock by control calls, and checks what comes back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from sandbox.samples import SampleBill
from sandbox.settings import Behaviour, Settings
from tests.sandbox_case import Case, kinds, one, records, so, told, x4
from tests.sandbox_lines import Line

CONDUCT = Behaviour(arrive_at_eta=False)
"""Trucks arrive when told, so that a case is over when it is over."""

Driver = Callable[[Case], Awaitable[None]]


def settings_for(folder: Path, **doors: Any) -> Settings:
    """A sandbox of one filer on free ports, with these doors; its clock stands still."""
    values: dict[str, Any] = {
        "data_dir": folder / "sandbox",
        "exchange_dir": folder / "exchange",
        "as2_port": 0,
        "control_port": 0,
        "clock": "2024-12-02T09:00:00-05:00",
        "frozen": True,
        "retry_first": 0.01,
        "retry_longest": 0.05,
        "behaviour": CONDUCT,
    }
    return Settings(**(values | doors))


async def drive(driver: Driver, line: Line) -> None:
    """Drive one row at a door."""
    await driver(await Case(line).begin())


# ---------------------------------------------------------------------------------------------------- markers


async def hold(case: Case) -> None:
    """1H and 51 at arrival; 1I, 1C, 54 and 98 when the time is over."""
    await case.file("HOLD")
    answers = await case.arrive()
    assert x4(answers) == ["1H"]
    assert "51" in told(answers)
    assert await case.later(CONDUCT.hold_seconds - 1) == []
    answers = await case.later(1)
    assert x4(answers) == ["1I", "1C"]
    assert {"54", "98"} <= told(answers)


async def exam(case: Case) -> None:
    """1A and 03 at arrival; 1B and 98 when the time is over."""
    await case.file("EXAM")
    answers = await case.arrive()
    assert x4(answers) == ["1A"]
    assert "03" in told(answers)
    assert await case.later(CONDUCT.exam_seconds - 1) == []
    answers = await case.later(1)
    assert x4(answers) == ["1B"]
    assert "98" in told(answers)


async def docs(case: Case) -> None:
    """96 instead of 97; 1H with a remark; nothing more until it is released by control."""
    filed = await case.file("DOCS")
    assert "96" in told(filed)
    assert "97" not in told(filed)
    answers = await case.arrive()
    assert x4(answers) == ["1H"]
    assert b"K1*DOCUMENTS REQUIRED" in one(answers, "350")
    assert await case.later(36 * 3600) == []
    assert x4(await case.release("DOCS")) == ["1I", "1C"]


async def rej(case: Case) -> None:
    """355 and SX refuse with the code that follows, or with a private one."""
    answers = await case.file("REJ470")
    assert b"K1*470" in one(answers, "355")
    assert records(answers, "SE90")[0].startswith("SE9011470")
    other = await Case(case.line).begin()
    answers = await other.say(other.manifest(SampleBill(f"{other.number:05d}REJ")))
    answers += await other.say(other.entries(other.entry(bill=f"{other.number:05d}REJ")))
    assert b"K1*REJECTED" in one(answers, "355")
    assert records(answers, "SE90")[0].startswith("SE9011Z")


async def dup(case: Case) -> None:
    """As if filed before."""
    answers = await case.file("DUP")
    assert b"K1*SHIPMENT ALREADY ON FILE" in one(answers, "355")
    assert records(answers, "SE90")[0].startswith("SE9011007")


async def silent(case: Case) -> None:
    """The entry gets no SX and no SO, the bill no 350; a trip gets no answer at all."""
    assert kinds(await case.file("SILENT")) == ["997", "355"]
    assert await case.arrive() == []
    other = await Case(case.line).begin()
    assert await other.say(other.manifest(trip=f"TSTCSILENT{other.number:05d}")) == []
    assert await other.on_file(other.scn())


async def late(case: Case) -> None:
    """Statuses come late_seconds later; of a trip the direct answers too."""
    assert kinds(await case.file("LATE")) == ["997", "355", "SX"]
    assert "97" in told(await case.later(CONDUCT.late_seconds))
    assert await case.arrive() == []
    assert await case.later(CONDUCT.late_seconds - 1) == []
    answers = await case.later(1)
    assert x4(answers) == ["1C"]
    assert "98" in told(answers)
    other = await Case(case.line).begin()
    assert await other.say(other.manifest(trip=f"TSTCLATE{other.number:05d}")) == []
    assert kinds(await other.later(CONDUCT.late_seconds)) == ["997", "355"]


async def revoke(case: Case) -> None:
    """Released, then taken back."""
    await case.file("REVOKE")
    answers = await case.arrive()
    assert x4(answers) == ["1C"]
    assert "98" in told(answers)
    answers = await case.later(CONDUCT.revoke_seconds)
    assert x4(answers) == ["4E"]
    assert "99" in told(answers)


async def garble(case: Case) -> None:
    """The first 355 and SX are damaged, the intact ones follow; the same for a trip."""
    damaged = await case.file("GARBLE")
    intact = await case.later(CONDUCT.garble_seconds)
    for kind in ("355", "SX"):
        whole, first = one(intact, kind), one(damaged, kind)
        assert len(first) < len(whole)
        assert not whole.startswith(first)
    assert b"SHIPMENTS ACCEPTED 1" in one(intact, "355")
    other = await Case(case.line).begin()
    first = one(await other.say(other.manifest(trip=f"TSTCGARBLE{other.number:05d}")), "355")
    assert not one(await other.later(CONDUCT.garble_seconds), "355").startswith(first)


async def no_entry(case: Case) -> None:
    """At arrival 350 'entry not on file'; nothing more until it is released by control."""
    await case.file("NOENT")
    answers = await case.arrive()
    assert b"K1*ENTRY NOT ON FILE" in one(answers, "350")
    assert "1C" not in x4(answers)
    assert await case.later(36 * 3600) == []
    assert "1C" in x4(await case.release("NOENT"))


async def system_failure_marker(case: Case) -> None:
    """The first time a system failure and nothing kept; the same again is taken."""
    manifest = case.manifest(marker="SYSFAIL")
    entries = case.entries(case.entry(bill=case.scn("SYSFAIL")))
    assert b"SYSTEM FAILURE" in one(await case.say(manifest), "355")
    assert not await case.on_file(case.scn("SYSFAIL"))
    failed = records(await case.say(entries), "SE90")
    assert "SYSTEM FAILURE" in failed[0]
    assert failed[-1].startswith("SE9001")
    assert b"SHIPMENTS ACCEPTED 1" in one(await case.say(manifest), "355")
    assert records(await case.say(entries), "SE90")[-1].startswith("SE9002")


async def agency(case: Case) -> None:
    """90 and the agency's hold; when its time is over, may proceed and 97."""
    filed = await case.file("AGENCY")
    assert "90" in told(filed)
    assert "97" not in told(filed)
    assert "02" in _agency_codes(records(filed, "SO70"))
    answers = await case.later(CONDUCT.agency_seconds)
    assert "07" in _agency_codes(records(answers, "SO70"))
    assert "97" in told(answers)


def _agency_codes(rows: list[str]) -> set[str]:
    return {code for row in rows for code in (row[20:22], row[52:54])}


async def no_change(case: Case) -> None:
    """A correction is refused with 86, a cancellation with 87, each with a reason and a comment."""
    assert "97" in told(await case.file("NOCHANGE"))
    for action, reason, refused in (("R", "", "86"), ("D", "01", "87")):
        changed = case.entry(bill=case.scn("NOCHANGE"), action=action, reason=reason)
        asked = await case.say(case.entries(changed))
        assert records(asked, "SE90")[-1].startswith("SE9004")
        answers = await case.later(CONDUCT.review_seconds)
        assert refused in told(answers)
        qualifiers = {row[4:7] for row in records(answers, "SO20")}
        assert {"RSN", "CMT"} <= qualifiers


async def twice(case: Case) -> None:
    """Every 355, SX, SO and 350 comes twice, the same bytes under another name; of a trip TA1 and 997 too."""
    answers = await case.file("TWICE")
    assert kinds(answers) == ["997", "355", "355", "SX", "SX", "SO", "SO"]
    answers += await case.arrive()
    for kind in ("355", "SX", "350"):
        first, second = [came for came in answers if came.kind == kind]
        assert first.payload == second.payload
        assert first.way != second.way
        assert first.name != second.name
    statuses = [came.payload for came in answers if came.kind == "SO"]
    assert statuses[0::2] == statuses[1::2]
    other = await Case(case.line).begin()
    trip = f"TSTCTWICE{other.number:05d}"
    answers = await other.say(other.manifest(SampleBill(other.scn(), kind="35"), trip=trip))
    assert kinds(answers) == ["997", "997", "355", "355"]
    assert kinds(await other.arrive(trip)) == ["350", "350"]


async def shuffle(case: Case) -> None:
    """What happens within shuffle_seconds is told when they are over, the last first."""
    assert kinds(await case.file("SHUFFLE")) == ["997", "355", "SX"]
    assert await case.arrive() == []
    assert await case.later(CONDUCT.shuffle_seconds - 1) == []
    answers = await case.later(1)
    assert kinds(answers) == ["SO", "SO", "350", "SO"]
    last, released, first = so(answers)
    assert "01" in last
    assert "98" in released
    assert "93" in first
    assert "98" not in first
    other = await Case(case.line).begin()
    trip = f"TSTCSHUFFLE{other.number:04d}"
    await other.say(other.manifest(SampleBill(other.scn(), kind="35"), trip=trip))
    await other.arrive(trip)
    await other.line.control("POST", f"/shipments/TSTC{other.scn()}/revoke")
    assert await other.line.collect() == []
    assert x4(await other.later(CONDUCT.shuffle_seconds)) == ["4E", "1C"]


MARKER_DRIVERS: dict[str, Driver] = {
    "HOLD": hold,
    "EXAM": exam,
    "DOCS": docs,
    "REJ": rej,
    "DUP": dup,
    "SILENT": silent,
    "LATE": late,
    "REVOKE": revoke,
    "GARBLE": garble,
    "NOENT": no_entry,
    "SYSFAIL": system_failure_marker,
    "AGENCY": agency,
    "NOCHANGE": no_change,
    "TWICE": twice,
    "SHUFFLE": shuffle,
}


# ---------------------------------------------------------------------------------------------------- faults


async def drop(case: Case) -> None:
    """Answers are never sent; the same file again brings them."""
    manifest = case.manifest()
    await case.plan({"drop": 1})
    assert await case.say(manifest) == []
    assert await case.on_file(case.scn())
    await case.plan({})
    assert kinds(await case.say(manifest)) == ["997", "355"]


async def duplicate(case: Case) -> None:
    """Each answer comes twice under another name."""
    await case.plan({"duplicate": 1})
    answers = await case.say(case.manifest())
    assert kinds(answers) == ["997", "997", "355", "355"]
    assert answers[0].payload == answers[1].payload
    assert len({came.way for came in answers}) == 4


async def delay(case: Case) -> None:
    """Answers come delay_seconds later, others pass them."""
    await case.plan({"delay": 1, "delay_seconds": 90})
    assert await case.say(case.manifest()) == []
    await case.plan({})
    other = Case(case.line)
    other.day = case.day
    assert kinds(await case.say(other.manifest())) == ["997", "355"]
    assert await case.later(89) == []
    assert kinds(await case.later(1)) == ["997", "355"]


async def garbled(case: Case) -> None:
    """Answers arrive cut off and with wrong bytes; the same file again brings them intact."""
    manifest = case.manifest()
    await case.plan({"garble": 1})
    damaged = one(await case.say(manifest), "355")
    await case.plan({})
    intact = one(await case.say(manifest), "355")
    assert len(damaged) < len(intact)
    assert not intact.startswith(damaged)


async def truncate(case: Case) -> None:
    """Answers arrive cut off; the same file again brings them whole."""
    manifest = case.manifest()
    await case.plan({"truncate": 1})
    cut = one(await case.say(manifest), "355")
    await case.plan({})
    whole = one(await case.say(manifest), "355")
    assert len(cut) < len(whole)
    assert whole.startswith(cut)


async def reorder(case: Case) -> None:
    """An answer lets the next one pass."""
    await case.plan({"reorder": 1})
    assert kinds(await case.say(case.manifest())) == ["355", "997"]


async def reset(case: Case) -> None:
    """What comes in is cut and not kept; an answer is cut, and comes whole at the next try."""
    manifest = case.manifest(SampleBill(case.scn(), kind="35"))
    await case.plan({"reset": 1})
    await case.send(manifest, "broken")
    assert await case.line.collect() == []
    assert not await case.on_file(case.scn())
    await case.plan({})
    answers = await case.say(manifest)
    assert kinds(answers) == ["997", "355"]
    before = case.line.broken
    await case.plan({"reset": 1})
    answers = await case.arrive()
    assert case.line.broken == before + 1
    assert x4(answers) == ["1C"]
    assert one(answers, "350").startswith(b"ISA*")
    noted = [item for item in await case.transcript("fault") if item["direction"] == "out"]
    assert noted[-1]["verdict"]["fault"] == "reset"


async def reset_after(case: Case) -> None:
    """It is committed, and the filer is told nothing; the same again files nothing."""
    manifest = case.manifest()
    await case.plan({"reset_after": 1})
    await case.send(manifest, "broken")
    await case.plan({})
    assert {"997", "355"} == set(kinds(await case.line.collect()))
    assert await case.on_file(case.scn())
    assert b"SHIPMENTS ACCEPTED 1" in one(await case.say(manifest), "355")
    assert await case.transcript("repeated")


async def mdn_lost(case: Case) -> None:
    """By AS2: committed, the connection closed without a receipt. Elsewhere: nothing."""
    manifest = case.manifest()
    await case.plan({"mdn_lost": 1})
    await case.send(manifest, "broken" if case.line.door == "as2" else "taken")
    assert kinds(await case.line.collect()) == ["997", "355"]
    await case.plan({})
    assert kinds(await case.say(manifest)) == ["997", "355"]


async def mdn_negative(case: Case) -> None:
    """By AS2: a negative receipt, nothing is filed, sent again it is taken. Elsewhere: nothing."""
    manifest = case.manifest()
    await case.plan({"mdn_negative": 1})
    if case.line.door == "as2":
        await case.send(manifest, "refused")
        assert await case.line.collect() == []
        assert not await case.on_file(case.scn())
        await case.plan({})
    assert kinds(await case.say(manifest)) == ["997", "355"]
    assert await case.on_file(case.scn())


async def system_failure(case: Case) -> None:
    """Good filings are answered with a failure and not kept; the same bytes, or new ones, are taken then."""
    manifest, entries = case.manifest(), case.entries(case.entry())
    await case.plan({"system_failure": 1})
    assert b"K1*ACE SYSTEM FAILURE*PLEASE RESEND" in one(await case.say(manifest), "355")
    failed = records(await case.say(entries), "SE90")
    assert failed[0].startswith("SE9011E90ACE SYSTEM FAILURE")
    assert failed[-1].startswith("SE9001")
    assert not await case.on_file(case.scn())
    await case.plan({})
    assert b"SHIPMENTS ACCEPTED 1" in one(await case.say(manifest), "355")
    again = await case.say(case.entries(case.entry()))
    assert records(again, "SE90")[-1].startswith("SE9002")
    assert "97" in told(again)


async def outages(case: Case) -> None:
    """In each window nothing is taken and nothing is sent; what came before is kept and goes out after it."""
    trip = f"TSTCLATE{case.number:05d}"
    await case.send(case.manifest(trip=trip))
    windows = [
        {"from": f"{case.day}T09:0{start}:00", "until": f"{case.day}T09:{until}:00"}
        for start, until in (("5", "15"), ("2", "03"))
    ]
    await case.plan({"outages": windows})
    other = Case(case.line)
    other.day = case.day
    manifest = other.manifest()
    for seconds in (150, 480):
        assert await case.later(seconds) == []
        assert await case.line.send(manifest) != "taken"
    assert kinds(await case.later(300)) == ["997", "355"]
    assert kinds(await case.say(manifest)) == ["997", "355"]


async def end_of_day(case: Case) -> None:
    """What comes in is receipted and held, and answered when the window is over."""
    await case.begin("23:50")
    await case.plan({"end_of_day": "23:45-00:15"})
    assert await case.say(case.manifest(days=1)) == []
    assert not await case.on_file(case.scn())
    assert await case.later(25 * 60 - 1) == []
    assert kinds(await case.later(1)) == ["997", "355"]
    assert await case.on_file(case.scn())


async def end_of_day_loses(case: Case) -> None:
    """What was held is lost; the same bytes after the window are filed."""
    await case.begin("23:50")
    await case.plan({"end_of_day": "23:45-00:15", "end_of_day_loses": True})
    manifest = case.manifest(days=1)
    assert await case.say(manifest) == []
    assert await case.later(25 * 60) == []
    assert not await case.on_file(case.scn())
    assert b"SHIPMENTS ACCEPTED 1" in one(await case.say(manifest), "355")


FAULT_DRIVERS: dict[str, Driver] = {
    "drop": drop,
    "duplicate": duplicate,
    "delay": delay,
    "garble": garbled,
    "truncate": truncate,
    "reorder": reorder,
    "reset": reset,
    "reset_after": reset_after,
    "mdn_lost": mdn_lost,
    "mdn_negative": mdn_negative,
    "system_failure": system_failure,
    "outages": outages,
    "end_of_day": end_of_day,
    "end_of_day_loses": end_of_day_loses,
}
