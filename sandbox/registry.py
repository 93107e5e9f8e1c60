"""Whom does CBP know? The importers of record and the bonds that its books hold.

Rows come from the settings file (``[[importer]]``, ``[[bond]]``) at every start, and from the control API while it
runs; both go through :class:`Registry`. What is *not* in the books is decided by two switches of
:class:`~sandbox.settings.Behaviour`: ``unknown_importers`` and ``unknown_bonds`` ``accept`` (the default: any
well-formed number is on file, any bond claimed is there) or ``reject``. A row that is there counts in either case: an
importer outside its days is inactive, a bond outside its days is none.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Final, Literal, TypeVar

from sandbox.clock import EASTERN
from sandbox.store import Store

NUMBER_FORMS: Final = {
    "EI": re.compile(r"\d{2}-\d{7}([A-Z0-9]{2})?", re.ASCII),
    "ANI": re.compile(r"\d{6}-\d{5}", re.ASCII),
    "34": re.compile(r"\d{3}-\d{2}-\d{4}", re.ASCII),
}
"""Forms of importer numbers by their type (Cargo Release v40, SE10 note 4; Entry Summary rev 109, usage note f)."""

_TABLES: Final = """
create table if not exists importer (number text primary key, type text not null, name text not null,
  active_from text not null, active_until text not null);
create table if not exists bond (number text primary key, importer text not null, type text not null,
  surety text not null, amount integer not null, entry text not null, active_from text not null,
  active_until text not null);
create index if not exists bond_importer on bond (importer);
create index if not exists bond_entry on bond (entry)
"""

Standing = Literal["active", "inactive", "unknown"]
T = TypeVar("T", "Importer", "Bond")


class RegistryError(ValueError):
    """A row that cannot be in the books; the message names the key."""


@dataclass(frozen=True, slots=True)
class Importer:
    """One importer of record. ``type`` EI, ANI or 34; the days are ISO texts, empty: without end. ``active_until`` is
    the last day.
    """

    number: str
    type: str
    name: str = ""
    active_from: str = ""
    active_until: str = ""

    def __post_init__(self) -> None:
        form = NUMBER_FORMS.get(self.type)
        if form is None:
            raise RegistryError(f"type: {self.type!r} is none of {', '.join(NUMBER_FORMS)}")
        if not form.fullmatch(self.number):
            raise RegistryError(f"number: {self.number!r} is not of the form of type {self.type}")
        _check_days(self)


@dataclass(frozen=True, slots=True)
class Bond:
    """One bond: ``type`` 8 continuous or 9 single transaction, which names the eleven characters of its ``entry``;
    ``amount`` in whole US dollars.
    """

    number: str
    importer: str
    type: str
    surety: str
    amount: int = 0
    entry: str = ""
    active_from: str = ""
    active_until: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Z0-9-]{1,20}", self.number):
            raise RegistryError(f"number: {self.number!r} has letters, digits and '-', at most 20")
        if not any(form.fullmatch(self.importer) for form in NUMBER_FORMS.values()):
            raise RegistryError(f"importer: {self.importer!r} is no importer number")
        if self.type not in {"8", "9"}:
            raise RegistryError(f"type: {self.type!r} is neither 8 nor 9")
        if not re.fullmatch(r"[A-Z0-9]{3}", self.surety):
            raise RegistryError(f"surety: {self.surety!r} is not three characters")
        if self.amount < 0:
            raise RegistryError("amount: below zero")
        if (self.type == "9") != bool(re.fullmatch(r"[A-Z0-9]{3}\d{8}", self.entry)):
            raise RegistryError("entry: eleven characters on a single transaction bond, none on a continuous one")
        _check_days(self)


class Registry:
    """Importers and bonds in the books of a :class:`~sandbox.store.Store`."""

    def __init__(
        self, store: Store, unknown_importers: str = "accept", unknown_bonds: str = "accept", rows: Iterable[Any] = ()
    ) -> None:
        for name, value in (("unknown_importers", unknown_importers), ("unknown_bonds", unknown_bonds)):
            if value not in {"accept", "reject"}:
                raise RegistryError(f"{name}: {value!r} is neither accept nor reject")
        self._store = store
        self._take_importers = unknown_importers == "accept"
        self._take_bonds = unknown_bonds == "accept"
        for statement in _TABLES.split(";"):
            store.run(statement)
        for row in rows:
            self.put(row)

    # ------------------------------------------------------------------ control

    def importers(self) -> list[dict[str, Any]]:
        """Every importer as plain values, by number."""
        return [dict(row) for row in self._store.rows("select * from importer order by number")]

    def bonds(self) -> list[dict[str, Any]]:
        """Every bond as plain values, by number."""
        return [dict(row) for row in self._store.rows("select * from bond order by number")]

    def put(self, row: Importer | Bond) -> None:
        """Put a row in, over an older one with the same number."""
        table, values = ("importer" if isinstance(row, Importer) else "bond"), asdict(row)
        marks = ",".join("?" * len(values))
        self._store.run(
            f"insert or replace into {table} ({','.join(values)}) values ({marks})",
            *values.values(),
        )

    def remove_importer(self, number: str) -> bool:
        """Take an importer out; whether it was there."""
        return self._remove("importer", number)

    def remove_bond(self, number: str) -> bool:
        """Take a bond out; whether it was there."""
        return self._remove("bond", number)

    def _remove(self, table: str, number: str) -> bool:
        there = self._store.row(f"select 1 from {table} where number = ?", number) is not None
        self._store.run(f"delete from {table} where number = ?", number)
        return there

    # ------------------------------------------------------------------ what the desks ask

    def standing(self, number: str, at: datetime) -> Standing:
        """Whether CBP takes the number on that day. A number that is all zeros names nobody."""
        if not any(sign.isdigit() and sign != "0" for sign in number):
            return "unknown"
        row = self._store.row("select active_from, active_until from importer where number = ?", number)
        if row is None:
            return "active" if self._take_importers else "unknown"
        return "active" if _in_force(row, at) else "inactive"

    def continuous(self, importer: str, at: datetime) -> tuple[bool, str]:
        """(whether a continuous bond covers the importer on that day, its surety where the books hold the bond)."""
        rows = self._store.rows("select * from bond where importer = ? and type = '8' order by number", importer)
        if not rows:
            return self._take_bonds, ""
        row = next((one for one in rows if _in_force(one, at)), None)
        return (row is not None), (row["surety"] if row is not None else "")

    def single(self, entry: str, importer: str, surety: str, amount: int, at: datetime) -> str:
        """What is wrong with a single transaction bond claimed for an entry: nothing, ``missing``, ``importer``,
        ``surety`` or ``amount``.
        """
        row = self._store.row("select * from bond where entry = ? and type = '9'", entry)
        if row is None:
            return "" if self._take_bonds else "missing"
        if not _in_force(row, at):
            return "missing"
        claims = (("importer", importer), ("surety", surety), ("amount", amount))
        return next((name for name, claimed in claims if row[name] != claimed), "")


def read_rows(tables: Any, kind: type[T], name: str) -> tuple[T, ...]:
    """Rows of ``[[importer]]`` or ``[[bond]]`` tables. Raises :class:`RegistryError` with the number of the table."""
    if not isinstance(tables, list) or not all(isinstance(one, Mapping) for one in tables):
        raise RegistryError(f"{name}s are tables, [[{name}]]")
    known = {one.name: one.type for one in fields(kind)}
    rows = []
    for place, table in enumerate(tables, 1):
        if unknown := sorted(set(table) - set(known)):
            raise RegistryError(f"{name} {place}: unknown settings: {', '.join(unknown)}")
        values: dict[str, Any] = {
            key: value.isoformat() if isinstance(value, date) else value for key, value in table.items()
        }
        for key, value in values.items():
            if not isinstance(value, int if key == "amount" else str) or isinstance(value, bool):
                raise RegistryError(f"{name} {place}: {key}: {value!r} cannot be used")
        try:
            rows.append(kind(**values))
        except TypeError as error:
            raise RegistryError(f"{name} {place}: {error}") from error
        except RegistryError as error:
            raise RegistryError(f"{name} {place}: {error}") from error
    return tuple(rows)


def _check_days(row: Importer | Bond) -> None:
    for name, text in (("active_from", row.active_from), ("active_until", row.active_until)):
        if text and not _is_day(text):
            raise RegistryError(f"{name}: {text!r} is not a day, YYYY-MM-DD")


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _in_force(row: sqlite3.Row, at: datetime) -> bool:
    day = at.astimezone(EASTERN).date().isoformat()
    return row["active_from"] <= day and (not row["active_until"] or day <= row["active_until"])
