"""What do the books know of manifests and shipments, and how is a change of them written?

Every method runs inside a transaction of the books. States come from :mod:`sandbox.truck.states`. A shipment control
number once used stays used for three years of the sandbox's clock (service bureau help).
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.office import Office, Origin
from sandbox.store import moment, stamp
from sandbox.truck.manifest_checks import marks_of
from sandbox.truck.manifest_reader import Bill
from sandbox.truck.remarks import Remark
from sandbox.truck.section321 import consignee_key
from sandbox.truck.trip_reader import TripData, at
from sandbox.truck.x12 import Addresses

ELSEWHERE = "ELSEWHERE"
YEARS_USED = 3


@dataclass(slots=True)
class Held:
    """A manifest as the books hold it before a message; ``row`` ``None`` where there is none or it was deleted."""

    row: sqlite3.Row | None
    state: str

    @property
    def id(self) -> int:
        """Number of the manifest, 0 without one."""
        return int(self.row["id"]) if self.row is not None else 0

    def gaps(self) -> dict[str, list[dict[str, str]]]:
        """What the manifest lacks to be complete, by part (vehicle, persons)."""
        return dict(json.loads(self.row["gaps"])) if self.row is not None and self.state != "NONE" else {}


class TruckBooks:
    """Manifests and bills in the store."""

    def __init__(self, office: Office) -> None:
        self.office, self.store = office, office.store

    # ------------------------------------------------------------------ reading

    def manifest(self, trip: str, day: str) -> Held:
        """The manifest of a trip and its day of arrival."""
        row = self.store.row("select * from manifest where trip = ? and arrival_date = ?", trip, day)
        state = "NONE" if row is None else str(row["state"])
        return Held(row, "NONE" if state == "DELETED" else state)

    def latest(self, trip: str) -> Held:
        """The manifest of a trip whose day is not said: the latest that was not deleted."""
        row = self.store.row(
            "select * from manifest where trip = ? and state <> 'DELETED' order by arrival_date desc", trip
        )
        return Held(row, "NONE" if row is None else str(row["state"]))

    def standings(self, scns: Iterable[str], manifest_id: int, now: datetime) -> dict[str, str]:
        """State of each shipment as seen from a manifest (0: a new one); NONE is left out."""
        wanted = list(scns)
        since = stamp(_years_before(now, YEARS_USED))
        out: dict[str, str] = {}
        for row in self.store.rows_for("select scn, used_at from used_scn where scn in ({})", wanted):
            if row["used_at"] > since:
                out[row["scn"]] = "DELETED"
        for row in self.store.rows_for("select scn, state, manifest_id from bill where scn in ({})", wanted):
            if row["scn"] in out:
                apart = row["manifest_id"] != manifest_id and row["state"] not in {"DELETED", "DELINKED"}
                out[row["scn"]] = ELSEWHERE if apart else row["state"]
        return out

    def scns_of(self, manifest_id: int) -> list[str]:
        """Shipments that ride on a manifest, in the order in which they were filed."""
        rows = self.store.rows(
            "select scn from bill where manifest_id = ? and state not in ('DELETED', 'DELINKED') order by rowid",
            manifest_id,
        )
        return [row["scn"] for row in rows]

    # ------------------------------------------------------------------ manifests

    def keep(
        self, origin: Origin, trip: TripData, held: Held, addresses: Addresses, now: datetime, *, state: str,
        created_by: str, gaps: Mapping[str, Sequence[Remark]], fast: bool | None,
    ) -> int:  # fmt: skip
        """Write a manifest as it is after a message; gives its number.

        ``gaps``: of the parts this message brought; ``fast``: whether a FAST card came, ``None`` without persons.
        """
        known = held.gaps() | {part: [_as_row(one) for one in found] for part, found in gaps.items()}
        eta = self.eta_of(trip, held)
        values: dict[str, Any] = {
            "partner": origin.partner,
            "scac": trip.scac,
            "port": trip.port,
            "eta": eta,
            "state": state,
            "filed_at": stamp(now),
            "addresses": json.dumps(addresses.as_list()),
            "header": json.dumps(trip.header),
            "port_segment": json.dumps(trip.port_segment),
            "gaps": json.dumps(known),
        }
        if fast is not None:
            values["fast"] = int(fast)
        if held.state == "NONE":
            values |= {"created_by": created_by, "stopped_at": None, "arrived_at": None, "arrival_order": None}
        names = ("trip", "arrival_date", *values)
        updates = ", ".join(f"{name} = excluded.{name}" for name in values)
        self.store.run(
            f"insert into manifest ({', '.join(names)}) values ({','.join('?' * len(names))})"
            f" on conflict (trip, arrival_date) do update set {updates}",
            trip.trip, trip.arrival_date, *values.values(),
        )  # fmt: skip
        manifest_id = self.manifest_id(trip)
        if eta is not None and state != "DELETED" and self.office.behaviour.arrive_at_eta and eta > stamp(now):
            self._expect(manifest_id, eta)
        return manifest_id

    def _expect(self, manifest_id: int, eta: str) -> None:
        """The truck arrives at its time, once, however often its manifest is sent."""
        planned = self.store.count(
            "select count(*) from step where due_at = ? and kind = 'arrive' and json_extract(body, '$.manifest') = ?",
            eta, manifest_id,
        )  # fmt: skip
        if not planned:
            self.office.step("arrive", moment(eta), {"manifest": manifest_id, "eta": eta})

    def eta_of(self, trip: TripData, held: Held) -> str | None:
        """The estimated arrival after a message: one that names no time leaves that of the books."""
        if held.row is not None and held.state != "NONE" and not at(trip.port_segment, 5):
            return None if held.row["eta"] is None else str(held.row["eta"])
        return stamp(trip.eta) if trip.eta is not None else None

    def manifest_id(self, trip: TripData) -> int:
        """Number of the manifest of a trip and day that is in the books."""
        row = self.store.row(
            "select id from manifest where trip = ? and arrival_date = ?", trip.trip, trip.arrival_date
        )
        if row is None:
            raise LookupError(trip.trip)
        return int(row["id"])

    def complete(self, manifest_id: int, now: datetime) -> None:
        """A preliminary manifest is complete; the hour before arrival counts from now."""
        self.store.run("update manifest set state = 'COMPLETE', filed_at = ? where id = ?", stamp(now), manifest_id)

    @staticmethod
    def instant_of(held: Held) -> datetime | None:
        """The estimated arrival of a manifest on file."""
        return moment(held.row["eta"]) if held.row is not None and held.row["eta"] else None

    @staticmethod
    def header_of(held: Held) -> list[str]:
        """M10 as it was last sent; empty where there is no manifest."""
        return list(json.loads(held.row["header"])) if held.row is not None else []

    @staticmethod
    def port_of(held: Held) -> list[str]:
        """P4 as it was last sent; empty where there is no manifest."""
        return list(json.loads(held.row["port_segment"])) if held.row is not None else []

    # ------------------------------------------------------------------ shipments

    def file(
        self, bills: Sequence[Bill], standings: Mapping[str, str], manifest_id: int, over: Iterable[str], now: datetime
    ) -> None:
        """Write bills as filed: new ones whole, known ones with their new content and the state they had."""
        role, exceeding = self.office.profile.party_roles["consignee"], set(over)
        new: list[tuple[Any, ...]] = []
        known: list[tuple[Any, ...]] = []
        for bill in bills:
            values = (*self._content(bill, role, bill.scn in exceeding), bill.scn)
            (known if bill.scn in standings else new).append(values)
        names = (
            "manifest_id kind scac number quantity unit consignee consignee_name value marks over_limit told in_bond"
            " equipment origins scn"
        ).split()
        self.store.run_many(
            f"insert or replace into bill (state, {', '.join(names)}) values ('ON_FILE',{','.join('?' * len(names))})",
            [(manifest_id, *values) for values in new],
        )
        changes = ", ".join(f"{name} = ?" for name in names[1:-1])
        self.store.run_many(f"update bill set {changes} where scn = ?", known)
        self.store.run_many(
            "insert or replace into used_scn (scn, used_at) values (?,?)",
            [(one[-1], stamp(now)) for one in new],
        )
        moving = [b.in_bond for b in bills if b.in_bond is not None]
        self.store.run_many(
            "insert into in_bond (number, kind, destination, carrier) values (?,?,?,?) on conflict (number) do update"
            " set kind = excluded.kind, destination = excluded.destination, carrier = excluded.carrier",
            [(one.number, one.kind, one.destination, one.carrier or one.carrier_id) for one in moving],
        )

    def _content(self, bill: Bill, role: str, over: bool) -> tuple[Any, ...]:
        consignee = bill.party(role)
        return (
            bill.kind, bill.scac, bill.number, str(int(bill.quantity or 0)), bill.unit, consignee_key(bill, role),
            consignee.name if consignee else "", str(bill.value), marks_of(bill).as_text(), int(over),
            json.dumps(bill.told), bill.in_bond.number if bill.in_bond is not None else "",
            json.dumps([one.number for one in bill.equipment]),
            json.dumps(sorted({one.origin for one in bill.commodities})),
        )  # fmt: skip

    def delete(self, scns: Sequence[str]) -> None:
        """Bills are gone: they count no more for their consignee's day."""
        self.store.run_many("update bill set state = 'DELETED' where scn = ?", [(one,) for one in scns])
        self.store.run_many("delete from day_value where reference = ?", [(one,) for one in scns])

    def set_state(self, scns: Sequence[str], state: str) -> None:
        """Move bills to a state."""
        self.store.run_many("update bill set state = ? where scn = ?", [(state, one) for one in scns])

    def link(self, scns: Sequence[str], manifest_id: int, day: str) -> None:
        """Put bills on a trip; they count for their consignee's day on which it arrives."""
        self.store.run_many(
            "update bill set state = 'LINKED', linked = 1, manifest_id = ? where scn = ?",
            [(manifest_id, one) for one in scns],
        )
        self.store.run_many("update day_value set day = ? where reference = ?", [(day, one) for one in scns])


def _as_row(remark: Remark) -> dict[str, str]:
    return {"text": remark.text, "value": remark.value, "reference": remark.reference}


def gap_remarks(gaps: Mapping[str, Sequence[Mapping[str, str]]]) -> list[Remark]:
    """Read gaps back from the books."""
    return [Remark("", one["text"], one["value"], reference=one["reference"]) for rows in gaps.values() for one in rows]


def _years_before(now: datetime, years: int) -> datetime:
    moment = now.astimezone(UTC)
    try:
        return moment.replace(year=moment.year - years)
    except ValueError:  # the 29th of February
        return moment.replace(year=moment.year - years, day=28)
