"""How does a compact description in a scenario become a file? Manifests and entries by :mod:`sandbox.samples`.

Shipments are described once, in their manifest; an entry that names one of them has its consignee, value and origin,
and its planned arrival. Control numbers, references and entry numbers follow from the order of the scenario, so that
the same scenario always makes the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sandbox.samples import SampleBill, SampleEntry, entries_se, manifest_309
from sandbox.scenario import ToSend
from sandbox.truck.trip_reader import zone_of

MANIFEST: Final = frozenset({"trip", "arrives", "kind", "reason", "port", "shipments"})
SHIPMENT: Final = frozenset({"scn", "repeat"}) | {f.name for f in fields(SampleBill)} - {"number", "scac"}
ENTRY: Final = frozenset({"shipment", "repeat", "sequence", "eda"}) | {f.name for f in fields(SampleEntry)} - {
    "sequence", "bill", "scac", "eda",
}  # fmt: skip
_SCAC: Final = 4
_FIRST_SEQUENCE: Final = 9_000_000
"""Entries that name no sequence count from here, away from those that do."""


@dataclass(slots=True)
class Files:
    """Makes the files of one scenario, in its order."""

    filer: str = "XYZ"
    _sent: int = 0
    _entries: int = 0
    _bills: dict[str, SampleBill] = field(default_factory=dict)
    _arrives: dict[str, datetime] = field(default_factory=dict)

    def manifest(self, table: dict[str, Any], filer: str) -> ToSend:
        """A 309. Raises :class:`ValueError` with what is wrong."""
        trip, arrives = _text(table, "trip"), table["arrives"]
        port = table.get("port", "0901")
        local = arrives.astimezone(zone_of(port))
        bills = [bill for one in table.get("shipments", []) for bill in self._shipments(one, arrives)]
        self._sent += 1
        payload = manifest_309(
            bills,
            trip=trip,
            day=f"{local:%Y%m%d}",
            time=f"{local:%H%M}",
            control=self._sent,
            kind=table.get("kind", "W"),
            reason=table.get("reason", ""),
            scac=trip[:_SCAC],
            port=port,
        )
        what = f"manifest {trip} ({table.get('kind', 'W')}) with {len(bills)} shipments"
        return ToSend(f"309-{self._sent:04d}.x12", what, payload, filer)

    def _shipments(self, table: dict[str, Any], arrives: datetime) -> list[SampleBill]:
        traits = {name: value for name, value in table.items() if name not in {"scn", "repeat"}}
        out = []
        for scn in _counted(_text(table, "scn"), table.get("repeat", 1)):
            bill = SampleBill(scn[_SCAC:], scac=scn[:_SCAC], **traits)
            self._bills[scn], self._arrives[scn] = bill, arrives
            out.append(bill)
        return out

    def entries(self, tables: list[dict[str, Any]], filer: str, now: datetime) -> ToSend:
        """A cargo release batch. ``now``: the arrival of a shipment that no manifest has described."""
        listed = [entry for one in tables for entry in self._some(one, now)]
        self._sent += 1
        kinds = ", ".join(sorted({f"type {one.type}" for one in listed}))
        what = f"{len(listed)} entries of {kinds}"
        payload = entries_se(listed, day=now.date(), reference=f"REF-{self._sent:06d}")
        return ToSend(f"SE-{self._sent:04d}.txt", what, payload, filer)

    def _some(self, table: dict[str, Any], now: datetime) -> list[SampleEntry]:
        traits = {name: value for name, value in table.items() if name not in {"shipment", "repeat", "sequence", "eda"}}
        out = []
        for scn in _counted(_text(table, "shipment"), table.get("repeat", 1)):
            self._entries += 1
            bill = self._bills.get(scn, SampleBill(scn[_SCAC:], scac=scn[:_SCAC]))
            known: dict[str, Any] = {
                "value": int(bill.value),
                "consignee": bill.consignee,
                "street": bill.street,
                "origin": bill.origin,
            }
            day = f"{self._arrives.get(scn, now).astimezone(ZoneInfo('America/New_York')):%m%d%y}"
            out.append(
                SampleEntry(
                    table.get("sequence", f"{_FIRST_SEQUENCE + self._entries:07d}"),
                    bill.number,
                    scac=bill.scac,
                    eda=(table.get("eda", day),),
                    **(known | traits),
                )
            )
        return out


def _text(table: dict[str, Any], name: str) -> str:
    value = table[name]
    if not isinstance(value, str) or len(value) <= _SCAC:
        raise ValueError(f"{name} is a text of a SCAC and a number, not {value!r}")
    return value


def _counted(first: str, count: int) -> list[str]:
    """``count`` numbers, the last digits of ``first`` counting up. Raises :class:`ValueError` when they run out."""
    digits = len(first) - len(first.rstrip("0123456789"))
    if count == 1:
        return [first]
    stem, start = first[: len(first) - digits], int(first[len(first) - digits :] or 0)
    if not digits or len(str(start + count - 1)) > digits:
        raise ValueError(f"{first} cannot be counted up to {count} numbers")
    return [f"{stem}{start + n:0{digits}d}" for n in range(count)]
