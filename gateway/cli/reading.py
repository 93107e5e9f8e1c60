"""How do trips and shipments come from files on disk, with progress and with every fault kept?"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from schemas.errors import Problem, ShipmentError

if TYPE_CHECKING:
    from schemas.intake import Row
    from schemas.shipment import Shipment
    from schemas.trip import Trip

EASTERN: Final = ZoneInfo("America/New_York")
PIECE: Final = 256 * 1024
USUAL_ARRIVAL: Final = time(16, 30)
"""The time of day that a bare day stands for: the law that counts changes by the day, mostly at midnight."""

EARLIEST, LATEST = 1990, 2150
"""Years of an arrival that can be meant."""

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}.*)?", re.ASCII)


def read_trip_file(path: Path) -> tuple[Trip, dict[str, Any]]:
    """The trip and its raw JSON. Raises :class:`ShipmentError` with every fault."""
    from schemas.trip import read_trip

    raw = read_json_file(path)
    trip = read_trip(raw)
    return trip, raw


def read_json_file(path: Path) -> Any:
    """The JSON value of a file. Raises :class:`ShipmentError` where it is none, with line and column."""
    import orjson

    from gateway.causes import not_json

    try:
        return orjson.loads(path.read_bytes().removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        text = f"The file is not JSON: {not_json(error.msg, error.lineno, error.colno)}."
        raise ShipmentError(Problem("unreadable_json", str(path), text, "Correct it at this place.")) from None


def rows_of(path: Path, advance: Callable[[int], None] | None = None) -> Iterator[Row]:
    """The rows of a file of shipments, in flat memory; ``advance`` is told of each piece's bytes."""
    from schemas.intake import content_type_of, read_rows

    content_type = content_type_of(path.name)

    def pieces() -> Iterator[bytes]:
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece
                if advance is not None:
                    advance(len(piece))

    return read_rows(pieces(), content_type)


@dataclass(slots=True)
class ReadShipments:
    """The good shipments of a file in order, the good rows with a warning, and the rows that are not shipments."""

    shipments: list[Shipment] = field(default_factory=list)
    warned: list[Row] = field(default_factory=list)
    bad: list[Row] = field(default_factory=list)

    def bad_rows(self) -> list[dict[str, Any]]:
        """The refused rows in the shape of ``--json``."""
        return [refused_row(row) for row in self.bad]

    def warned_rows(self) -> list[dict[str, Any]]:
        """The warnings of good rows in the shape of ``--json``."""
        return [
            {
                "index": row.index,
                "line": row.line_number,
                "shipment_id": row.shipment_id,
                "warnings": [problem.as_dict() for problem in row.problems],
            }
            for row in self.warned
        ]


def checked_rows(path: Path, advance: Callable[[int], None] | None = None) -> Iterator[Row]:
    """As :func:`rows_of`; a shipment id that comes again is a bad row, so that it cannot replace the first."""
    from dataclasses import replace

    seen: set[str] = set()
    for row in rows_of(path, advance):
        if row.shipment is not None and row.shipment.shipment_id in seen:
            text = f"Shipment {row.shipment.shipment_id} stands twice in the file."
            twice = Problem("shipment_twice", "shipment_id", text, "Give each shipment once; the first is taken.")
            yield replace(row, shipment=None, problems=(*row.problems, twice))
            continue
        if row.shipment is not None:
            seen.add(row.shipment.shipment_id)
        yield row


def read_all(path: Path, advance: Callable[[int], None] | None = None) -> ReadShipments:
    """Every row of a file, sorted into good and bad."""
    read = ReadShipments()
    for row in checked_rows(path, advance):
        if row.shipment is None:
            read.bad.append(row)
        else:
            read.shipments.append(row.shipment)
            if row.problems:
                read.warned.append(row)
    return read


def refused_row(row: Row) -> dict[str, Any]:
    """A bad row as JSON: where it stands and everything wrong with it."""
    return {
        "index": row.index,
        "line": row.line_number,
        "shipment_id": row.shipment_id,
        "errors": [problem.as_dict() for problem in row.problems],
    }


def row_problems(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The faults of refused rows, and the warnings of others, as table rows that say where they are."""
    listed = []
    for row in rows:
        line = f"line {row['line']}" if row.get("line") else ""
        where = "  ".join(part for part in (line, str(row.get("shipment_id") or "")) if part)
        listed += [{**problem, "where": where} for key in ("errors", "warnings") for problem in row.get(key, ())]
    return listed


def read_arrival(text: str | None, default: datetime, name: str = "--arrival") -> datetime:
    """The instant that ``--arrival``, or what ``name`` says, names.

    A bare day means the usual time of arrival on that Eastern day. Raises :class:`ShipmentError` ``not_an_instant``.
    """
    if text is None:
        return default
    instant: datetime | None = None
    with suppress(ValueError):
        instant = datetime.fromisoformat(text)
    # Other forms of a bare day (20261123, 2026-W48-1) would be read as midnight: the other side of many a rule.
    if instant is None or not _INSTANT.fullmatch(text) or not EARLIEST <= instant.year <= LATEST:
        remedy = "Write a day like 2026-11-23, or an instant like 2026-11-23T16:30:00-05:00."
        words = f"{text[:60]!r} is not a day or an instant of the years {EARLIEST} to {LATEST}."
        raise ShipmentError(Problem("not_an_instant", name, words, remedy))
    if _DAY.fullmatch(text):
        return datetime.combine(instant.date(), USUAL_ARRIVAL, EASTERN)
    return instant.replace(tzinfo=EASTERN) if instant.tzinfo is None else instant
