"""Anything on the truck side of the sandbox is answered in CBP's way or refused in the transcript; nothing breaks."""

from __future__ import annotations

import json
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.samples import SampleBill, manifest_309
from sandbox.testing import LoopbackCbp
from sandbox.truck import syntax, x12
from sandbox.truck.samples import SampleLink, consist_358, events_353, finish_353
from tests.acknowledgment_corpus import good, interchange
from tests.truck_kit import box, recount

ARRIVAL = "M15*1*123456782*20250311*3801**0915***********H123"
SAMPLES = [
    manifest_309([SampleBill("B001", kind="35"), SampleBill("HOLD0001"), SampleBill("B009", in_bond="123456782")]),
    manifest_309([SampleBill("B001", kind="35", change="R", reason="03")], kind="Y", reason="03"),
    manifest_309([], kind="3"),
    manifest_309([SampleBill("SYSFAIL1")], kind="P", trip="TSTC2503100002"),
    consist_358([SampleLink("B001", "3", reason="02"), SampleLink("B002")], kind="Y", reason="02"),
    consist_358(trip="TSTC2503100003"),
    finish_353(),
    events_353([ARRIVAL, "M15*B*B009*20250311*3801*TSTC*0915***OTHR", "M15*7*T53012*20250311*3801**0915"]),
    *(interchange(set_id, good(set_id)) for set_id in ("309", "358", "353", "997", "355", "350")),
]
ODD = st.sampled_from(
    ["", " ", "0", "-1", "NAN", "1E5", "9" * 40, "A" * 300, "\u00c9", "\x00", "é", "^", ">", "~", "*", "LX", "20250230",
     "25:61", "Z", "%", "'; --", "TSTC", "TSTCB001", "00", "3", "Y", "353", "ST*309*0001~"]
)  # fmt: skip
STRANGERS = st.sampled_from(["M13", "M11", "VID", "MBL", "X4", "ZZZ", "K1", "P4", "ST", "IEA"])


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A good interchange with a few things done to it: elements, segments, bytes, its end."""
    data = draw(st.sampled_from(SAMPLES))
    rows = [row.split("*") for row in data.decode("latin-1").split("~")[:-1]]
    for _ in range(draw(st.integers(0, 4))):
        spare = draw(st.sampled_from([0, 3, 3, 3, 3, 3])) if len(rows) > 6 else 0  # mostly inside the set
        at = draw(st.integers(spare, len(rows) - 1 - spare))
        match draw(st.integers(0, 5)):
            case 0:
                place = draw(st.integers(0, len(rows[at]) - 1))
                rows[at][place] = draw(ODD)
            case 1:
                del rows[at]
            case 2:
                rows.insert(at, list(rows[draw(st.integers(0, len(rows) - 1))]))
            case 3:
                other = draw(st.integers(spare, len(rows) - 1 - spare))
                rows[at], rows[other] = rows[other], rows[at]
            case 4:
                rows[at] += [draw(ODD)] * draw(st.integers(1, 30))
            case _:
                rows.insert(at, [draw(STRANGERS), draw(ODD), draw(ODD)])
        if not rows:
            break
    out = "".join("*".join(row) + "~" for row in rows).encode("latin-1", "replace")
    if draw(st.booleans()) and b"~ST*" in out and b"~SE*" in out[out.index(b"~ST*") :]:
        out = recount(out)
    if draw(st.integers(0, 5)) == 0:
        out = out[: draw(st.integers(0, len(out)))]
    return out


def answered(cbp: LoopbackCbp, data: bytes) -> None:
    """Send it and hold what comes back to the laws."""
    before = cbp.cbp.store.count("select count(*) from transcript where direction = 'in'")
    answers = cbp.send(data)
    assert cbp.cbp.undigested() == []
    row = cbp.cbp.store.row("select kind, verdict from transcript where direction = 'in' order by id desc limit 1")
    assert row is not None
    assert cbp.cbp.store.count("select count(*) from transcript where direction = 'in'") == before + 1
    verdict = json.loads(row["verdict"])
    assert verdict["stage"] in {"door", "envelope", "syntax", "business", "acknowledgment", "repeated", "batch"}
    assert all(one["reference"] for one in verdict.get("reasons", ()) if verdict["stage"] != "batch")
    direct = [one.kind for one in answers if one.kind in {"TA1", "997", "355"}]
    if verdict["stage"] in {"door", "envelope", "syntax"}:
        assert direct or verdict["reasons"]
    if verdict["stage"] == "business":
        assert direct[-2:] == ["997", "355"]
    for one in answers:
        if one.kind in {"TA1", "997", "355", "350"}:
            read = x12.take_apart(one.payload)
            assert read.fault is None or one.kind == "TA1", (read.fault, one.payload)
        if one.kind == "997":
            assert syntax.judge(x12.take_apart(one.payload), set_id="997").accepted, one.payload


@settings(max_examples=250, deadline=None)
@given(st.lists(spoilt(), min_size=1, max_size=3))
def test_spoilt_interchanges_never_crash_the_sandbox(messages: list[bytes]) -> None:
    """Each is answered with TA1, 997 or 355, or refused in the transcript; 997s are sound; the books go on."""
    cbp = box(eta_in_future="warn")
    for number, data in enumerate(messages, 1):
        answered(cbp, data.replace(b"000000001", b"%09d" % number))
    cbp.advance(days=2)


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_random_bytes_never_crash_the_sandbox(data: bytes, like_x12: bool) -> None:
    """Also behind a good beginning of an ISA."""
    answered(box(), (SAMPLES[0][: len(data) % 200] if like_x12 else b"") + data)


@pytest.mark.parametrize("row", ["ZZZ*1", "LX*X", "N10*X*Y*Z", "é" * 20, "*" * 50, "M11"])
def test_a_large_hostile_file_is_answered_in_bounded_time_and_memory(row: str) -> None:
    """A megabyte of one bad segment: a short 997 within seconds, in memory that is a small multiple of the file."""
    head, tail = SAMPLES[0].split(b"LX*1~", 1)
    filler = (row + "~").encode("latin-1")
    data = recount(head + b"LX*1~" + filler * (1_000_000 // len(filler)) + tail)
    cbp = box()
    tracemalloc.start()
    started = time.monotonic()
    try:
        answers = cbp.send(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [one.kind for one in answers] == ["997"]
    assert len(answers[0].payload) < 100_000
    assert time.monotonic() - started < 60
    assert peak < 60 * len(data)
