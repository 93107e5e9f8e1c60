"""Whatever comes on the way of a query: the sandbox answers in CBP's way or notes a refusal, and files nothing."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.samples import SampleBill, SampleEntry, SampleQuery, entries_se, manifest_309, queries_cq
from sandbox.testing import LoopbackCbp

ENTRY = SampleEntry("1234567", "25031000001")
GOOD = queries_cq(
    [
        SampleQuery(entry=ENTRY.number[3:], with_bills="Y"),
        SampleQuery(issuer="TSTC", bill="25031000001"),
        SampleQuery(in_bond="123456789", limit="1"),
        SampleQuery(air_waybill="12345678901", house="HOUSE1", limit=""),
    ]
)
COUNTED = ("entry", "bill", "entry_version", "told", "step")


def box() -> LoopbackCbp:
    """A CBP with an entry and its bill."""
    made = LoopbackCbp("2025-03-10T09:00:00-04:00")
    made.send(manifest_309([SampleBill("25031000001")]))
    made.send(entries_se([ENTRY]))
    return made


BOX = box()


def answered(data: bytes) -> None:
    """The file is answered by C1 or X1 or noted with a reason; the books are as before."""
    before = [BOX.cbp.store.count(f"select count(*) from {name}") for name in COUNTED]
    answers = BOX.send(data)
    assert {a.kind for a in answers} <= {"C1", "X1"}
    for answer in answers:
        assert all(len(line) == 80 for line in answer.payload.decode("latin-1").split("\n")[:-1])
    assert BOX.cbp.undigested() == []
    if not answers:
        row = BOX.cbp.store.row("select verdict from transcript where direction = 'in' order by id desc limit 1")
        assert row is not None
        assert json.loads(row["verdict"])["reasons"]
    assert [BOX.cbp.store.count(f"select count(*) from {name}") for name in COUNTED] == before


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    """Bytes of any kind behind a good A record get an answer or a reason."""
    answered(GOOD[:81] + data)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_a_damaged_batch(data: st.DataObject) -> None:
    """A good batch with bytes replaced, records dropped, doubled or moved gets an answer or a reason."""
    lines = GOOD.split(b"\n")[:-1]
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(1, len(lines) - 1))
        match data.draw(st.sampled_from(["byte", "drop", "double", "swap", "cut"])):
            case "byte":
                column = data.draw(st.integers(0, 79))
                value = data.draw(st.integers(0, 255))
                line = lines[place].ljust(80)
                lines[place] = line[:column] + bytes([value]) + line[column + 1 :]
            case "drop" if len(lines) > 2:
                del lines[place]
            case "double":
                lines.insert(place, lines[place])
            case "swap":
                other = data.draw(st.integers(1, len(lines) - 1))
                lines[place], lines[other] = lines[other], lines[place]
            case _:
                lines[place] = lines[place][: data.draw(st.integers(0, 80))]
    answered(b"\n".join(lines) + b"\n")


_TEXT = st.text("ABCXYZ0123456789*-. ", max_size=12)


@settings(max_examples=200, deadline=None)
@given(
    st.builds(
        SampleQuery,
        entry=_TEXT.map(lambda t: t[:9]),
        filer=_TEXT.map(lambda t: t[:3]),
        bill=_TEXT,
        issuer=_TEXT.map(lambda t: t[:4]),
        in_bond=_TEXT,
        air_waybill=_TEXT.map(lambda t: t[:11]),
        house=_TEXT,
        with_bills=_TEXT.map(lambda t: t[:1]),
        limit=_TEXT.map(lambda t: t[:1]),
    )
)
def test_every_query_is_answered_once(query: SampleQuery) -> None:
    """Whatever stands in its fields, a query gets one error record or the records of one thing on file."""
    (answer,) = BOX.send(queries_cq([query]))
    assert answer.kind == "C1"
    first, *rest = [line[:3] for line in answer.payload.decode("latin-1").split("\n")[2:-3]]
    assert first in {"WO1", "WR1"} or (first in {"WR0", "WSA", "WSB"} and not rest)
