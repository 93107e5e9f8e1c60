"""What has each person already been sent on each Eastern day, and which orders travel in lots?

A ledger is a value: deciding a shipment takes one and gives the next, so a trip can be judged again
from the same start and gives the same answers. Adding costs the same whether ten or a hundred thousand
people stand in it: the entries hang in a fixed number of small tables, of which one is copied.

Only shipments under the exemption (Section 321, type 86) carry an amount. Every shipment leaves its
order, because one order that travels in lots loses the exemption whichever lot comes first.
A shipment that is added again replaces what it left before; it never counts twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar
from zlib import crc32

V = TypeVar("V")
_BUCKETS: Final = 128
_NOTHING: Final = Decimal(0)


class _Table(Generic[V]):
    """An immutable mapping from text; ``put`` copies one bucket of it."""

    __slots__ = ("_buckets",)

    def __init__(self, buckets: tuple[dict[str, V], ...] | None = None) -> None:
        self._buckets: tuple[dict[str, V], ...] = ({},) * _BUCKETS if buckets is None else buckets

    def get(self, key: str) -> V | None:
        return self._buckets[crc32(key.encode()) % _BUCKETS].get(key)

    def put(self, key: str, value: V) -> _Table[V]:
        place = crc32(key.encode()) % _BUCKETS
        bucket = self._buckets[place] | {key: value}
        return _Table((*self._buckets[:place], bucket, *self._buckets[place + 1 :]))

    def items(self) -> Iterator[tuple[str, V]]:
        """In the order of the keys, so that two equal tables read alike."""
        return iter(sorted((key, value) for bucket in self._buckets for key, value in bucket.items()))


@dataclass(frozen=True, slots=True)
class _Day:
    """One person's day: the total and which shipment brought how much."""

    total: Decimal
    shipments: tuple[tuple[str, Decimal], ...]


class DayLedger:
    """Amounts per person and Eastern day, and the shipments of each order to each person."""

    __slots__ = ("_days", "_orders")

    def __init__(self, days: _Table[_Day] | None = None, orders: _Table[tuple[str, ...]] | None = None) -> None:
        self._days: _Table[_Day] = days or _Table()
        self._orders: _Table[tuple[str, ...]] = orders or _Table()

    def total(self, person: str, day: date, *, without: str = "") -> Decimal:
        """Dollars counted for ``person`` on ``day``, leaving out the shipment id ``without``."""
        found = self._days.get(_day_key(person, day))
        if found is None:
            return _NOTHING
        return found.total - sum((amount for name, amount in found.shipments if name == without), _NOTHING)

    def has_other_lot(self, person: str, order_id: str, shipment_id: str) -> bool:
        """Whether another shipment of this order to this person stands in the ledger."""
        found = self._orders.get(_order_key(person, order_id))
        return found is not None and any(name != shipment_id for name in found)

    def with_added(self, person: str, day: date, shipment_id: str, order_id: str, amount: Decimal) -> DayLedger:
        """The ledger with one decided shipment; ``amount`` is 0 where the exemption was not used."""
        orders, days = self._orders, self._days
        lot = _order_key(person, order_id)
        known = orders.get(lot) or ()
        if shipment_id not in known:
            orders = orders.put(lot, (*known, shipment_id))
        key = _day_key(person, day)
        found = days.get(key)
        if amount or found is not None:
            kept = [] if found is None else [one for one in found.shipments if one[0] != shipment_id]
            if amount:
                kept.append((shipment_id, amount))
            days = days.put(key, _Day(sum([one[1] for one in kept], _NOTHING), tuple(kept)))
        return DayLedger(days, orders)

    def __eq__(self, other: object) -> bool:
        return self.as_dict() == other.as_dict() if isinstance(other, DayLedger) else NotImplemented

    def __hash__(self) -> int:
        return hash(repr(self.as_dict()))

    def as_dict(self) -> dict[str, Any]:
        """Plain content: what :meth:`from_dict` reads back."""
        return {
            "days": {key: {name: str(amount) for name, amount in day.shipments} for key, day in self._days.items()},
            "orders": {key: list(names) for key, names in self._orders.items()},
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> DayLedger:
        """The ledger that :meth:`as_dict` wrote."""
        days: _Table[_Day] = _Table()
        for key, shipments in value["days"].items():
            amounts = tuple((name, Decimal(amount)) for name, amount in shipments.items())
            days = days.put(key, _Day(sum((amount for _, amount in amounts), _NOTHING), amounts))
        orders: _Table[tuple[str, ...]] = _Table()
        for key, names in value["orders"].items():
            orders = orders.put(key, tuple(names))
        return cls(days, orders)


def _day_key(person: str, day: date) -> str:
    return f"{day.isoformat()}|{person}"


def _order_key(person: str, order_id: str) -> str:
    return f"{order_id}|{person}"
