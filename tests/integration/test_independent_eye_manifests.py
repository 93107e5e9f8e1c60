"""The independent eye: mistakes in our own 309 writer that our own codec does not see are refused by the sandbox.

Each mutation makes a table of the gateway's codec wrong, or the segments that the mappings give, so that the writer
writes the bytes without a word and (but where said) the gateway's own reader finds them good. The sandbox, with maps
and columns of its own, answers each with the right code at the right place. The bytes without mutation are accepted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from mappings.manifest import build_manifest
from sandbox.settings import Behaviour
from sandbox.testing import LoopbackCbp
from schemas.errors import FormatError
from schemas.profile import Profile, load_profile
from schemas.x12 import Segment, elements, envelope, grammar, levels, read_interchange, set_reader, tables, writer
from schemas.x12.segments import seg
from tests.mapping_samples import in_envelope, three_pathways, trip
from tests.truck_kit import remarks, segments

Segments = list[Segment]


class Spoiler:
    """Makes tables of the gateway's codec wrong for one test."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.patch = patch

    def element(self, reference: str, **values: Any) -> None:
        """Another definition of one element: ``use``, ``type``, ``shortest``, ``longest``, ``codes``."""
        name, place = reference[:-2], int(reference[-2:])
        held = dict(elements.SEGMENTS)
        rows = list(held[name].elements)
        rows[place - 1] = replace(rows[place - 1], **values)
        held[name] = replace(held[name], elements=tuple(rows))
        self.patch.setattr(elements, "SEGMENTS", held)

    def structure(self, old: str, new: str) -> None:
        """Other lines in the structure of the 309."""
        self._of_set(structure=tables._structure("309", _changed(_structure_309(), old, new)))

    def group(self, code: str) -> None:
        """Another functional group for the 309."""
        self._of_set(group=code)

    def _of_set(self, **values: Any) -> None:
        held = {**tables.SETS, "309": replace(grammar.SETS["309"], **values)}
        for module in (grammar, elements, writer, levels, set_reader, envelope):
            self.patch.setattr(module, "SETS", held)

    def widths(self, place: int, width: int) -> None:
        """Another width of one element of the ISA."""
        rows = list(envelope.ISA_WIDTHS)
        rows[place - 1] = width
        self.patch.setattr(envelope, "ISA_WIDTHS", tuple(rows))

    def characters(self, more: str) -> None:
        """More characters than CBP takes."""
        self.patch.setattr(elements, "CBP_CHARACTERS", elements.CBP_CHARACTERS | frozenset(more))

    def count(self, by: int) -> None:
        """SE01 is counted wrong."""

        def wrong(name: str, *values: str | int | None) -> Segment:
            return seg(name, int(str(values[0])) + by, *values[1:]) if name == "SE" else seg(name, *values)

        self.patch.setattr(writer, "seg", wrong)


def _structure_309() -> str:
    text: str = tables._load("sets.toml")["309"]["structure"]
    return text


def _changed(text: str, old: str, new: str) -> str:
    assert old in text
    return text.replace(old, new, 1)


@pytest.fixture
def spoil(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spoiler]:
    """Compiled tables are forgotten before and after."""
    for compiled in (elements.checkers, grammar.grammar):
        compiled.cache_clear()
    yield Spoiler(monkeypatch)
    monkeypatch.undo()
    for compiled in (elements.checkers, grammar.grammar):
        compiled.cache_clear()


def with_value(name: str, place: int, value: str) -> Callable[[Segments], Segments]:
    """Another value in the first segment of a name; ``""`` takes it out."""

    def change(rows: Segments) -> Segments:
        at = next(i for i, row in enumerate(rows) if row.id == name)
        values = [*rows[at].elements, *[""] * place][: max(place, len(rows[at].elements))]
        values[place - 1] = value
        return [*rows[:at], seg(name, *values), *rows[at + 1 :]]

    return change


def without(name: str) -> Callable[[Segments], Segments]:
    """Every segment of a name left out."""
    return lambda rows: [row for row in rows if row.id != name]


def without_party(role: str) -> Callable[[Segments], Segments]:
    """The first party of a role left out, with its address."""

    def change(rows: Segments) -> Segments:
        first = next(i for i, row in enumerate(rows) if row.id == "N1" and row.element(1) == role)
        after = next(i for i in range(first + 1, len(rows)) if rows[i].id not in {"N3", "N4"})
        return [*rows[:first], *rows[after:]]

    return change


def shifted(name: str, first: int) -> Callable[[Segments], Segments]:
    """The elements of the first segment of a name from ``first`` on, one place too far."""

    def change(rows: Segments) -> Segments:
        at = next(i for i, row in enumerate(rows) if row.id == name)
        values = [*rows[at].elements[: first - 1], "", *rows[at].elements[first - 1 :]]
        return [*rows[:at], seg(name, *values), *rows[at + 1 :]]

    return change


def swapped(one: str, other: str) -> Callable[[Segments], Segments]:
    """Every pair of neighbours in the other order."""

    def change(rows: Segments) -> Segments:
        out = list(rows)
        for at in range(len(out) - 1):
            if (out[at].id, out[at + 1].id) == (one, other):
                out[at], out[at + 1] = out[at + 1], out[at]
        return out

    return change


def before(name: str, row: Segment) -> Callable[[Segments], Segments]:
    """One more segment before the first of a name."""

    def change(rows: Segments) -> Segments:
        at = next(i for i, one in enumerate(rows) if one.id == name)
        return [*rows[:at], row, *rows[at:]]

    return change


def same(rows: Segments) -> Segments:
    """The segments as the mappings give them."""
    return rows


def nothing(_: Spoiler) -> None:
    """Tables as they are: the codec has none for this."""


@dataclass(frozen=True)
class Mutation:
    """One mistake. ``answer``: kind of the answer; ``told``: for a 997 the AK3 (with {at} for the place of the first
    segment ``place``) and AK4, for a 355 the K101 and the segment it follows, for a TA1 its code.
    """

    name: str
    spoil: Callable[[Spoiler], None]
    change: Callable[[Segments], Segments]
    answer: str
    told: tuple[str, ...]
    place: str = ""
    facts: dict[str, object] | None = None
    own_reader_sees: bool = False


def _tables(*steps: Callable[[Spoiler], None]) -> Callable[[Spoiler], None]:
    def spoil_all(spoiler: Spoiler) -> None:
        for step in steps:
            step(spoiler)

    return spoil_all


MUTATIONS = [
    Mutation("segments in the wrong order",
             lambda s: s.structure("      N3 O 2\n      N4 O 1\n", "      N4 O 1\n      N3 O 2\n"),
             swapped("N3", "N4"), "997", ("AK3*N3*{at}**7",), "N3"),
    Mutation("a mandatory segment missing", lambda s: s.structure("M10 M 1", "M10 O 1"),
             without("M10"), "997", ("AK3*M10*2**3",)),
    Mutation("no loop head", lambda s: s.structure("  LX M 9999\n    M13 O 1\n    M11 O 1\n",
                                                   "  M11 M 9999\n    M13 O 1\n    LX O 1\n"),
             without("LX"), "997", ("AK3*M11*{at}**2",), "M11"),
    Mutation("a mandatory element missing", lambda s: s.element("M1102", use="O"),
             with_value("M11", 2, ""), "997", ("AK3*M11*{at}**8", "AK4*2*310*1"), "M11"),
    Mutation("a pair of elements torn apart", lambda s: s.patch.setattr(
        elements, "SEGMENTS", {**elements.SEGMENTS, "M11": replace(elements.SEGMENTS["M11"], rules=())}),
             with_value("M11", 6, ""), "997", ("AK3*M11*{at}**8", "AK4*6*188*2"), "M11"),
    Mutation("SE01 one too low", lambda s: s.count(-1), same, "997", ("AK5*R*4",), own_reader_sees=True),
    Mutation("bills miscounted", nothing, with_value("M10", 8, "7"), "355", ("013INVALID BILL COUNT", "M10")),
    Mutation("an element one place off",
             _tables(lambda s: s.element("VID02", longest=15), lambda s: s.element("VID03", use="O")),
             lambda rows: with_value("VID", 3, "")(with_value("VID", 2, "T53012")(rows)), "997",
             ("AK3*VID*{at}**8", "AK4*2*206*5*T53012", "AK4*3*207*1"), "VID"),
    Mutation("the issuer of the bill one place off", lambda s: s.element("M1112", use="O"),
             shifted("M11", 12), "997", ("AK3*M11*{at}**8", "AK4*12*140*1"), "M11"),
    Mutation("the trip number in another element", nothing, same, "355", ("012INVALID VOYAGE/TRIP NUMBER", "M10"),
             facts={"trip_number_element": "M1007"}),
    Mutation("a code of no list", lambda s: s.element("M1009", codes=""),
             with_value("M10", 9, "Q"), "997", ("AK3*M10*2**8", "AK4*9*256*7*Q")),
    Mutation("kilograms by another letter", nothing, same, "355", ("021INVALID WEIGHT UNIT", "M11"),
             facts={"weight_units": {"KG": "G", "LB": "L"}}),
    Mutation("lower case", lambda s: s.characters("abcdefghijklmnopqrstuvwxyz"),
             with_value("N10", 2, "Cotton t-shirts"), "355", ("370INVALID CHARACTER", "N10")),
    Mutation("an element too long", lambda s: s.element("N1002", longest=80),
             with_value("N10", 2, "COTTON T-SHIRTS, KNITTED, FOR MEN AND WOMEN, WHITE"), "997",
             ("AK3*N10*{at}**8", "AK4*2*369*5*COTTON T-SHIRTS, KNITTED, FOR MEN AND WOMEN, WHITE"), "N10"),
    Mutation("an element too short", lambda s: s.element("N1006", shortest=1),
             with_value("N10", 6, "5"), "997", ("AK3*N10*{at}**8", "AK4*6**4*5"), "N10"),
    Mutation("a date without its century", lambda s: s.element("P402", type="AN", shortest=6),
             with_value("P4", 2, "250310"), "997", ("AK3*P4*{at}**8", "AK4*2*373*4*250310"), "P4"),
    Mutation("a sender of fourteen characters", lambda s: s.widths(6, 14), same, "TA1", ("006",),
             own_reader_sees=True),
    Mutation("another release in GS08", nothing, same, "997", ("AK9*R*1*1*0*2",),
             facts={"group_versions": {"309": "004010"}}),
    Mutation("another group in GS01", lambda s: s.group("SO"), same, "997", ("AK9*R*1*1*0*1",)),
    Mutation("M13 in a W", nothing,
             before("M11", seg("M13", "TSTC", "0901", "A", "25031000001", "", "11", "1", "", "TSTC")), "355",
             ("M13 ONLY IN AN AMENDMENT", "M13")),
    Mutation("N10 outside VID", lambda s: s.structure("    VID O 999\n      M7 O 5\n      N10 O 999\n",
                                                       "    N10 O 999\n    VID O 999\n      M7 O 5\n      X4 O 1\n"),
             without("VID"), "997", ("AK3*N10*{at}**2",), "N10"),
    Mutation("no shipper", nothing, without_party("SH"), "355",
             ("004INVALID S01/N1 RECORD", "M11")),
    Mutation("no driver", nothing, with_value("NM1", 1, "Z2"), "355", ("NO PERSON IN CHARGE", "M10")),
    Mutation("a truck without VIN and plate", nothing,
             lambda rows: [seg("VEH", "1") if row.id == "VEH" else row for row in rows], "355",
             ("VIN OR LIC PLATE REQUIRED", "M10")),
]  # fmt: skip


def written(mutation: Mutation | None = None, name: str = "default") -> tuple[bytes, Profile]:
    """Our 309 for a truck with one shipment of each pathway, as the mappings and the writer make it."""
    facts = dict(mutation.facts or {}) if mutation is not None else {}
    if "group_versions" in facts:
        facts["group_versions"] = {**load_profile().group_versions, **facts["group_versions"]}  # type: ignore[dict-item]
    profile = load_profile(name, facts)
    (message,) = build_manifest(trip(), three_pathways(), profile)
    rows = list(message.segments)
    return in_envelope(mutation.change(rows) if mutation is not None else rows, profile), profile


@pytest.mark.parametrize("name", ["default", "alternate"])
def test_what_we_write_is_accepted(name: str) -> None:
    """The bytes without mutation, under either profile: 997 A, 355 without a remark, three shipments on file."""
    data, profile = written(name=name)
    assert read_interchange(data, profile).errors == ()
    cbp = LoopbackCbp("2025-03-10T10:05:00-04:00", behaviour=Behaviour(profile=name))
    answers = cbp.send(data)
    assert [one.kind for one in answers] == ["997", "355"]
    assert b"AK9*A*1*1*1" in answers[0].payload
    assert b"K1*" not in answers[1].payload
    assert cbp.cbp.store.count("select count(*) from bill") == 3


@pytest.mark.parametrize("mutation", MUTATIONS, ids=[one.name for one in MUTATIONS])
def test_a_mistake_that_our_codec_does_not_see_is_refused(mutation: Mutation, spoil: Spoiler) -> None:
    """Written without a word, good for our own reader (counts and the ISA apart, which it takes from the bytes), and
    refused with the right code at the right place.
    """
    mutation.spoil(spoil)
    data, profile = written(mutation)
    found = own_reading(data, profile)
    assert bool(found) is mutation.own_reader_sees, found
    cbp = LoopbackCbp("2025-03-10T10:05:00-04:00")
    answers = cbp.send(data)
    match mutation.answer:
        case "TA1":
            assert [one.kind for one in answers] == ["TA1"]
            assert segments(answers, "TA1")[1].endswith(f"*R*{mutation.told[0]}")
        case "997":
            assert [one.kind for one in answers] == ["997"]
            told = segments(answers, "997")
            assert "\n".join(told).count("\nAK9*R*1*1*0") == 1
            at = place_of(mutation.place, data) if mutation.place else 0
            assert {one.format(at=at) for one in mutation.told} <= set(told), told
        case _:
            text, place = mutation.told
            assert (text, place) in remarks(answers), remarks(answers)
            copied(text, answers, data)
    kept = cbp.cbp.store.count("select count(*) from bill where state <> 'DELETED'")
    assert kept < 3


def own_reading(data: bytes, profile: Profile) -> set[str]:
    """What our own reader finds wrong."""
    try:
        return {one.code for one in read_interchange(data, profile).errors}
    except FormatError as error:
        return {one.code for one in error.problems}


def place_of(name: str, data: bytes) -> int:
    """Position of the first segment of a name in the set, ST being the first."""
    rows = [row.split("*")[0] for row in data.decode().split("~")]
    return rows.index(name) - rows.index("ST") + 1


def copied(text: str, answers: list[Any], data: bytes) -> None:
    """What a K1 stands after is a segment as we wrote it."""
    rows = segments(answers, "355")
    at = next(i for i, row in enumerate(rows) if row.startswith("K1*") and row.split("*")[1] == text)
    about = next(row for row in reversed(rows[:at]) if not row.startswith("K1*"))
    assert about in data.decode().split("~")
