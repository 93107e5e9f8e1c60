"""Magic markers: each row of the documented table does what the table says, and names that only look like markers do
nothing.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sandbox.cbp import Answer
from sandbox.markers import MARKERS, read_marks
from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.testing import LoopbackCbp

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
