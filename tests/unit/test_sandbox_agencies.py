"""What partner agencies say of an entry: which lines concern them, their usual course, holds, layouts by date."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.abi.agencies import AgencyLine, read_agencies
from sandbox.abi.batch_reader import Line
from sandbox.cbp import Answer
from sandbox.samples import SampleBill, SampleEntry, SampleQuery, entries_se, manifest_309, queries_cq
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp

MARCH = "2025-03-10T09:00:00-04:00"
TRIP = "TSTC2503100001"
BILL = "25031000001"
OI = "OI        SOMETHING GOOD"
FOOD = ("OI        PROTEIN BAR", "PG01001FDAFOOPRO")
PG02 = "PG02P"
"""What must follow the PG01 of a claim, and not that of a disclaimer."""


def pg01(line: int, agency: str, program: str, processing: str = "", disclaimer: str = "") -> str:
    """A PG01 record."""
    return f"PG01{line:03d}{agency:3}{program:3}{processing:3}".ljust(79) + disclaimer


def cbp(clock: str = MARCH, **conduct: Any) -> LoopbackCbp:
    """A fresh CBP whose trucks come when told."""
    return LoopbackCbp(clock, behaviour=Behaviour(arrive_at_eta=False, **conduct))


def filed(box: LoopbackCbp, number: str = BILL, agency_records: tuple[str, ...] = FOOD, **entry: Any) -> list[Answer]:
    """What the box says to a bill and an entry with agency data."""
    answers = box.send(manifest_309([SampleBill(number)], day=box.now.strftime("%Y%m%d")))
    claimed = claims(agency_records)
    return answers + box.send(entries_se([SampleEntry("1234567", number, agency_records=claimed, **entry)]))


def claims(records: tuple[str, ...]) -> tuple[str, ...]:
    """These agency records, each PG01 that claims followed by its PG02."""
    followed: list[str] = []
    for record in records:
        followed.append(record)
        if record.startswith("PG01") and not record[79:].strip():
            followed.append(PG02)
    return tuple(followed)


def told(answers: list[Answer]) -> list[str]:
    """One text for each SO: codes of SO50 and SO60, and agency:status of SO70."""
    out: list[str] = []
    for line in (r for a in answers if a.kind == "SO" for r in a.payload.decode().splitlines()):
        if line[:4] == "SO10":
            out.append("")
        elif line[:4] in {"SO50", "SO60"}:
            out[-1] = f"{out[-1]} {line[14:16]}".strip()
        elif line[:4] == "SO70":
            out[-1] += f" {line[4:7]}:{line[20:22]}"
    return out


def records(answers: list[Answer], name: str) -> list[str]:
    """Records of the SOs under a name."""
    return [r for a in answers if a.kind == "SO" for r in a.payload.decode().splitlines() if r[:4] == name]


def lines(*texts: str) -> list[Line]:
    """Records of a transaction as the reader of batches gives them."""
    return [
        Line(text[:2] if text[:2] == "OI" else text[:4], text.ljust(80), n, None) for n, text in enumerate(texts, 3)
    ]


READ = [
    (("SE40001CA X", "SE606109100012", *FOOD), [AgencyLine("001", "1", "001", "FDA", "FOO", "", True)]),
    (
        ("SE40001CA X", "SE606109100012", "SE609903010100", OI, pg01(1, "APH", "APL"), pg01(2, "APH", "APL")),
        [
            AgencyLine("001", "2", "001", "APH", "APL", "", False),
            AgencyLine("001", "2", "002", "APH", "APL", "", False),
        ],
    ),
    (
        ("SE40001CA X", "SE606109100012", "SE40002CA Y", "SE606109100012", OI, pg01(1, "FDA", "COS")),
        [AgencyLine("002", "1", "001", "FDA", "COS", "", False)],
    ),
    (
        ("SE40001CA X", "SE606109100012", OI, pg01(1, "FDA", "FOO", "PRO", "A")),
        [AgencyLine("001", "1", "001", "FDA", "FOO", "A", True)],
    ),
    (
        ("SE40001CA X", "SE606109100012", OI, pg01(1, "FDA", "FOO", "CCW")),
        [AgencyLine("001", "1", "001", "FDA", "FOO", "", False)],
    ),
    (
        ("SE40001CA X", "SE606109100012", *FOOD, "PG14 26 123456789012"),
        [AgencyLine("001", "1", "001", "FDA", "FOO", "", False)],
    ),
    (("SE10A", "PG01001FDAFOO"), []),
    ((), []),
]


@pytest.mark.parametrize(("texts", "found"), READ)
def test_agency_lines_are_read(texts: tuple[str, ...], found: list[AgencyLine]) -> None:
    """Agency, program, disclaimer and place of each PG01; food is a prior notice unless it is ware or has a number."""
    assert read_agencies(lines(*texts)) == found


def test_the_usual_course() -> None:
    """01 with the entry under review, then 07 with reason 22 and 97; release and ONEUSG follow as ever."""
    box = cbp()
    answers = filed(box)
    assert told(answers) == ["93 90 FDA:01", "93 97 FDA:07"]
    review, proceed = records(answers, "SO70")
    assert review[4:50].rstrip() == "FDAFOO031025090001DATA UNDER PGA REVIEW"
    assert (proceed[20:50].rstrip(), proceed[52:54], proceed[54:56]) == ("07MAY PROCEED", "07", "22")
    assert told(box.arrive(TRIP)) == ["95 98 FDA:07", "95 98 01 FDA:07"]


@pytest.mark.parametrize(
    ("clock", "where", "version"),
    [
        ("2025-09-05T23:59:00-04:00", "00011001", "03"),
        ("2025-09-06T00:00:00-04:00", "00101001", "04"),
    ],
)
def test_the_layout_follows_the_date(clock: str, where: str, version: str) -> None:
    """Until 5 September 2025 four digits of the line and one of the tariff position, from the 6th three and two."""
    record = records(filed(cbp(clock)), "SO70")[0]
    assert record[56:64] == where
    assert record[78:80] == version


def test_a_place_the_old_layout_cannot_say_is_left_out() -> None:
    """The tenth tariff number of a line has no place in one column."""
    tariffs = tuple(f"SE60{6109100012 + n}{0:010d}" for n in range(9))
    assert records(filed(cbp(), agency_records=(*tariffs, *FOOD)), "SO70")[0][56:64] == "0001 001"
    late = cbp("2025-10-06T09:00:00-04:00")
    assert records(filed(late, agency_records=(*tariffs, *FOOD)), "SO70")[0][56:64] == "00110001"


def test_a_prior_notice_gets_its_number_once_the_agency_is_done() -> None:
    """SO71 after 07: a number of twelve digits with the qualifier of the switch, another one for each line."""
    food = (*FOOD, pg01(2, "FDA", "FOO", "NSF"), pg01(3, "FDA", "COS"))
    answers = filed(cbp(prior_notice_qualifier="07"), agency_records=food)
    found = records(answers, "SO71")
    assert [r[4:6] for r in found] == ["07", "07"]
    assert len({r[6:18] for r in found}) == 2
    assert all(r[6:18].isdigit() and r[18:30] == "031025090000" for r in found)
    names = [r[:4] for a in answers[-1:] for r in a.payload.decode().splitlines()]
    assert names[-6:-2] == ["SO71", "SO70", "SO71", "SO70"]


def test_a_number_stays_with_its_line() -> None:
    """Later SOs and the answer to a query repeat the same prior notice number."""
    box = cbp()
    first = records(filed(box), "SO71")
    assert records(box.arrive(TRIP), "SO71") == first * 2
    (answer,) = box.send(queries_cq([SampleQuery(entry=SampleEntry("1234567", BILL).number[3:])]))
    assert "WO" + first[0][2:] in answer.payload.decode().splitlines()


def test_a_disclaimed_line_concerns_nobody() -> None:
    """With every line disclaimed the entry is admissible at once."""
    answers = filed(cbp(), agency_records=(OI, pg01(1, "FDA", "FOO", "PRO", "A")))
    assert told(answers) == ["93 97"]


def test_several_agencies_have_a_status_each() -> None:
    """Every agency line is told by itself, all let go together."""
    box = cbp(agency_review_seconds=60)
    answers = filed(box, agency_records=(OI, pg01(1, "FDA", "COS"), pg01(1, "APH", "APL")))
    assert told(answers) == ["93 90 FDA:01 APH:01"]
    assert told(box.advance(minutes=1)) == ["93 97 FDA:07 APH:07"]


def test_a_marked_entry_is_held_by_its_agency() -> None:
    """AGENCY: 90 with 02, hold type 2; at arrival nothing is released; then 07, 97, and 98 with origin 08."""
    box = cbp()
    answers = filed(box, "AGENCY01")
    assert told(answers) == ["93 90 FDA:02"]
    held = records(answers, "SO70")[0]
    assert (held[20:50].rstrip(), held[54:56], held[77]) == ("02HOLD INTACT", "11", "2")
    assert [r.rstrip() for r in records(answers, "SO72")] == ["SO72HELD BY MARKER"]
    answers = box.arrive(TRIP)
    assert [a.kind for a in answers] == ["SO"]
    assert told(answers) == ["95 90 FDA:02"]
    assert box.advance(minutes=29) == []
    answers = box.advance(minutes=1)
    assert told(answers) == ["95 97 FDA:07", "95 98 FDA:07", "95 98 01 FDA:07"]
    assert records(answers, "SO60")[1][56:64] == "03102508"
    assert b"*1C**TSTC" in next(a.payload for a in answers if a.kind == "350")


def test_a_hold_that_ends_before_the_arrival() -> None:
    """97 with 07; the truck is then released as ever."""
    box = cbp()
    filed(box, "AGENCY01")
    answers = box.advance(minutes=30)
    assert told(answers) == ["93 97 FDA:07"]
    assert records(answers, "SO72") == []
    answers = box.arrive(TRIP)
    assert told(answers) == ["95 98 FDA:07", "95 98 01 FDA:07"]
    assert records(answers, "SO60")[0][56:64] == "03102503"


def test_without_agency_data_cbp_holds_for_an_agency() -> None:
    """AGENCY on an entry without PG records: CPS, PGA line 000, hold type 1; it ends by itself."""
    box = cbp()
    answers = filed(box, "AGENCY01", agency_records=())
    held = records(answers, "SO70")[0]
    assert (held[4:7], held[61:64], held[77]) == ("CPS", "000", "1")
    assert told(box.advance(minutes=30)) == ["93 97 CPS:07"]


def test_one_usg_waits_for_the_agencies() -> None:
    """Released by hand while an agency still holds: 98, and 01 only after its 07."""
    box = cbp()
    filed(box, "AGENCY01")
    box.arrive(TRIP)
    box.cbp.release("TSTCAGENCY01", box.now)
    assert told(box.collect()) == ["95 98 FDA:02"]
    assert told(box.advance(minutes=30)) == ["95 98 FDA:07", "95 98 01 FDA:07"]


def test_documents_and_agencies() -> None:
    """DOCS: 96 beside the agency's course; released by hand before the agency is done the entry is under review."""
    box = cbp(agency_review_seconds=3600)
    assert told(filed(box, "DOCS0001")) == ["93 96 FDA:01"]
    box.cbp.release("TSTCDOCS0001", box.now)
    assert told(box.collect()) == ["93 90 FDA:01"]
    assert told(box.advance(hours=1)) == ["93 97 FDA:07"]


def test_agency_data_that_changes_is_looked_at_again() -> None:
    """A granted replacement with another agency line: the new line is reviewed, the old one is not."""
    box = cbp(review_seconds=60)
    filed(box)
    more = (*FOOD, pg01(2, "FDA", "COS"))
    box.send(entries_se([SampleEntry("1234567", BILL, action="R", agency_records=claims(more))], reference="R"))
    answers = box.advance(minutes=1)
    assert told(answers) == ["93 88 FDA:07", "93 90 FDA:07 FDA:01", "93 97 FDA:07 FDA:07"]
    assert len({r[6:18] for r in records(answers, "SO71")}) == 1


def test_a_cancelled_entry_is_let_go_by_nobody() -> None:
    """No status of an agency comes after the cancellation."""
    box = cbp(agency_review_seconds=3600, review_seconds=60)
    filed(box)
    box.send(entries_se([SampleEntry("1234567", BILL, action="D", reason="01")], reference="D"))
    assert told(box.advance(minutes=1)) == ["93 23 FDA:01"]
    assert box.advance(hours=2) == []
