"""How are amounts, sums and times said to CBP?

Weights and quantities keep their decimals. Money is whole US dollars. Times are the port's own clock.
"""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from mappings.notes import TRIP
from schemas.errors import FormatError, Problem
from schemas.identifiers import land_ports
from schemas.trip import Trip


def local_arrival(trip: Trip, zone: str = "port") -> datetime:
    """The estimated arrival on the port's own clock (``port``), or on that of a named zone.

    Raises :class:`FormatError` (``not_a_land_port``) where the port's zone is not known.
    """
    if zone == "port":
        port = land_ports().get(trip.port_of_arrival)
        if port is None:
            raise FormatError(
                Problem(
                    "not_a_land_port",
                    TRIP + "port_of_arrival",
                    f"{trip.port_of_arrival} is not a known land port, so its local time is not known.",
                    "Use the Schedule D code of the crossing.",
                    "Schedule D",
                )
            )
        zone = port.timezone
    return trip.arrival.astimezone(ZoneInfo(zone))


@lru_cache(maxsize=4096)
def decimal_text(value: Decimal) -> str:
    """Type R: digits with at most one point, without zeros that say nothing (``1.20`` → ``1.2``)."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def whole_dollars(value: Decimal) -> int:
    """Whole dollars, half up; what would become 0 is 1, since a line of goods has some value."""
    return max(1, int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP)))
