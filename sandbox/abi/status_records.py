"""How does CBP write down where an entry stands? The records of one entry in a status notification (SO) or in the
answer to a query (C1), which differ in their first two letters only.

CBP CATAIR Cargo Release Status Notification SO rev 36 (through a public transcription) and CBP CATAIR
Cargo/Manifest/In-bond/Entry Status Query v21, which prints WO10 to WO72 as the mirror of SO10 to SO72. Times are
Eastern (recalled). The columns stand here on the sandbox's own account.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.abi.answers import columns, text
from sandbox.clock import EASTERN

VERSION_04_FROM: Final = datetime(2025, 9, 6, tzinfo=EASTERN)
"""PGA Processing Group Version 04 is in place from this day (CQ v21, WO70 note 7); before it version 03, from 2020."""


@dataclass(frozen=True, slots=True)
class EntryHead:
    """What a status repeats of an entry. ``lines``: (number, origin, HTS); ``references``: (qualifier, text) that come
    back (CR, RRN).
    """

    filer: str
    number: str
    type: str
    port: str
    importer: str
    carrier: str
    conveyance: str
    voyage: str
    arrival: str
    split: str
    references: tuple[tuple[str, str], ...]
    lines: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class InBondStatus:
    """One in-bond movement on file (SO42): days as MMDDYY, ``arrived`` empty until it has."""

    number: str
    kind: str
    origin: str
    destination: str
    created: str
    arrived: str = ""


@dataclass(frozen=True, slots=True)
class BillStatus:
    """SO40, SO42 and SO50 of one bill; ``manifested`` empty when the bill is not on file."""

    type: str
    issuer: str
    number: str
    quantity: str
    unit: str
    manifested: str
    code: str
    narrative: str
    at: datetime
    in_bonds: tuple[InBondStatus, ...] = ()


@dataclass(frozen=True, slots=True)
class Disposition:
    """One SO60; ``release_origin`` and ``release_day`` (MMDDYY) only with 22 and 98."""

    code: str
    narrative: str
    at: datetime
    release_origin: str = ""
    release_day: str = ""
    document: str = ""


@dataclass(frozen=True, slots=True)
class AgencyReference:
    """One SO71: a number the agency gave, and when it received the data."""

    qualifier: str
    number: str
    received: datetime


@dataclass(frozen=True, slots=True)
class AgencyStatus:
    """One SO70 with its SO71 and SO72: where an agency stands with one PGA line.

    ``line``, ``tariff`` and ``pga_line`` say where the data stood in the entry; ``hold_type`` 1: CBP for the agency, 2:
    the agency itself.
    """

    agency: str
    program: str
    at: datetime
    code: str
    message: str
    reason: str
    line: str
    tariff: str
    pga_line: str
    hold_type: str = ""
    references: tuple[AgencyReference, ...] = ()
    comments: tuple[str, ...] = ()

    @property
    def place(self) -> tuple[str, ...]:
        """What a later status of the same data has in common with this one."""
        return self.agency, self.program, self.line, self.tariff, self.pga_line


def entry_records(
    head: EntryHead,
    bills: Iterable[BillStatus],
    dispositions: Iterable[Disposition],
    agencies: Iterable[AgencyStatus] = (),
    comments: Iterable[tuple[str, str]] = (),
    *,
    prefix: str = "SO",
    written_at: datetime,
) -> list[str]:
    """The records of one entry; ``comments`` are further SO20 (RSN, CMT), ``prefix`` is WO in an answer to a query."""
    out = [_head(head, prefix)]
    out += [columns(f"{prefix}20", (5, text(q, 3)), (8, text(v, 50))) for q, v in (*head.references, *comments)]
    out += [columns(f"{prefix}30", (5, n), (8, text(origin, 2)), (10, text(hts, 10))) for n, origin, hts in head.lines]
    for bill in bills:
        out += _bill(bill, prefix)
    out += [_disposition(one, prefix) for one in dispositions]
    for agency in agencies:
        out += _agency(agency, prefix, written_at)
    return out


def day(at: datetime) -> str:
    """MMDDYY in the East."""
    return at.astimezone(EASTERN).strftime("%m%d%y")


def _head(head: EntryHead, prefix: str) -> str:
    return columns(
        f"{prefix}10",
        (5, text(head.port, 4)),
        (9, head.filer),
        (14, head.number),
        (23, head.type),
        (25, text(head.importer, 12)),
        (37, text(head.carrier, 4)),
        (41, text(head.conveyance, 20)),
        (61, text(head.voyage, 5)),
        (66, text(head.arrival, 6)),
        (72, text(head.split, 1)),
    )


def _bill(bill: BillStatus, prefix: str) -> list[str]:
    out = [
        columns(
            f"{prefix}40",
            (5, bill.type),
            (6, text(bill.issuer, 4)),
            (10, text(bill.number, 50)),
            (60, bill.quantity.rjust(8, "0") if bill.quantity else ""),
            (68, text(bill.unit, 5)),
            (73, text(bill.manifested, 8)),
        )
    ]
    out += [
        columns(
            f"{prefix}42",
            (5, text(one.number, 12)),
            (17, text(one.kind, 2)),
            (19, text(one.origin, 4)),
            (23, text(one.destination, 4)),
            (27, one.created),
            (33, one.arrived),
        )
        for one in bill.in_bonds
    ]
    out.append(columns(f"{prefix}50", *_stamp(bill.at, 5), (15, bill.code), (17, text(bill.narrative, 40)), (57, "N")))
    return out


def _disposition(one: Disposition, prefix: str) -> str:
    return columns(
        f"{prefix}60",
        *_stamp(one.at, 5),
        (15, one.code),
        (17, text(one.narrative, 40)),
        (57, one.release_day + one.release_origin),
        (65, text(one.document, 6)),
    )


def _agency(one: AgencyStatus, prefix: str, written_at: datetime) -> list[str]:
    """SO70 as it is laid out on the day it is written: version 04 has three digits of the line and two of the tariff
    position, the version before it four and one (and no place for a position above nine).
    """
    if written_at >= VERSION_04_FROM:
        version, where = "04", one.line.rjust(3, "0") + one.tariff.rjust(2, "0")
    else:
        version, where = "03", one.line.rjust(4, "0") + (one.tariff if len(one.tariff) == 1 else " ")
    out = [
        columns(
            f"{prefix}70",
            (5, text(one.agency, 3)),
            (8, text(one.program, 3)),
            *_stamp(one.at, 11),
            (21, one.code),
            (23, text(one.message, 28)),
            (53, one.code),
            (55, one.reason),
            (57, where),
            (62, one.pga_line.rjust(3, "0")),
            (78, one.hold_type),
            (79, version),
        )
    ]
    for reference in one.references:
        received = reference.received.astimezone(EASTERN)
        out.append(
            columns(
                f"{prefix}71",
                (5, text(reference.qualifier, 2)),
                (7, text(reference.number, 12)),
                (19, received.strftime("%m%d%y")),
                (25, received.strftime("%H%M%S")),
            )
        )
    out += [columns(f"{prefix}72", (5, text(comment, 76))) for comment in one.comments]
    return out


def _stamp(at: datetime, start: int) -> tuple[tuple[int, str], tuple[int, str]]:
    local = at.astimezone(EASTERN)
    return (start, local.strftime("%m%d%y")), (start + 6, local.strftime("%H%M"))
