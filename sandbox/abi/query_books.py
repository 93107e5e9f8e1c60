"""What do the books have on a bill or an in-bond that somebody asks about? Its records, or nothing.

Order of the records: CBP CATAIR Cargo/Manifest/In-bond/Entry Status Query v21, WR1 (input) note 3. Truck bills are
regular ones: they have no masters and no houses.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence

from sandbox.abi.entry_page import ALL, FIVE
from sandbox.abi.query_records import (
    BillOnFile,
    Conveyance,
    InBondOnFile,
    amended_quantity,
    bill_on_file,
    conveyance,
    disposition,
    in_bond_status,
    ports,
)
from sandbox.abi.status_records import day
from sandbox.office import Office
from sandbox.store import moment

_ON_FILE = (
    "select b.*, f.quantity as first_quantity, m.trip, m.port, m.arrival_date, m.scac as carrier, m.arrived_at,"
    " i.kind as in_bond_kind, i.destination, i.arrived_at as in_bond_arrived, i.exported_at"
    " from bill b join manifest m on m.id = b.manifest_id left join bill_first f on f.scn = b.scn"
    " left join in_bond i on i.number = b.in_bond and b.in_bond <> ''"
)


class QueryBooks:
    """Reads what a query asks for; to be called inside a transaction."""

    def __init__(self, office: Office) -> None:
        self.office = office

    def bill(self, scn: str, limit: str) -> list[str]:
        """The records of a bill; none when it is not on file."""
        row = self.office.store.row(f"{_ON_FILE} where b.scn = ? and b.state <> 'DELETED'", scn)
        return [] if row is None else self._bill(row, limit)

    def in_bond(self, number: str) -> list[str]:
        """The records of an in-bond and the bills that move under it; none when it is not on file."""
        rows = self.office.store.rows(
            f"{_ON_FILE} where b.in_bond = ? and b.state <> 'DELETED' order by b.rowid", number
        )
        if not rows:
            return []
        movement = _movement(rows[0])
        updated = bool(movement.arrived or movement.exported)
        status = in_bond_status(movement, updated=updated)
        out = [*conveyance(_truck(rows[0])), *([status] if updated else [])]
        for row in rows:
            out += [_wr4(row), *([] if updated else [status])]
        return [*out, *_amended(rows), ports(rows[0]["port"], movement)]

    def bills_of(self, entry: sqlite3.Row, limit: str) -> list[str]:
        """The records of the bills that an entry names, as far as they are on file, with what the entry says."""
        out: list[str] = []
        body = json.loads(entry["body"])
        for kind, issuer, number, _, _ in body["bills"]:
            row = self.office.store.row(f"{_ON_FILE} where b.scn = ? and b.state <> 'DELETED'", issuer + number)
            if kind != "I" and row is not None:
                out += self._bill(row, limit, entry)
        return out

    def _bill(self, row: sqlite3.Row, limit: str, entry: sqlite3.Row | None = None) -> list[str]:
        movement = _movement(row) if row["in_bond"] else None
        return [
            *conveyance(_truck(row, entry)),
            _wr4(row),
            *self._told(row["scn"], limit),
            *_amended([row]),
            ports(row["port"], movement),
        ]

    def _told(self, scn: str, limit: str) -> list[str]:
        """WR5 for what the carrier was told: all of it, the last five, or the newest."""
        rows = self.office.store.rows("select * from bill_told where scn = ? order by id", scn)
        numbered = list(enumerate(rows, 1))[{ALL: 0, FIVE: -5}.get(limit, -1) :]
        return [
            disposition(
                row["code"],
                self.office.profile.disposition(row["code"]).text.upper(),
                row["quantity"],
                moment(row["at"]),
                sequence,
            )
            for sequence, row in numbered
        ]


def _truck(row: sqlite3.Row, entry: sqlite3.Row | None = None) -> Conveyance:
    date = row["arrival_date"]
    truck = {"carrier": row["carrier"], "trip": row["trip"], "day": date[4:8] + date[2:4]}
    if entry is None:
        return Conveyance(**truck)
    body = json.loads(entry["body"])
    return Conveyance(
        **truck,
        port=body["port"],
        filer=body["filer"],
        entry=body["sequence"],
        entry_type=body["type"],
        importer=body["importer"],
        reference=next((text for qualifier, text in body["references"] if qualifier == "CR"), ""),
    )


def _wr4(row: sqlite3.Row) -> str:
    first = row["first_quantity"] or row["quantity"]
    return bill_on_file(BillOnFile(row["scac"], row["number"], first, row["unit"]), row["in_bond"])


def _amended(rows: Sequence[sqlite3.Row]) -> list[str]:
    return [
        amended_quantity(row["quantity"])
        for row in rows
        if row["first_quantity"] and row["first_quantity"] != row["quantity"]
    ]


def _movement(row: sqlite3.Row) -> InBondOnFile:
    arrived, exported = row["in_bond_arrived"], row["exported_at"]
    status = "EX" if exported else "AR" if arrived else "ER" if row["arrived_at"] else "OF"
    return InBondOnFile(
        number=row["in_bond"],
        kind=row["in_bond_kind"] or "",
        status=status,
        origin=row["port"],
        destination=row["destination"] or "",
        arrived=day(moment(arrived)) if arrived else "",
        exported=day(moment(exported)) if exported else "",
    )
