"""What does a cargo release transaction say? Its header, bills, references, parties and lines, as values. Nothing is
judged here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sandbox.abi.batch_reader import Line, Transaction
from sandbox.abi.columns import day_of
from sandbox.clock import EASTERN
from sandbox.markers import Marks, read_marks

_LETTERS: Final = {
    **{c: i % 9 + 1 for i, c in enumerate("ABCDEFGHIJKLMNOPQR")},
    **{c: i + 2 for i, c in enumerate("STUVWXYZ")},
}


@dataclass(slots=True)
class PartyFiled:
    """One SE30 or SE50 group; ``item`` is the place of its line among the lines, 0 at the header."""

    line: Line
    entity: str
    name: str
    id_type: str
    id: str
    address: list[str] = field(default_factory=list)
    city: str = ""
    region: str = ""
    postal: str = ""
    country: str = ""
    addressed: bool = False
    item: int = 0

    @property
    def header(self) -> bool:
        """Whether it stands at the header."""
        return not self.item

    @property
    def key(self) -> str:
        """What makes two consignees the same person for the day's limit."""
        parts = (self.id, self.name, self.address[0] if self.address else "", self.postal[:5])
        return "|".join(re.sub(r"[^A-Z0-9]", "", p.upper()) for p in parts)


@dataclass(slots=True)
class EntryFiled:
    """An SE transaction as values. ``bills``: (type, issuer, number, quantity, unit); ``items``: (number, origin,
    [(hts, value)], description); ``non_ams``: a bill will not be manifested electronically.
    """

    lines: list[Line]
    head: dict[str, str]
    extra: dict[str, str] = field(default_factory=dict)
    contact: dict[str, str] = field(default_factory=dict)
    bills: list[tuple[str, str, str, str, str]] = field(default_factory=list)
    references: list[tuple[str, str]] = field(default_factory=list)
    parties: list[PartyFiled] = field(default_factory=list)
    items: list[tuple[str, str, list[tuple[str, str]], str]] = field(default_factory=list)
    agencies: bool = False
    non_ams: bool = False

    @property
    def number(self) -> str:
        """Eleven characters: filer, sequence, check digit."""
        return self.head["filer"] + self.head["number"]

    @property
    def scns(self) -> list[str]:
        """Bills as shipment control numbers (issuer and number); in-bond numbers are left out."""
        return [issuer + number for kind, issuer, number, _, _ in self.bills if kind != "I"]

    def consignee(self) -> PartyFiled | None:
        """The consignee at the header, else of the first line."""
        found = [p for p in self.parties if p.entity == "CN"]
        return next((p for p in found if p.header), found[0] if found else None)

    def marks(self) -> Marks:
        """Magic markers in the bills' numbers and the consignee's name."""
        consignee = self.consignee()
        numbers = " ".join(number for kind, _, number, _, _ in self.bills if kind != "I")
        return read_marks(numbers, consignee.name if consignee else "")


def check_digit(filer: str, sequence: str) -> str:
    """Check digit of an entry number (CATAIR Appendix E): doubled from the right, letters as digits."""
    total = 0
    for place, character in enumerate(reversed(filer + sequence)):
        digit = int(character) if character.isdigit() else _LETTERS[character]
        if place % 2 == 0:
            digit *= 2
        total += digit - 9 if digit > 9 else digit
    return str((10 - total % 10) % 10)


def read_entry(transaction: Transaction) -> EntryFiled:
    """Values of a transaction; nothing is judged."""
    lines = transaction.lines
    entry = EntryFiled(lines, lines[0].values)
    for line in lines[1:]:
        if line.id[:2] in {"OI", "PG"}:
            entry.agencies = True
            continue
        if line.layout is None:
            continue
        v = line.values
        match line.id:
            case "SE11":
                entry.extra = v
            case "SE13":
                entry.contact = v
            case "SE15":
                entry.bills.append((v["type"], v["issuer"], v["number"], v["quantity"], ""))
                entry.non_ams |= v["non_ams"] == "Y"
            case "SE16" if entry.bills:
                kind, issuer, number, quantity, _ = entry.bills[-1]
                entry.bills[-1] = (kind, issuer, number, _sum(quantity, v["quantity"]), v["unit"])
            case "SE20":
                entry.references.append((v["qualifier"], v["reference"]))
            case "SE30" | "SE50":
                item = 0 if line.id == "SE30" else len(entry.items)
                entry.parties.append(PartyFiled(line, v["entity"], v["name"], v["id_type"], v["id"], item=item))
            case "SE35" | "SE55" if entry.parties:
                entry.parties[-1].address += [a for a in (v["address"], v["address_2"]) if a]
                entry.parties[-1].addressed = True
            case "SE36" | "SE56" if entry.parties:
                party = entry.parties[-1]
                party.city, party.region, party.postal, party.country = (
                    v["city"],
                    v["region"],
                    v["postal"],
                    v["country"],
                )
            case "SE40":
                entry.items.append((v["line"], v["origin"], [], v["description"]))
            case "SE60" if entry.items:
                entry.items[-1][2].append((v["hts"], v["value"]))
    return entry


def _sum(quantity: str, more: str) -> str:
    """Quantities of the parts of a split bill together, as wide as the field."""
    if not quantity or not (quantity.isdigit() and more.isdigit()):
        return quantity or more
    return f"{int(quantity) + int(more):08d}"


def arrival_day(text: str) -> datetime | None:
    """MMDDYY as an Eastern day, or ``None``."""
    day = day_of(text)
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=EASTERN)
