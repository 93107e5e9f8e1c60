"""One truck with a Section 321, a type 86 and a type 11 shipment, byte for byte, under both profiles.

The files under ``mappings/`` were written by this code and then read through by hand against the public tables
(``ORIGIN.txt`` says how); a change of a single byte must be looked at and meant.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from mappings.entry import build_entry
from mappings.handoff import build_package
from mappings.manifest import build_manifest
from schemas.catair import BlockSpec, read_batches, write_batch
from schemas.profile import load_profile
from schemas.x12 import read_interchange
from tests import mapping_samples as kit

FOLDER = Path(__file__).parent / "mappings"
ENTRY_NUMBERS = ("XYZ12345671", "XYZ12345689")


def manifest(name: str) -> bytes:
    """The 309 under one profile."""
    profile = load_profile(name)
    (message,) = build_manifest(kit.trip(), kit.three_pathways(), profile)
    return kit.in_envelope(message.segments, profile)


def entries() -> bytes:
    """The SE batch with both entries."""
    pairs = zip(kit.three_pathways()[1:], ENTRY_NUMBERS, strict=True)
    made = [build_entry(one, decision, kit.trip(), kit.FILER, number) for (one, decision), number in pairs]
    block = BlockSpec("0901", "XYZ", "B000000001", [message.records for message in made])
    return write_batch("SE", "0901", "XYZ", "SECRET", [block], date(2025, 3, 10), "B000000001")


def handoff(name: str) -> bytes:
    """One file of the handoff package; the invoice is left out, since its compression is the library's."""
    made = kit.shipment(lines=[kit.line(value="2600.00")], fair_retail_value=None)
    return build_package(made, kit.decided("formal"), kit.trip(), kit.WRITTEN_AT)[name]


MADE: dict[str, Callable[[], bytes]] = {
    "309-default.edi": lambda: manifest("default"),
    "309-alternate.edi": lambda: manifest("alternate"),
    "se-types-86-and-11.txt": entries,
    "handoff.xml": lambda: handoff("handoff.xml"),
    "handoff-readme.txt": lambda: handoff("README.txt"),
}


@pytest.mark.parametrize("name", sorted(MADE))
def test_the_bytes_are_those_that_were_read_through(name: str) -> None:
    """Byte for byte the kept file."""
    assert MADE[name]() == (FOLDER / name).read_bytes()


@pytest.mark.parametrize("profile", ["default", "alternate"])
def test_the_kept_manifest_reads_without_a_problem(profile: str) -> None:
    """The codec of that profile takes every byte; both say the same three shipments."""
    read = read_interchange((FOLDER / f"309-{profile}.edi").read_bytes(), load_profile(profile))

    assert read.problems == ()
    assert [one.element(1) for one in read.segments if one.id == "M11"] == [f"2503100000{n}" for n in (1, 2, 3)]


def test_the_kept_entries_read_without_a_problem() -> None:
    """Two transactions, types 86 and 11."""
    read = read_batches((FOLDER / "se-types-86-and-11.txt").read_bytes())

    assert read.problems == []
    assert [one.all("SE10")[0].text("entry_type") for one in read.batches[0].transactions] == ["86", "11"]


def test_nothing_lies_there_unused() -> None:
    """Every kept file is compared by a test."""
    assert {path.name for path in FOLDER.iterdir()} == {*MADE, "ORIGIN.txt"}
