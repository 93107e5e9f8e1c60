"""How does CBP write down the answer to a query of a bill or an in-bond, or that there is none?

CBP CATAIR Cargo/Manifest/In-bond/Entry Status Query v21: WR0, WSA, WSB for errors; WR1, WR2, WS4, WR4, WS5, WR5, WN0,
WN1 for what is on file. Answers on entries: :mod:`sandbox.abi.status_records`. Times are Eastern (recalled).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sandbox.abi.answers import columns, text
from sandbox.clock import EASTERN

ERRORS: Final = {
    "009": "INVALID CARRIER CODE",
    "176": "CARRIER CODE MISSING",
    "185": "BOL/IN-BOND NUMBER(S) MISSING",
    "122": "BILL NBR NOT ON FILE",
    "123": "INBOND NBR NOT ON FILE",
    "297": "INVALID AIRWAY BILL",
    "950": "ENTRY RECORD NOT FOUND",
    "B05": "ENTRY FILER MISSING",
    "B06": "ENTRY FILER UNKNOWN",
    "B14": "ENTRY NUMBER MISSING",
    "INE": "INSUFFICIENT DATA FOR QUERY",
    "X17": "FILER NOT AUTHORIZED",
    "X39": "DATA FOUND IN FILLER",
    "X40": "NON-STANDARD DATA FOUND",
    "ZZZ": "** ACE SYSTEM FAILURE **",
}
"""Codes and texts of the query error appendix that the sandbox tells (999 goes with a rejected batch)."""
_REGULAR_BILL: Final = "0"
_TRUCK: Final = "3"


@dataclass(frozen=True, slots=True)
class Conveyance:
    """What WR1 and WR2 say of a truck: ``trip`` whole, ``day`` of arrival (MMDDYY); the rest only for entry queries."""

    carrier: str
    trip: str
    day: str
    port: str = ""
    filer: str = ""
    entry: str = ""
    entry_type: str = ""
    importer: str = ""
    reference: str = ""


@dataclass(frozen=True, slots=True)
class InBondOnFile:
    """An in-bond movement: days as MMDDYY, empty when there are none."""

    number: str
    kind: str
    status: str
    origin: str
    destination: str
    arrived: str = ""
    exported: str = ""


@dataclass(frozen=True, slots=True)
class BillOnFile:
    """WR4: a regular bill as manifested."""

    issuer: str
    number: str
    quantity: str
    unit: str


def entry_error(filer: str, entry: str, code: str) -> str:
    """WR0: a query of an entry has no answer. ``entry`` right justified in nine columns, as it was asked."""
    return columns("WR0", (4, text(filer, 3)), (7, entry[:9].rjust(9)), (30, code), (33, text(ERRORS[code], 40)))


def bill_error(in_bond: str, issuer: str, bill: str, code: str) -> str:
    """WSA: a query of a bill or an in-bond has no answer."""
    return columns(
        "WSA",
        (4, text(in_bond, 12)),
        (16, text(issuer, 4)),
        (20, text(bill, 12)),
        (32, code),
        (35, text(ERRORS[code], 40)),
    )


def air_error(air_waybill: str, house: str, code: str) -> str:
    """WSB: a query of an air waybill has no answer."""
    return columns("WSB", (4, text(air_waybill, 11)), (15, text(house, 12)), (27, code), (30, text(ERRORS[code], 40)))


def conveyance(one: Conveyance) -> list[str]:
    """WR1 and WR2. WR1 has five columns for the trip number, which is longer on a truck: its first five after the
    carrier's code (assumed); WR2 has it whole.
    """
    short = one.trip.removeprefix(one.carrier)[:5]
    return [
        columns(
            "WR1",
            (4, text(one.port, 4)),
            (8, text(one.filer, 3)),
            (11, one.entry[:9].rjust(9)),
            (20, text(one.entry_type, 2)),
            (22, text(one.importer, 12)),
            (34, text(one.reference, 9)),
            (43, text(one.carrier, 4)),
            (67, text(short, 5)),
            (72, one.day),
        ),
        columns("WR2", (4, text(one.trip, 25))),
    ]


def bill_on_file(bill: BillOnFile, in_bond: str = "") -> str:
    """WR4 of a bill, with the in-bond it moves under."""
    return columns(
        "WR4",
        (4, text(in_bond, 12)),
        (16, text(bill.number, 12)),
        (52, bill.quantity[-8:].rjust(8, "0")),
        (60, text(bill.unit, 5)),
        (65, text(bill.issuer, 4)),
        (73, _REGULAR_BILL),
        (75, _TRUCK),
    )


def in_bond_status(one: InBondOnFile, *, updated: bool) -> str:
    """WS4 when something has happened to the in-bond, WS5 when not: it then has zeroes for its days."""
    if updated:
        return columns("WS4", (4, one.status), (6, one.arrived), (12, one.exported), (76, text(one.kind, 2)))
    return columns("WS5", (4, one.status), (6, "0" * 12), (76, text(one.kind, 2)))


def disposition(code: str, narrative: str, quantity: str, at: datetime, sequence: int) -> str:
    """WR5: one thing that was told of a bill."""
    local = at.astimezone(EASTERN)
    return columns(
        "WR5",
        (4, local.strftime("%m%d%y")),
        (10, local.strftime("%H%M")),
        (14, text(code, 3)),
        (17, text(narrative, 40)),
        (66, quantity[-8:].rjust(8, "0")),
        (75, f"{sequence % 1000:03d}"),
    )


def amended_quantity(quantity: str) -> str:
    """WN0: the quantity of a bill after an amendment."""
    return columns("WN0", (4, quantity[-8:].rjust(8, "0")))


def ports(manifested: str, in_bond: InBondOnFile | None = None) -> str:
    """WN1: where the goods were to be unladen, and where an in-bond takes them."""
    moves = (
        ()
        if in_bond is None
        else (
            (4, text(in_bond.number, 12)),
            (28, text(in_bond.origin, 4)),
            (32, text(in_bond.destination, 4)),
        )
    )
    return columns("WN1", (16, text(manifested, 4)), *moves)
