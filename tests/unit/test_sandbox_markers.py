"""Magic markers: each row of the documented table does what the table says, and names that only look like markers do
nothing.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from sandbox.cbp import Answer
from sandbox.markers import MARKERS, read_marks
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.store import moment
from sandbox.testing import LoopbackCbp
from tests.sandbox_table import MARKER_DRIVERS

DOCS = Path(__file__).parents[2] / "docs" / "sandbox.md"


def cbp() -> LoopbackCbp:
    """A fresh CBP on the March day."""
    return LoopbackCbp("2025-03-10T09:00:00-04:00")


def x4(answers: list[Answer]) -> list[str]:
    """Disposition codes of all 350s."""
    return [
        s.split("*")[7] for a in answers if a.kind == "350" for s in a.payload.decode().split("~") if s[:3] == "X4*"
    ]


def so(answers: list[Answer]) -> list[str]:
    """SO50 and SO60 codes."""
    lines = [r for a in answers if a.kind == "SO" for r in a.payload.decode().splitlines()]
    return [r[14:16] for r in lines if r[:4] in {"SO50", "SO60"}]


def filed(number: str, **bill: str) -> tuple[LoopbackCbp, list[Answer]]:
    """A box that holds an entry and a bill with this number, and what it said."""
    box = cbp()
    answers = box.send(manifest_309([SampleBill(number, **bill)]))
    return box, answers + box.send(entries_se([SampleEntry("1234567", number)]))


def test_hold() -> None:
    """HOLD: 1H and SO 51 at arrival; half an hour later 1I, 1C and SO 54, 98."""
    box, _ = filed("HOLD0001")
    answers = box.arrive("TSTC2503100001")
    assert (x4(answers), so(answers)) == (["1H"], ["51", "97"])
    assert box.advance(minutes=29) == []
    answers = box.advance(minutes=1)
    assert (x4(answers), so(answers)) == (["1I", "1C"], ["54", "98", "95", "98", "01"])


def test_exam() -> None:
    """EXAM: 1A and SO 03 at arrival; half an hour later 1B and SO 98."""
    box, _ = filed("EXAM0001")
    answers = box.arrive("TSTC2503100001")
    assert (x4(answers), so(answers)) == (["1A"], ["95", "03"])
    answers = box.advance(minutes=30)
    assert (x4(answers), so(answers)[:2]) == (["1B"], ["95", "98"])


def test_docs() -> None:
    """DOCS: SO 96 instead of 97, 1H at arrival, and nothing more until the control releases it."""
    box, answers = filed("DOCS0001")
    assert so(answers) == ["93", "96"]
    assert x4(box.arrive("TSTC2503100001")) == ["1H"]
    assert box.advance(days=2) == []
    assert box.cbp.release("TSTCDOCS0001", box.now) == "RELEASED"
    assert x4(box.collect()) == ["1I", "1C"]


@pytest.mark.parametrize(("number", "k1", "se90"), [("REJ4700001", "470", "470"), ("REJ", "", "Z98")])
def test_rej(number: str, k1: str, se90: str) -> None:
    """REJ: the 355 and the SX refuse with the code that follows, or without one."""
    _, answers = filed(number + "0" * (8 - len(number)) if number != "REJ" else "000REJ")
    answer = next(a for a in answers if a.kind == "355").payload.decode()
    assert f"K1*{k1}REJECTED BY MARKER" in answer
    response = next(a for a in answers if a.kind == "SX").payload.decode()
    assert f"SE9011{se90}REJECTED BY MARKER" in response


def test_dup() -> None:
    """DUP: shipment already on file, entry number already on file."""
    _, answers = filed("DUP00001")
    assert b"K1*SHIPMENT ALREADY ON FILE" in next(a for a in answers if a.kind == "355").payload
    assert b"SE9011007" in next(a for a in answers if a.kind == "SX").payload


def test_silent() -> None:
    """SILENT: no SX, no SO, no 350; in the trip number no answer at all."""
    box, answers = filed("SILENT01")
    assert [a.kind for a in answers] == ["997", "355"]
    assert box.arrive("TSTC2503100001") == []
    assert cbp().send(manifest_309([SampleBill("1001")], trip="TSTCSILENT01")) == []


def test_late() -> None:
    """LATE: statuses come ten minutes later; in the trip number the direct answers too."""
    box, answers = filed("LATE0001")
    assert [a.kind for a in answers] == ["997", "355", "SX"]
    assert so(box.advance(minutes=10)) == ["93", "97"]
    assert box.arrive("TSTC2503100001") == []
    assert x4(box.advance(minutes=10)) == ["1C"]
    box = cbp()
    assert box.send(manifest_309([SampleBill("1001")], trip="TSTCLATE0001")) == []
    assert [a.kind for a in box.advance(minutes=10)] == ["997", "355"]


def test_revoke() -> None:
    """REVOKE: released, and a minute later 4E and SO 99."""
    box, _ = filed("REVOKE01")
    assert x4(box.arrive("TSTC2503100001")) == ["1C"]
    answers = box.advance(minutes=1)
    assert (x4(answers), so(answers)) == (["4E"], ["95", "99"])


def test_garble() -> None:
    """GARBLE: 355 and SX come damaged first and intact a minute later; a resend brings the intact ones."""
    box, answers = filed("GARBLE01")
    damaged = {a.kind: a.payload for a in answers if a.kind in {"355", "SX"}}
    intact = {a.kind: a.payload for a in box.advance(minutes=1)}
    assert set(damaged) == set(intact) == {"355", "SX"}
    for kind, payload in intact.items():
        assert len(damaged[kind]) < len(payload)
        assert not payload.startswith(damaged[kind])
    again = box.send(manifest_309([SampleBill("GARBLE01")]))
    assert [a.payload for a in again if a.kind == "355"] == [intact["355"]]


def kinds(answers: list[Answer]) -> list[str]:
    """What came, in order."""
    return [a.kind for a in answers]


def test_twice() -> None:
    """TWICE: 355, SX, SO and 350 twice with the same bytes under two names; what others are told comes once."""
    box = cbp()
    answers = box.send(manifest_309([SampleBill("TWICE001", kind="35"), SampleBill("1001", kind="35")]))
    assert kinds(answers) == ["997", "355", "355"]
    assert answers[1].payload == answers[2].payload
    assert answers[1].name != answers[2].name
    answers = box.arrive("TSTC2503100001")
    assert kinds(answers) == ["350", "350", "350"]
    assert sum(a.payload.count(b"X4*1001*") for a in answers) == 1
    assert sum(a.payload.count(b"X4*TWICE001*") for a in answers) == 2
    _, answers = filed("TWICE002")
    assert kinds(answers) == ["997", "355", "355", "SX", "SX", "SO", "SO"]


def test_twice_of_a_trip_and_of_a_resend() -> None:
    """TWICE in the trip number: the direct answers and the 350s; the same file again brings all of them again."""
    box, manifest = cbp(), manifest_309([SampleBill("1001", kind="35")], trip="TSTCTWICE001", acknowledgment="1")
    first = box.send(manifest)
    assert kinds(first) == ["TA1", "TA1", "997", "997", "355", "355"]
    assert [a.payload for a in box.send(manifest)] == [a.payload for a in first]
    assert kinds(box.arrive("TSTCTWICE001")) == ["350", "350"]


def test_shuffle() -> None:
    """SHUFFLE: within ten minutes of the first all is held, then it comes, the last first."""
    box, answers = filed("SHUFFLE1")
    assert kinds(answers) == ["997", "355", "SX"]
    assert box.advance(minutes=5) == []
    assert box.arrive("TSTC2503100001") == []
    assert box.advance(minutes=4, seconds=59) == []
    answers = box.advance(seconds=1)
    assert kinds(answers) == ["SO", "SO", "350", "SO"]
    assert ["01" in so([a]) for a in answers] == [True, False, False, False]
    assert "98" in so(answers[1:2])
    assert x4(answers) == ["1C"]
    assert so(answers[3:]) == ["93", "97"]


def test_shuffle_holds_nothing_longer_than_it_says() -> None:
    """Each status is at most shuffle_seconds late; what comes after that begins another chain."""
    box, _ = filed("SHUFFLE1")
    at = box.now
    for minutes in (9, 11, 15):
        box.clock.set(at + timedelta(minutes=minutes))
        box.cbp.hold("TSTCSHUFFLE1", box.now)
    rows = box.cbp.store.rows("select created_at, due_at from answer where kind in ('350', 'SO')")
    late = [moment(row["due_at"]) - moment(row["created_at"]) for row in rows]
    assert len(late) == 7
    assert max(late) <= timedelta(minutes=10)
    assert min(late) > timedelta(0)
    assert len({row["due_at"] for row in rows}) == len(rows)


def test_shuffle_of_a_trip() -> None:
    """SHUFFLE in the trip number: each bill's 350s in a reverse of their own, SOs as always."""
    box = cbp()
    box.send(manifest_309([SampleBill("1001"), SampleBill("1002", kind="35")], trip="TSTCSHUFFLE1"))
    assert kinds(box.send(entries_se([SampleEntry("1234567", "1001")]))) == ["SX", "SO"]
    assert kinds(box.arrive("TSTCSHUFFLE1")) == ["SO", "SO"]
    box.cbp.revoke("TSTC1002", box.now)
    answers = box.advance(minutes=10)
    told = [(s.split("*")[1], s.split("*")[7]) for a in answers for s in a.payload.decode().split("~") if s[:2] == "X4"]
    assert told.index(("1002", "4E")) < told.index(("1002", "1C"))
    assert ("1001", "1C") in told


def test_shuffle_twice_and_late_go_together() -> None:
    """SHUFFLE with TWICE: each status twice, in the reverse order; with LATE: that much later."""
    box, name = cbp(), "PAT TWICE LATE"
    box.send(manifest_309([SampleBill("SHUFFLE1", consignee=name)]))
    box.send(entries_se([SampleEntry("1234567", "SHUFFLE1", consignee=name)]))
    box.arrive("TSTC2503100001")
    assert box.advance(minutes=19, seconds=59) == []
    answers = box.advance(seconds=1)
    assert kinds(answers) == ["SO", "SO", "SO", "SO", "350", "350", "SO", "SO"]
    assert [a.payload for a in answers[0::2]] == [a.payload for a in answers[1::2]]


def test_markers_stand_in_the_consignee_name_too() -> None:
    """A marker as a whole word in the consignee's name works like one in the number."""
    box, _ = filed("1001", consignee="PAT HOLD")
    assert x4(box.arrive("TSTC2503100001")) == ["1H"]


@pytest.mark.parametrize("name", ["HOLDEN EXAMPLE", "LATERAL DUPONT", "REJANE SILENTO", "GARBLED DOCSON"])
def test_names_that_contain_a_marker_are_only_names(name: str) -> None:
    """Only whole words count in a name."""
    assert read_marks("25031000001", name).names == frozenset()


def test_the_documented_table_is_the_real_one() -> None:
    """The table in the documentation has exactly the markers there are, with the same words."""
    text = DOCS.read_text("utf-8")
    part = text[text.index("## Magic markers") :]
    rows = dict(re.findall(r"^\| `([A-Z]+)…?` \| (.*) \|$", part, re.MULTILINE))
    assert rows == MARKERS


def test_every_row_has_a_driver() -> None:
    """Whatever is in the table is driven through the doors."""
    assert set(MARKER_DRIVERS) == set(MARKERS)
