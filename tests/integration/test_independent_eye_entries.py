"""The independent eye on cargo release: a mistake in the gateway's own tables, maps or mapping is told by the sandbox.

Each mutant puts one mistake into what the gateway writes with: a column, a class, a usage map, a code, a number.
The gateway itself sees nothing of it: with the mistake in place it writes the batch without a complaint and reads its
own bytes back without one. The sandbox, which has read CBP's guides for itself, refuses them with the right code at
the right record; the same batch without the mistake it accepts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import pytest

from mappings.entry import build_entry
from sandbox.testing import LoopbackCbp
from schemas import entry_number as numbers
from schemas.catair import (
    BlockSpec,
    Record,
    RecordDef,
    classes,
    diagnosis,
    layouts,
    read_batches,
    usage,
    write_batch,
    writing,
)
from schemas.catair import records as codec
from tests import mapping_samples as kit
from tests.sandbox_kit import complaints, records, x1

CLOCK = "2025-03-10T09:00:00-04:00"
Patch = Callable[[pytest.MonkeyPatch], None]
Change = Callable[[list[Record]], list[Record]]


# ---------------------------------------------------------------------- mistakes in the gateway's tables


def table(layout: str, **fields: dict[str, Any]) -> Patch:
    """A record table with other fields: by their key, what of them is different."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        wrong = replace(
            layouts.RECORDS[layout],
            fields=tuple(replace(one, **fields.get(one.key, {})) for one in layouts.RECORDS[layout].fields),
        )
        _install(monkeypatch, wrong)

    return patch


def moved(layout: str, key: str, by: int) -> Patch:
    """A record table in which one field stands ``by`` columns further; its neighbours give and take the room."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        found = list(layouts.RECORDS[layout].fields)
        place = next(i for i, one in enumerate(found) if one.key == key)
        found[place - 1] = replace(found[place - 1], length=found[place - 1].length + by)
        found[place] = replace(found[place], start=found[place].start + by)
        after = found[place + 1]
        found[place + 1] = replace(after, start=after.start + by, length=after.length - by)
        _install(monkeypatch, replace(layouts.RECORDS[layout], fields=tuple(one for one in found if one.length)))

    return patch


def filled(layout: str, start: int, value: str) -> Patch:
    """A record table that takes a filler for a constant."""

    def patch(monkeypatch: pytest.MonkeyPatch) -> None:
        fields = [replace(one, value=value) if one.start == start else one for one in layouts.RECORDS[layout].fields]
        _install(monkeypatch, replace(layouts.RECORDS[layout], fields=tuple(fields)))

    return patch


def _install(monkeypatch: pytest.MonkeyPatch, wrong: RecordDef) -> None:
    mutated = MappingProxyType({**layouts.RECORDS, wrong.id: wrong})
    for module in (layouts, codec, diagnosis, usage, writing):
        monkeypatch.setattr(module, "RECORDS", mutated)


def any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Usage maps that let everything pass."""
    monkeypatch.setattr(usage.UsageMap, "check", lambda _self, _records: ())


def small_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A class X that has small letters."""
    small = frozenset("abcdefghijklmnopqrstuvwxyz")
    monkeypatch.setitem(classes.CHARACTERS, "X", classes.CHARACTERS["X"] | small)


def other_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table of letters for the check digit in which S begins with 1 as A and J do."""
    for value, letter in enumerate("STUVWXYZ", 1):
        monkeypatch.setitem(numbers.LETTER_VALUES, letter, value)


def nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """No mistake in the tables."""


# ---------------------------------------------------------------------- mistakes in what is mapped


def same(made: list[Record]) -> list[Record]:
    """No mistake in the mapping."""
    return made


def put(layout: str, key: str, value: Any, nth: int = 0) -> Change:
    """Another value in a field of the nth record of a layout; ``None`` leaves it out."""

    def change(made: list[Record]) -> list[Record]:
        found = [i for i, one in enumerate(made) if one.layout == layout]
        values = {**made[found[nth]].values, key: value}
        made[found[nth]] = Record(layout, {k: v for k, v in values.items() if v is not None})
        return made

    return change


def dropped(layout: str) -> Change:
    """A record left out."""
    return lambda made: [one for one in made if one.layout != layout]


def behind(layout: str, other: str) -> Change:
    """A record that stands behind the last of another layout."""

    def change(made: list[Record]) -> list[Record]:
        (one,) = [one for one in made if one.layout == layout]
        rest = [each for each in made if each is not one]
        at = max(i for i, each in enumerate(rest) if each.layout == other) + 1
        return [*rest[:at], one, *rest[at:]]

    return change


@dataclass(frozen=True)
class Mutant:
    """One mistake: in the tables, in the mapping, and what the sandbox says of it (answer, record, code)."""

    name: str
    patch: Patch
    change: Change
    answer: str
    record: str
    code: str
    pathway: str = "informal"


MUTANTS = [
    Mutant("references after the parties", any_order, behind("SE20", "SE36"), "X1", "SE20", "X35"),
    Mutant("bill after the references", any_order, behind("SE15", "SE20"), "X1", "SE15", "X35"),
    Mutant("contact left out", any_order, dropped("SE13"), "SX", "SE10", "208"),
    Mutant("tariff number left out", any_order, dropped("SE60"), "X1", "SE40", "X37"),
    Mutant(
        "value optional",
        table("SE10", estimated_entry_value={"use": "C"}),
        put("SE10", "estimated_entry_value", None),
        "SX",
        "SE10",
        "021",
    ),
    Mutant("lines counted from 0", nothing, put("SE40", "line_item_identifier", 0), "SX", "SE40", "Z32"),
    Mutant("one line number twice", nothing, put("SE40", "line_item_identifier", 1, 1), "SX", "SE40", "Z32"),
    Mutant("entry number a column further", moved("SE10", "entry_number", 1), same, "X1", "SE10", "X39"),
    Mutant("line value a column further", moved("SE60", "line_item_value", 1), same, "X1", "SE60", "X39"),
    Mutant("country a column before", moved("SE36", "country_code", -1), same, "SX", "SE30", "Z29"),
    Mutant("a wrong entity code", nothing, put("SE30", "entity_code", "BU", 1), "SX", "SE30", "Z25"),
    Mutant("a wrong mode", nothing, put("SE10", "mode_of_transportation_code", "03"), "SX", "SE10", "016"),
    Mutant("origin by another list", nothing, put("SE40", "country_of_origin", "UK"), "SX", "SE40", "Z33"),
    Mutant(
        "small letters",
        small_letters,
        put("SE40", "commercial_invoice_description", "Cotton T-shirts"),
        "X1",
        "SE40",
        "X40",
    ),
    Mutant(
        "a reference of ten",
        nothing,
        lambda made: put("SE20", "reference_identifier", "REFERENCE1")(_with_reference(made)),
        "SX",
        "SE20",
        "Z49",
    ),
    Mutant("check digit by another table", other_letters, same, "SX", "SE10", "006"),
    Mutant("filler filled", filled("SE40", 10, "0"), same, "X1", "SE40", "X39"),
    Mutant(
        "numbers left justified",
        table("SE10", estimated_entry_value={"kind": "text", "accepts": "AN"}),
        put("SE10", "estimated_entry_value", "1201"),
        "SX",
        "SE10",
        "022",
    ),
    Mutant(
        "numbers filled with spaces",
        table("SE15", quantity={"kind": "text", "accepts": "AN", "align": "right", "verbatim": True}),
        put("SE15", "quantity", "       3"),
        "SX",
        "SE15",
        "Z01",
    ),
    Mutant("tariff number with eight digits", nothing, put("SE60", "hts_number", "61091000"), "SX", "SE60", "Z35"),
    Mutant(
        "day before month",
        nothing,
        lambda made: put("SE20", "reference_identifier", "310325", -1)(made),
        "SX",
        "SE20",
        "Z37",
        "type86",
    ),
    Mutant("filler of the block's trailer filled", filled("Y.in", 47, "0" * 34), same, "X1", "Y", "X39"),
    Mutant("filler of the batch header filled", filled("A.in", 28, "0" * 10), same, "X1", "A", "X39"),
]


def _with_reference(made: list[Record]) -> list[Record]:
    bill = max(i for i, one in enumerate(made) if one.layout == "SE15") + 1
    own = codec.rec("SE20", reference_identifier_qualifier="CR", reference_identifier="JOB")
    return [*made[:bill], own, *(one for one in made[bill:] if one.layout != "SE20")]


def written(change: Change, pathway: str) -> bytes:
    """A batch of one entry as the gateway writes it, the mapping changed."""
    _, two, three = kit.three_pathways()
    shipment, decision = two if pathway == "type86" else three
    number = str(numbers.make_entry_number("XYZ", 1234567))
    made = list(build_entry(shipment, decision, kit.trip(), kit.FILER, number, reference="JOB1").records)
    block = BlockSpec("0901", "XYZ", "", [change(made)])
    return write_batch("SE", "0901", "XYZ", "PASSWD", [block], kit.WRITTEN_AT.date())


@pytest.fixture(autouse=True)
def _fresh_codec() -> Any:
    """Codecs are made anew before and after a table is changed."""
    codec.codec_of.cache_clear()
    yield
    codec.codec_of.cache_clear()


@pytest.mark.parametrize("pathway", ["informal", "type86"])
def test_what_the_gateway_writes_is_accepted(pathway: str) -> None:
    """Without a mistake: SX 02, no complaint."""
    answers = LoopbackCbp(CLOCK).send(written(same, pathway))
    assert complaints(answers) == []
    assert records(answers, "SX")[-3].startswith("SE9002")


@pytest.mark.parametrize("mutant", MUTANTS, ids=[one.name for one in MUTANTS])
def test_a_mistake_of_the_gateway_is_told(mutant: Mutant, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway is content with its bytes; the sandbox names the code, and the record where there is one."""
    mutant.patch(monkeypatch)
    data = written(mutant.change, mutant.pathway)
    assert _told_by_the_gateway(data) == []
    answers = LoopbackCbp(CLOCK).send(data)
    assert answers[0].kind == mutant.answer
    if mutant.answer == "SX":
        assert (mutant.record, mutant.code) in complaints(answers)
        assert records(answers, "SX")[-3].startswith("SE9001")
        return
    assert mutant.code in x1(answers)
    level, place = _place(records(answers, "X1"), mutant.code)
    assert level == {"A": "", "Y": "BLOCK"}.get(mutant.record, "TRNACT")
    assert level != "TRNACT" or data.decode().splitlines()[place - 1].startswith(mutant.record)


def _told_by_the_gateway(data: bytes) -> Sequence[str]:
    return [f"{one.code} {one.path} {one.position}: {one.text}" for one in read_batches(data).errors]


def _place(lines: list[str], code: str) -> tuple[str, int]:
    """What an X1 speaks of, nothing when it is the batch; and of a transaction the record in the file."""
    told = next(i for i, line in enumerate(lines) if line[4:7] == code)
    above = next((line for line in reversed(lines[:told]) if line.startswith("X0")), "")
    level = above[3:9].strip()
    return level, int(above[25:32]) if level == "TRNACT" else 0


def test_there_are_at_least_ten_mutants_of_all_kinds() -> None:
    """Order, absence, columns, codes, counts, characters, widths, check digits, fill: every kind is here."""
    assert len(MUTANTS) >= 10
    assert {one.answer for one in MUTANTS} == {"SX", "X1"}
    assert len({one.code for one in MUTANTS}) >= 10
