"""Whatever bytes come as CATAIR: is there an answer in CBP's way or a refusal on record, and are the books right?

Files are good ones changed at random, walks through the gateway's usage maps with random values, and records in any
order. Bounded examples: each is a file read, judged and answered for good.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox.abi.batch_reader import GRAMMARS
from sandbox.abi.columns import STANDARD
from sandbox.samples import SampleEntry, SampleSummary, entries_se, summaries_ae
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from schemas.catair import BlockSpec, write_batch
from tests.catair_kit import FILER, mapped, transaction_for

GOLDEN = Path(__file__).parents[1] / "golden" / "catair"
GOOD = [
    entries_se([SampleEntry("1234567", "1001"), SampleEntry("1234568", "1002")]),
    entries_se([SampleEntry("1234567", "1001", type="86"), SampleEntry("1234567", "1001", action="R")], end=""),
    summaries_ae([SampleSummary("1234567", bill="1001"), SampleSummary("1234568")]),
    summaries_ae([SampleSummary("1234567", type="01", value=3000, fee=(1039, 3271))], end="\r\n"),
    *((GOLDEN / f"{name}.txt").read_bytes() for name in ("se_agency_prior_notice", "ae_type01_truck", "se_type86_air")),
]
SEEDS = st.integers(0, 2**32 - 1)
BOUNDED = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CONDUCT = st.builds(
    Behaviour,
    cargo_syntax_faults=st.sampled_from(["batch", "record"]),
    summary_syntax_faults=st.sampled_from(["E1", "X1"]),
    unknown_importers=st.sampled_from(["accept", "reject"]),
    unknown_bonds=st.sampled_from(["accept", "reject"]),
)
CHARACTERS = sorted(STANDARD)


def answered(data: bytes, behaviour: Behaviour) -> LoopbackCbp:
    """Send the file; every law that holds for any file is checked on the way."""
    box = LoopbackCbp("2026-10-02T09:00:00-04:00", behaviour=behaviour)
    answers = [a for a in box.send(data) if a.kind != "SO"]
    row = box.cbp.store.row("select verdict, digested_at from received")
    assert row is not None
    verdict: dict[str, Any] = json.loads(row["verdict"])
    assert verdict["result"]
    assert answers or verdict["reasons"], verdict
    for reason in verdict["reasons"]:
        assert reason["reference"], reason
    accepted: dict[str, set[str]] = {"SX": set(), "AX": set()}
    for answer in answers:
        lines = answer.payload.decode("latin-1").removesuffix("\n").split("\n")
        assert all(len(line) == 80 for line in lines)
        assert (lines[0][0], lines[-1][0]) == ("A", "Z")
        assert not lines[0][8:14].strip(), "the password never comes back"
        count = 0
        number = ""
        for line in lines[1:-1]:
            if line[0] == "Y" and line[1:3] == "  ":
                assert int(line[12:17]) == count
                count = -1
            count += line[0] != "B" or line[1:3] != "  "
            if line.startswith("SE10"):
                number = line[5:8] + line[10:18]
            if line.startswith(("SE9002", "SE9003")):
                accepted["SX"].add(number)
            if line.startswith("E1A"):
                accepted["AX"].add(line[50:53] + line[55:63])
    entries = {r["number"] for r in box.cbp.store.rows("select number from entry")}
    summaries = {r["number"] for r in box.cbp.store.rows("select number from summary")}
    assert entries <= accepted["SX"]
    assert summaries <= accepted["AX"]
    return box


def changed(rnd: Random, data: bytes) -> bytes:
    """One change: a byte, a column, a record taken away, doubled, moved or cut off."""
    lines = data.splitlines() if b"\n" in data else [data[i : i + 80] for i in range(0, len(data), 80)]
    place = rnd.randrange(len(lines))
    match rnd.randrange(8):
        case 0:
            line = bytearray(lines[place] or b" ")
            line[rnd.randrange(len(line))] = rnd.randrange(256)
            lines[place] = bytes(line)
        case 1 | 2:
            line = bytearray(lines[place].ljust(80))
            at, length = rnd.randrange(80), rnd.choice((1, 1, 2, 4, 10))
            text = "".join(rnd.choice(CHARACTERS) for _ in range(length))
            line[at : at + length] = rnd.choice((text, " " * length, "0" * length)).encode()
            lines[place] = bytes(line)
        case 3:
            del lines[place]
        case 4:
            lines.insert(place, lines[rnd.randrange(len(lines))])
        case 5:
            other = rnd.randrange(len(lines))
            lines[place], lines[other] = lines[other], lines[place]
        case 6:
            name = rnd.choice(sorted({*GRAMMARS["SE"].layouts, *GRAMMARS["AE"].layouts, "A", "B", "Y", "Z", "QQ"}))
            lines.insert(place, (name + "".join(rnd.choice(CHARACTERS) for _ in range(80)))[:80].encode())
        case 7:
            lines[place] = lines[place][: rnd.randrange(81)]
    return rnd.choice((b"\n", b"\n", b"")).join(lines or [b""])


@BOUNDED
@given(seed=SEEDS, behaviour=CONDUCT)
def test_a_good_file_changed_anywhere(seed: int, behaviour: Behaviour) -> None:
    """A few changes to a good file: answered or refused, and nothing in the books that was not accepted."""
    rnd = Random(seed)
    data = rnd.choice(GOOD)
    for _ in range(rnd.randint(1, 4)):
        data = changed(rnd, data)
    answered(data, behaviour)


@BOUNDED
@given(seed=SEEDS, behaviour=CONDUCT)
def test_any_transaction_by_the_usage_maps(seed: int, behaviour: Behaviour) -> None:
    """Well-formed transactions with random values in every field reach the edits; none of them breaks one."""
    rnd = Random(seed)
    code, name = rnd.choice([pair for pair in sorted(mapped()) if pair[0] in {"SE", "AE"}])
    transactions = [transaction_for(rnd, code, name) for _ in range(2)]
    data = write_batch(code, "0901", FILER, "PASSWD", [BlockSpec("0901", FILER, "", transactions)])
    answered(data, behaviour)


@BOUNDED
@given(data=st.binary(max_size=2000), behaviour=CONDUCT)
def test_any_bytes_behind_a_header(data: bytes, behaviour: Behaviour) -> None:
    """Noise that calls itself a batch is told what is wrong with it."""
    for application in (b"SE", b"AE"):
        answered(b"A0901XYZPASSWD100226     " + application + b" " * 53 + data, behaviour)


@BOUNDED
@given(data=st.binary(max_size=300))
def test_any_bytes_at_all(data: bytes) -> None:
    """What is no batch is refused on record."""
    answered(data, Behaviour())
