"""How is a believable truckload made up? Deterministic for an arrival day, a count and a seed.

The mix is stated here: mostly ordinary goods under 300 dollars, and in every hundred a few of each
thing that makes a customs day interesting. Every name is fictional. A few parcels carry the magic
markers of the simulated CBP, so that a demonstration shows holds and rejections as well.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import date, datetime, time
from typing import Any, Final
from zoneinfo import ZoneInfo

from gateway.demo.goods import (
    BEER,
    BOOKS,
    COSMETICS,
    FAMILY,
    GIVEN,
    HONEY,
    HONEY_CASE,
    ORDINARY,
    PUMP,
    SHOPS,
    STREETS,
    SUPPLEMENTS,
    TOWNS,
    Article,
)

SCAC: Final = "SFIC"
PORT: Final = "0901"
EASTERN: Final = ZoneInfo("America/New_York")
Shipment = dict[str, Any]


def make_trip(arrival: date, seed: int) -> dict[str, Any]:
    """The trip: one tractor, one trailer, one driver, arriving at 16:30 at Buffalo."""
    planned = datetime.combine(arrival, time(16, 30), EASTERN)
    return {
        "trip_number": f"{SCAC}{arrival:%y%m%d}{seed % 10_000:04d}",
        "carrier_scac": SCAC,
        "port_of_arrival": PORT,
        "estimated_arrival": planned.isoformat(),
        "conveyance": {
            "type": "TR",
            "number": "TRK7",
            "vin": "1M8GDM9AXKP042788",
            "plate": {"number": "DEMO123", "region": "ON", "country": "CA"},
        },
        "equipment": [
            {
                "type": "TL",
                "number": "T53012",
                "plate": {"number": "TRL9921", "region": "ON", "country": "CA"},
                "seals": ["SEAL0001"],
            }
        ],
        "crew": [
            {
                "role": "driver",
                "first_name": "Marie",
                "last_name": "Testwell",
                "date_of_birth": "1984-05-17",
                "gender": "F",
                "citizenship": "CA",
                "documents": [{"type": "5K", "number": "T00000000000", "region": "ON", "country": "CA"}],
            }
        ],
    }


def make_shipments(arrival: date, count: int, seed: int) -> Iterator[Shipment]:
    """``count`` shipments in manifest order, one at a time."""
    maker = _Maker(arrival, seed)
    for _ in range(count):
        yield maker.next()


def make_cutover_shipments(arrival: date, count: int, seed: int) -> Iterator[Shipment]:
    """A truckload for the evening on which the exemption ends: parcels that use it, on both of its ways, and others.

    Nothing on it needs a broker, before or after, and each parcel names its importer.
    """
    maker = _Maker(arrival, seed, every_importer=True)
    for _ in range(count):
        yield maker.next_of_cutover()


_Shape = Callable[["_Maker"], Shipment]


class _Maker:
    """Draws shipments; remembers only what makes lots and day limits."""

    def __init__(self, arrival: date, seed: int, *, every_importer: bool = False) -> None:
        self._every_importer = every_importer
        self._random = random.Random(f"{arrival.isoformat()}/{seed}")  # noqa: S311 - a reproducible demonstration
        self._arrival = arrival
        self._seed = seed
        self._number = 0
        self._lot: Shipment | None = None
        self._regular: Shipment | None = None
        self._shapes: list[tuple[int, _Shape]] = [
            (54, _Maker._ordinary),
            (8, _Maker._several_lines),
            (8, _Maker._cosmetics),
            (2, _Maker._supplements),
            (3, _Maker._books),
            (3, _Maker._asks_for_type86),
            (6, _Maker._over_800),
            (3, _Maker._over_2500),
            (2, _Maker._beer),
            (2, _Maker._honey),
            (2, _Maker._two_boxes),
            (4, _Maker._regular_customer),
            (3, _Maker._marked),
        ]

    def next(self) -> Shipment:
        """The next parcel on the trailer."""
        self._number += 1
        if self._lot is not None:
            first, self._lot = self._lot, None
            return self._second_box(first)
        # the first of a trip are one of each kind, so that even a small demonstration shows them
        if self._number <= 2 * len(self._shapes) and self._number % 2 == 0:
            return self._shapes[self._number // 2 - 1][1](self)
        weights = [weight for weight, _ in self._shapes]
        return self._random.choices([shape for _, shape in self._shapes], weights)[0](self)

    def next_of_cutover(self) -> Shipment:
        """The next parcel of the evening on which the exemption ends; of five, three are ordinary."""
        self._number += 1
        place = self._number % 5
        if place == 2:
            return self._asks_for_type86()
        return self._over_800() if place == 3 else self._ordinary()

    def _parcel(self, articles: list[Article], value: float | None = None, **changes: Any) -> Shipment:
        shop = self._random.choice(SHOPS)
        lines = [self._line(index + 1, article, value) for index, article in enumerate(articles)]
        weight = sum(a.weight for a in articles) * self._random.uniform(0.9, 1.6)
        address = {key: shop[key] for key in ("lines", "city", "region", "postal_code")} | {"country": "CA"}
        importer = {"name": shop["name"], "number": shop["number"], "number_type": "EIN"}
        shipment = {
            "shipment_id": f"DEMO-{self._arrival:%y%m%d}-{self._seed}-{self._number:05d}",
            "shipment_control_number": self._scn(""),
            "order_id": f"D-{self._arrival:%y%m%d}-{self._seed}-{self._number:05d}",
            "shipper": {"name": shop["name"], "address": address},
            "consignee": self._person(),
            "importer_of_record": importer if self._random.random() > 0.06 or self._every_importer else None,
            "place_of_receipt": "FORT ERIE ON",
            "packages": {"count": 1, "unit": "BOX"},
            "gross_weight": {"value": f"{max(weight, 0.1):.2f}", "unit": "KG"},
            "lines": lines,
            "fair_retail_value": f"{sum(float(line['value']) for line in lines):.2f}",
            "pathway": None,
        }
        return shipment | changes

    def _line(self, number: int, article: Article, value: float | None) -> dict[str, Any]:
        quantity = self._random.randint(1, 3)
        price = self._random.uniform(article.lowest, article.highest) if value is None else value / quantity
        return {
            "line": number,
            "sku": f"{article.sku}-{self._random.randint(10, 99)}",
            "description": article.description,
            "hts": article.hts,
            "country_of_origin": self._random.choice(article.origins),
            "quantity": str(quantity),
            "unit": article.unit,
            "value": f"{price * quantity:.2f}",
            "currency": "USD",
            "manufacturer": None,
            "spi": None,
            "ad_cvd_case": None,
            "quota": False,
            "pga": [dict(claim) for claim in article.pga],
        }

    def _person(self) -> dict[str, Any]:
        town, state, postal = self._random.choice(TOWNS)
        lines = [f"{self._random.randint(1, 9899)} {self._random.choice(STREETS)} St"]
        if self._random.random() < 0.3:
            lines.append(f"Apt {self._random.randint(1, 60)}")
        return {
            "name": f"{self._random.choice(GIVEN)} {self._random.choice(FAMILY)}",
            "address": {"lines": lines, "city": town, "region": state, "postal_code": postal, "country": "US"},
        }

    def _scn(self, marker: str) -> str:
        # SCAC and twelve: marker, last digit of the year, day of the year, seed, number on the trip
        day = _base36(self._arrival.timetuple().tm_yday, 2)
        stem = f"{self._arrival:%y}"[-1] + day + _base36(self._seed % 1296, 2)
        return f"{SCAC}{marker}{stem}{_base36(self._number, 12 - len(marker) - len(stem))}"

    def _ordinary(self) -> Shipment:
        return self._parcel([self._random.choice(ORDINARY)])

    def _several_lines(self) -> Shipment:
        return self._parcel(self._random.sample(ORDINARY, self._random.randint(2, 4)))

    def _cosmetics(self) -> Shipment:
        return self._parcel([COSMETICS])

    def _supplements(self) -> Shipment:
        return self._parcel([SUPPLEMENTS])

    def _books(self) -> Shipment:
        return self._parcel([BOOKS])

    def _beer(self) -> Shipment:
        return self._parcel([BEER])

    def _asks_for_type86(self) -> Shipment:
        return self._parcel([self._random.choice(ORDINARY[:5])], pathway="type86")

    def _over_800(self) -> Shipment:
        return self._parcel([self._random.choice(ORDINARY)], self._random.uniform(810, 2300))

    def _over_2500(self) -> Shipment:
        return self._parcel([PUMP], self._random.uniform(2600, 9000))

    def _honey(self) -> Shipment:
        shipment = self._parcel([HONEY])
        shipment["lines"][0]["ad_cvd_case"] = HONEY_CASE if shipment["lines"][0]["country_of_origin"] == "AR" else None
        return shipment

    def _two_boxes(self) -> Shipment:
        self._lot = self._parcel([self._random.choice(ORDINARY)])
        return self._lot

    def _second_box(self, first: Shipment) -> Shipment:
        box = self._parcel([self._random.choice(ORDINARY)])
        return box | {key: first[key] for key in ("order_id", "shipper", "consignee", "importer_of_record")}

    def _regular_customer(self) -> Shipment:
        shipment = self._parcel([self._random.choice(ORDINARY)], self._random.uniform(250, 390))
        if self._regular is not None:
            shipment |= {"consignee": self._regular["consignee"]}
        self._regular = shipment
        return shipment

    def _marked(self) -> Shipment:
        shipment = self._parcel([ORDINARY[self._number % len(ORDINARY)]])
        return shipment | {"shipment_control_number": self._scn(self._random.choice(("HOLD", "EXAM", "DOCS", "REJ")))}


_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def _base36(number: int, width: int) -> str:
    digits = ""
    for _ in range(width):
        number, rest = divmod(number, 36)
        digits = _DIGITS[rest] + digits
    return digits
