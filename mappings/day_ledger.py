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

    def opened(self) -> _Table[V]:
        """One that nobody else holds, which takes what is put into it itself."""
        return _OpenTable(self._buckets)

    def closed(self) -> _Table[V]:
        """The value that it is, or has come to."""
        return self

    def sorted_items(self) -> Iterator[tuple[str, V]]:
        """In the order of the keys, so that two equal tables read alike."""
        keys = sorted((key, place) for place, bucket in enumerate(self._buckets) for key in bucket)
        return ((key, self._buckets[place][key]) for key, place in keys)


class _OpenTable(_Table[V]):
    """Each bucket is copied once, when something is first put into it."""

    __slots__ = ("_open", "_own")

    def __init__(self, buckets: tuple[dict[str, V], ...]) -> None:
        super().__init__(buckets)
        self._own = list(buckets)
        self._open: set[int] = set()

    def get(self, key: str) -> V | None:
        return self._own[crc32(key.encode()) % _BUCKETS].get(key)

    def put(self, key: str, value: V) -> _Table[V]:
        place = crc32(key.encode()) % _BUCKETS
        if place not in self._open:
            self._own[place] = dict(self._own[place])
            self._open.add(place)
        self._own[place][key] = value
        return self

    def closed(self) -> _Table[V]:
        return _Table(tuple(self._own))


class DayLedger:
    """Amounts per person and Eastern day, and the shipments of each order to each person."""

    __slots__ = ("_amounts", "_orders", "_totals")

    def __init__(
        self,
        totals: _Table[Decimal] | None = None,
        amounts: _Table[tuple[str, str, Decimal]] | None = None,
        orders: _Table[tuple[str, ...]] | None = None,
    ) -> None:
        self._totals = _Table[Decimal]() if totals is None else totals
        self._amounts = _Table[tuple[str, str, Decimal]]() if amounts is None else amounts
        self._orders = _Table[tuple[str, ...]]() if orders is None else orders

    def working(self) -> WorkingLedger:
        """The same to be added to in place, for whoever shows it to nobody before it is closed."""
        return WorkingLedger(self._totals.opened(), self._amounts.opened(), self._orders.opened())

    def closed(self) -> DayLedger:
        """The value that it is, or has come to."""
        return DayLedger(self._totals.closed(), self._amounts.closed(), self._orders.closed())

    def total(self, person: str, day: date, *, without: str = "") -> Decimal:
        """Dollars counted for ``person`` on ``day``, leaving out the shipment id ``without``."""
        key = _day_key(person, day)
        total = self._totals.get(key)
        if total is None:
            return _NOTHING
        own = self._amounts.get(f"{key}|{without}") if without else None
        return total if own is None else total - own[2]

    def has_other_lot(self, person: str, order_id: str, shipment_id: str) -> bool:
        """Whether another shipment of this order to this person stands in the ledger."""
        found = self._orders.get(_order_key(person, order_id))
        return found is not None and any(name != shipment_id for name in found)

    def with_added(self, person: str, day: date, shipment_id: str, order_id: str, amount: Decimal) -> DayLedger:
        """The ledger with one decided shipment; ``amount`` is 0 where the exemption was not used."""
        after = DayLedger(self._totals, self._amounts, self._orders)
        after.add(person, day, shipment_id, order_id, amount)
        return after

    def add(self, person: str, day: date, shipment_id: str, order_id: str, amount: Decimal) -> None:
        """Add to this ledger itself; only to one that nobody has seen yet."""
        lot = _order_key(person, order_id)
        known = self._orders.get(lot) or ()
        if shipment_id not in known:
            self._orders = self._orders.put(lot, (*known, shipment_id))
        self._count(_day_key(person, day), shipment_id, amount)

    def _count(self, key: str, shipment_id: str, amount: Decimal) -> None:
        """Put the shipment's amount in place of what it had; only for a ledger nobody has seen yet."""
        place = f"{key}|{shipment_id}"
        own = self._amounts.get(place)
        before = _NOTHING if own is None else own[2]
        if amount != before:
            self._amounts = self._amounts.put(place, (key, shipment_id, amount))
            self._totals = self._totals.put(key, (self._totals.get(key) or _NOTHING) + amount - before)

    def __eq__(self, other: object) -> bool:
        return self.as_dict() == other.as_dict() if isinstance(other, DayLedger) else NotImplemented

    def __hash__(self) -> int:
        return hash(repr(self.as_dict()))

    def as_dict(self) -> dict[str, Any]:
        """Plain content: what :meth:`from_dict` reads back."""
        days: dict[str, dict[str, str]] = {}
        for _, (key, shipment_id, amount) in self._amounts.sorted_items():
            if amount:
                days.setdefault(key, {})[shipment_id] = str(amount)
        return {"days": days, "orders": {key: list(names) for key, names in self._orders.sorted_items()}}

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> DayLedger:
        """The ledger that :meth:`as_dict` wrote."""
        ledger = cls()
        for key, shipments in value["days"].items():
            for shipment_id, amount in shipments.items():
                ledger._count(key, shipment_id, Decimal(amount))
        for key, names in value["orders"].items():
            ledger._orders = ledger._orders.put(key, tuple(names))
        return ledger


class WorkingLedger(DayLedger):
    """A ledger that is added to in place: what comes after another is the ledger itself."""

    __slots__ = ()

    def with_added(self, person: str, day: date, shipment_id: str, order_id: str, amount: Decimal) -> DayLedger:
        """This ledger, with one decided shipment more."""
        self.add(person, day, shipment_id, order_id, amount)
        return self


def _day_key(person: str, day: date) -> str:
    return f"{day.isoformat()}|{person}"


def _order_key(person: str, order_id: str) -> str:
    return f"{order_id}|{person}"
