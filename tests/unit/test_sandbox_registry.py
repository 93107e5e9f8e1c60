"""Whom the sandbox's CBP knows: importers and bonds in its books, by the settings and by the control."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.offices import Offices
from sandbox.registry import Bond, Importer, Registry, RegistryError
from sandbox.samples import SampleEntry, entries_se
from sandbox.settings import Behaviour, SettingsError, load_settings
from sandbox.store import Store
from sandbox.testing import LoopbackCbp
from tests.sandbox_kit import MARCH, Change, after, all_of, at, complaints, same

IMPORTER = Importer("12-3456789", "EI", "SAMPLE IMPORTS", active_until="2026-06-01")
BOND = Bond("BOND-1", "12-3456789", "8", "123", 50_000, active_until="2026-06-01")
SINGLE = Bond("BOND-2", "12-3456789", "9", "456", 5000, entry="XYZ12345671")
ENTRY = SampleEntry("1234567", "25031000001")
STRICT = Behaviour(unknown_importers="reject", unknown_bonds="reject")


def judged(change: Change, clock: str = MARCH, behaviour: Behaviour = STRICT, rows: Any = (IMPORTER, BOND)) -> Any:
    """What the SX complains of."""
    return complaints(LoopbackCbp(clock, behaviour=behaviour, registered=rows).send(change(entries_se([ENTRY]))))


BONDED = at("SE10", 39, "8")
ONE_TIME = all_of(at("SE10", 39, "9"), after("SE20", "SE20V1 456", "SE20AMT5000"))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (same, []),
        (at("SE10", 25, "98-7654321"), [("SE10", "014")]),
        (BONDED, []),
        (all_of(BONDED, at("SE10", 25, "98-7654321")), [("SE10", "014"), ("SE10", "018")]),
        (all_of(BONDED, at("SE10", 22, " " * 15)), [("SE10", "011"), ("SE10", "013"), ("SE10", "017")]),
        (ONE_TIME, [("SE10", "Z82")]),
    ],
)
def test_unknown_importers_and_bonds_are_refused_where_the_switch_says_so(
    change: Change, expected: list[tuple[str, str]]
) -> None:
    """014 for an importer, 018 for a continuous bond that the books do not have; 017 without a bond holder."""
    assert judged(change) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (ONE_TIME, []),
        (all_of(ONE_TIME, at("SE20V1", 8, "999")), [("SE10", "Z82")]),
        (all_of(ONE_TIME, at("SE20AMT", 8, "6000")), [("SE10", "Z82")]),
    ],
)
def test_a_single_transaction_bond_is_that_of_the_entry(change: Change, expected: list[tuple[str, str]]) -> None:
    """Surety and amount are those of the bond on file for the entry."""
    assert judged(change, rows=(IMPORTER, SINGLE)) == expected


def test_by_default_everybody_is_known() -> None:
    """Any well-formed number and any bond are on file; a row that is there counts all the same."""
    unknown = all_of(BONDED, at("SE10", 25, "98-7654321"))
    assert judged(unknown, behaviour=Behaviour()) == []
    assert judged(BONDED, "2026-06-02T09:00:00-04:00", Behaviour()) == [("SE10", "018")]


@pytest.mark.parametrize(
    ("clock", "expected"),
    [
        ("2026-06-01T23:59:59-04:00", []),
        ("2026-06-23T23:59:59-04:00", []),
        ("2026-06-24T00:00:00-04:00", [("SE10", "333")]),
    ],
)
def test_an_inactive_importer_is_refused_from_june_2026(clock: str, expected: list[tuple[str, str]]) -> None:
    """333 from the day it was added; before it the entry of an importer that is no longer active is taken."""
    assert judged(same, clock) == expected


@pytest.mark.parametrize(
    ("clock", "expected"),
    [("2026-11-29T23:59:59-05:00", []), ("2026-11-30T00:00:00-05:00", [("SE10", "Z83")])],
)
def test_foreign_importers_are_barred_from_informal_entry(clock: str, expected: list[tuple[str, str]]) -> None:
    """A CBP-assigned number makes no entry of type 11 from 30 November 2026."""
    foreign = at("SE10", 22, "ANI260901-12345")
    assert judged(foreign, clock, Behaviour()) == expected


def test_the_control_lists_adds_and_removes() -> None:
    """Plain values in, plain values out; an older row with the same number is replaced."""
    registry = Registry(Store())
    registry.put(IMPORTER)
    registry.put(Importer("12-3456789", "EI", "OTHER NAME"))
    registry.put(BOND)
    assert registry.importers() == [
        {"number": "12-3456789", "type": "EI", "name": "OTHER NAME", "active_from": "", "active_until": ""}
    ]
    assert [one["number"] for one in registry.bonds()] == ["BOND-1"]
    assert registry.remove_importer("12-3456789") is True
    assert registry.remove_importer("12-3456789") is False
    assert registry.remove_bond("BOND-1") is True
    assert registry.bonds() == []


def test_the_books_survive_a_restart(tmp_path: Path) -> None:
    """Rows put in by the control are there again; rows of the settings are put in at every start."""
    first = LoopbackCbp(MARCH, path=tmp_path / "books.db", registered=[IMPORTER])
    first.cbp.registry.put(BOND)
    first.cbp.registry.remove_importer(IMPORTER.number)
    first.close()
    second = LoopbackCbp(MARCH, path=tmp_path / "books.db", registered=[IMPORTER])
    assert [one["number"] for one in second.cbp.registry.importers()] == [IMPORTER.number]
    assert [one["number"] for one in second.cbp.registry.bonds()] == ["BOND-1"]
    second.close()


SETTINGS = """
[behaviour]
unknown_importers = "reject"

[[importer]]
number = "12-3456789"
type = "EI"
name = "SAMPLE IMPORTS"
active_until = 2026-06-01

[[bond]]
number = "BOND-1"
importer = "12-3456789"
type = "8"
surety = "123"
amount = 50000
"""


def test_rows_of_the_settings_file_come_into_every_set_of_books(tmp_path: Path) -> None:
    """``[[importer]]`` and ``[[bond]]`` are read, days as TOML dates or texts."""
    file = tmp_path / "sandbox.toml"
    file.write_text(SETTINGS)
    settings = load_settings(file, {}, memory=True)
    assert settings.importers == (IMPORTER,)
    assert settings.bonds[0].amount == 50_000
    offices = Offices(settings)
    for runner in offices:
        assert [one["number"] for one in runner.cbp.registry.importers()] == ["12-3456789"]
    offices.close()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('type = "EI"', 'type = "QQ"', "importer 1: type"),
        ('number = "12-3456789"', 'number = "123456789"', "importer 1: number"),
        ("2026-06-01", '"1 June"', "importer 1: active_until"),
        ('name = "SAMPLE IMPORTS"', "name = 5", "importer 1: name"),
        ('name = "SAMPLE IMPORTS"', 'nick = "SAMPLE"', "importer 1: unknown settings: nick"),
        ('surety = "123"', 'surety = "12"', "bond 1: surety"),
        ('surety = "123"', "", "bond 1: "),
        ('type = "8"', 'type = "9"', "bond 1: entry"),
        ('type = "8"', 'type = "7"', "bond 1: type"),
        ("amount = 50000", "amount = -1", "bond 1: amount"),
        ("amount = 50000", "amount = true", "bond 1: amount"),
        ('importer = "12-3456789"', 'importer = "X"', "bond 1: importer"),
        ('"BOND-1"', '"bond 1"', "bond 1: number"),
        ("[[importer]]", "[importer]", "importers are tables"),
        ('unknown_importers = "reject"', 'unknown_importers = "maybe"', "unknown_importers"),
    ],
)
def test_settings_that_cannot_be_used_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    """The message names the table, its number and the key."""
    assert old in SETTINGS
    file = tmp_path / "sandbox.toml"
    file.write_text(SETTINGS.replace(old, new, 1))
    with pytest.raises(SettingsError, match=message):
        load_settings(file, {})


def test_a_registry_refuses_a_switch_it_does_not_know() -> None:
    """Neither accept nor reject is an error, not a default."""
    with pytest.raises(RegistryError, match="unknown_bonds"):
        Registry(Store(), "accept", "sometimes")
