"""How do CSV rows, one per line of goods, become shipment records?

Headers are dotted paths (``consignee.address.city``, ``lines.hts``); rows with the same ``shipment_id``
next to each other make one shipment; an empty cell is an absent value; address lines are parted by
``|``; ``lines.pga`` holds a JSON list. Nothing is guessed: cells that disagree within one shipment are a fault.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from schemas.errors import Problem

Made = tuple[int, Mapping[str, Any] | None, tuple[Problem, ...]]
"""Line number, record (or ``None``), problems; a problem ``unreadable_csv`` ends the file."""


class CsvRows:
    """Gathers CSV rows with one shipment id into nested records."""

    __slots__ = ("_current", "_header", "_limit", "_line", "_partial", "_problems", "_record")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._header: list[str] | None = None
        self._current: str | None = None
        self._record: dict[str, Any] | None = None
        self._problems: list[Problem] = []
        self._line = 0
        self._partial = b""

    def feed(self, line: bytes, number: int) -> Iterator[Made]:
        """Records completed by one physical line (a quoted field may go on over lines)."""
        whole = self._partial + line
        if whole.count(b'"') % 2:
            self._partial = whole + b"\n"
            if len(self._partial) > self._limit:
                yield number, None, (_csv_fault(number, "A quoted field never ends."),)
            return
        self._partial = b""
        try:
            text = whole.rstrip(b"\r").decode("utf-8-sig" if self._header is None else "utf-8")
            cells = next(csv.reader([text], strict=True), [])
        except (UnicodeDecodeError, csv.Error) as error:
            yield from self._flush()
            fault = Problem(
                "unreadable_row", "", f"Line {number} cannot be read: {error}.", "Save the file as UTF-8 CSV."
            )
            yield number, None, (fault,)
            return
        if not any(cell.strip() for cell in cells):
            return
        if self._header is None:
            self._header = [cell.strip() for cell in cells]
            if len(self._header) == 1 and ";" in text:
                yield number, None, (_csv_fault(number, "The cells are separated by semicolons; use commas."),)
            elif "shipment_id" not in self._header or len(set(self._header)) != len(self._header):
                yield (
                    number,
                    None,
                    (_csv_fault(number, "The first line must be headers, each once, with shipment_id."),),
                )
            return
        if len(cells) != len(self._header):
            yield from self._flush()
            text = f"Line {number} has {len(cells)} cells; the header has {len(self._header)}."
            yield number, None, (Problem("wrong_cell_count", "", text, "Quote cells that hold commas."),)
            return
        yield from self._add(dict(zip(self._header, cells, strict=True)), number)

    def _add(self, cells: dict[str, str], number: int) -> Iterator[Made]:
        name = cells.get("shipment_id", "").strip()
        if name != self._current or not name:
            yield from self._flush()
            self._current, self._record, self._line = name, {}, number
        record = self._record if self._record is not None else {}
        goods: dict[str, Any] = {}
        for header, cell in cells.items():
            if cell.strip() == "":
                continue
            target, path = (goods, header.removeprefix("lines.")) if header.startswith("lines.") else (record, header)
            fault = _put(target, path, cell, header)
            if fault:
                self._problems.append(Problem(fault[0], header, f"Line {number}: {fault[1]}", fault[2]))
        if goods:
            record.setdefault("lines", []).append(goods)
        self._record = record

    def close(self) -> Iterator[Made]:
        """The last record; a quoted field left open is a fault."""
        if self._partial:
            yield self._line, None, (_csv_fault(self._line, "The file ends inside a quoted field."),)
            return
        yield from self._flush()
        if self._header is None:
            yield 1, None, (_csv_fault(1, "The file has no header line."),)

    def _flush(self) -> Iterator[Made]:
        if self._record is not None:
            record, problems = self._record, tuple(self._problems)
            self._record, self._current, self._problems = None, None, []
            yield self._line, record, problems


def _csv_fault(number: int, text: str) -> Problem:
    return Problem(
        "unreadable_csv", "", f"{text} (line {number})", "Send one header line, then one row per line of goods."
    )


_INTEGERS: Final = frozenset({"packages.count", "lines.line"})
_BOOLEANS: Final = {"true": True, "false": False, "yes": True, "no": False, "1": True, "0": False}
_LISTS: Final = frozenset({"shipper.address.lines", "consignee.address.lines", "manufacturer.address.lines"})


def _put(target: dict[str, Any], path: str, cell: str, header: str) -> tuple[str, str, str] | None:
    """Set one cell at a dotted path; a fault of this cell (code, sentence, remedy) or ``None``."""
    value: Any = cell
    if header in _INTEGERS:
        if not cell.strip().lstrip("+").isascii() or not cell.strip().isdigit():
            return "not_an_integer", f"{cell!r} is not a whole number.", "Write digits only."
        value = int(cell)
    elif header == "lines.quota":
        if cell.strip().lower() not in _BOOLEANS:
            return "not_a_boolean", f"{cell!r} is not true or false.", "Write true or false."
        value = _BOOLEANS[cell.strip().lower()]
    elif header == "lines.pga":
        try:
            value = orjson.loads(cell)
        except orjson.JSONDecodeError:
            return (
                "unreadable_json",
                f"{cell!r} is not a JSON list.",
                'Write it like [{"agency": "FDA", "program": "COS"}].',
            )
    elif path in _LISTS:
        value = [part.strip() for part in cell.split("|")]
    parts = path.split(".")
    for part in parts[:-1]:
        nested = target.setdefault(part, {})
        if not isinstance(nested, dict):
            return "header_conflict", f"The headers {part!r} and {header!r} contradict each other.", "Use one of them."
        target = nested
    before = target.get(parts[-1])
    if before is not None and before != value:
        return (
            "rows_disagree",
            f"Rows of one shipment give {_shown(before)} and {_shown(value)}.",
            "Repeat the same value in every row of a shipment.",
        )
    target[parts[-1]] = value
    return None


def _shown(value: Any) -> str:
    """A cell's value as it was written."""
    return "|".join(value) if isinstance(value, list) else str(value)
