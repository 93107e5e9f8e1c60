"""How do files of shipments become rows, one at a time, whatever is wrong with some of them?

Three forms are read: a JSON array, NDJSON (one object a line) and CSV (one row a line of goods, dotted
headers, rows with the same ``shipment_id`` next to each other make one shipment). Bytes may arrive in
any pieces; memory is bounded by the largest single row. A row that cannot be read is a row with
problems; only something that makes everything after it unreadable ends the file, as a last row saying so.
"""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from schemas.csv_rows import CsvRows, Made
from schemas.errors import FormatError, Problem
from schemas.json_array import ArrayScan
from schemas.shipment import Shipment, check_shipment

MAX_ROW_BYTES: Final = 4 * 1024 * 1024
"""No shipment of 999 lines comes near; more is a file without line ends or a mistake."""

JSON: Final = "application/json"
NDJSON: Final = "application/x-ndjson"
CSV: Final = "text/csv"
_TYPES: Final = {JSON: JSON, NDJSON: NDJSON, "application/ndjson": NDJSON, "application/jsonl": NDJSON, CSV: CSV}
_SUFFIXES: Final = {".json": JSON, ".ndjson": NDJSON, ".jsonl": NDJSON, ".csv": CSV}


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: ``index`` counts rows from 0, ``line_number`` is where it begins (1-based)."""

    index: int
    line_number: int
    shipment_id: str | None
    raw: Mapping[str, Any] | None
    shipment: Shipment | None
    problems: tuple[Problem, ...] = ()
    digest: str = ""


def content_type_of(name: str) -> str:
    """The content type for a file name ending in .json, .ndjson, .jsonl or .csv; raises FormatError."""
    for suffix, content_type in _SUFFIXES.items():
        if name.lower().endswith(suffix):
            return content_type
    raise FormatError(
        Problem(
            "unknown_file_type", name, "The kind of file is not clear from its name.", "Name it .json, .ndjson or .csv."
        )
    )


def canonical_digest(raw: Mapping[str, Any]) -> str:
    """SHA-256 of the record's canonical JSON: equal content, equal digest, whatever the order of keys."""
    return hashlib.sha256(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(slots=True)
class RowReader:
    """Feed bytes as they come; get rows as they are complete.

    ``content_type`` is JSON, NDJSON or CSV (parameters such as charset are ignored: text is UTF-8).
    """

    content_type: str
    _buffer: bytearray = field(default_factory=bytearray)
    _line: int = 1
    _index: int = 0
    _ended: bool = False
    _skipping: bool = False
    _scan: ArrayScan | None = None
    _csv: CsvRows | None = None

    def __post_init__(self) -> None:
        plain = self.content_type.split(";", 1)[0].strip().lower()
        if plain not in _TYPES:
            raise FormatError(
                Problem(
                    "unknown_content_type",
                    "Content-Type",
                    f"{self.content_type!r} is not a form of shipments that is read here.",
                    f"Send one of: {JSON} (array), {NDJSON}, {CSV}.",
                )
            )
        self.content_type = _TYPES[plain]
        if self.content_type == JSON:
            self._scan = ArrayScan(MAX_ROW_BYTES)
        elif self.content_type == CSV:
            self._csv = CsvRows(MAX_ROW_BYTES)

    def feed(self, data: bytes) -> list[Row]:
        """The rows completed by these bytes."""
        if self._ended:
            return []
        if self._scan is not None:
            return self._array_rows(self._scan.feed(data))
        self._buffer += data
        rows: list[Row] = []
        lines = bytes(self._buffer).split(b"\n")
        self._buffer = bytearray(lines.pop())
        for line in lines:
            if self._skipping:  # the rest of a line that was refused for its length
                self._skipping = False
                self._line += 1
                continue
            rows.extend(self._take_line(line))
        if len(self._buffer) > MAX_ROW_BYTES:
            self._buffer.clear()
            if not self._skipping:
                rows.append(self._too_long())
            self._skipping = True
        return rows

    def close(self) -> list[Row]:
        """The rows that end with the file."""
        if self._ended:
            return []
        if self._scan is not None:
            rows = self._array_rows(self._scan.close())
        else:
            rows = self._take_line(bytes(self._buffer)) if self._buffer and not self._skipping else []
            self._buffer.clear()
            if self._csv is not None:
                rows.extend(self._csv_rows(self._csv.close()))
        self._ended = True
        return rows

    def _too_long(self) -> Row:
        text = f"Line {self._line} is longer than {MAX_ROW_BYTES} bytes."
        fault = Problem("row_too_long", "", text, "Put one shipment on a line; the lines after it are read on.")
        return self._row(self._line, None, (fault,))

    def _take_line(self, line: bytes) -> list[Row]:
        number, self._line = self._line, self._line + 1
        if self._csv is not None:
            return self._csv_rows(self._csv.feed(line, number))
        return [self._json_row(line, number)] if line.strip(b" \t\r\xef\xbb\xbf") else []

    def _array_rows(self, texts: list[tuple[bytes, int]]) -> list[Row]:
        rows = [self._json_row(text, line) for text, line in texts]
        if self._scan is not None and self._scan.fault is not None:
            self._line = self._scan.line
            rows.append(self._end("unreadable_json", self._scan.fault, "Send a JSON array of shipments."))
        return rows

    def _json_row(self, text: bytes, line: int) -> Row:
        try:
            raw = orjson.loads(text.strip().removeprefix(codecs.BOM_UTF8))
        except orjson.JSONDecodeError as error:
            return self._row(
                line, None, (_unreadable(f"This row is not JSON: {error.msg} (character {error.pos + 1})."),)
            )
        return self._record(line, raw)

    def _record(self, line: int, raw: object) -> Row:
        if not isinstance(raw, Mapping):
            fault = Problem(
                "not_an_object", "", "A row must be one shipment object.", "Send one JSON object per shipment."
            )
            return self._row(line, None, (fault,))
        return self._row(line, raw, None)

    def _row(self, line: int, raw: Mapping[str, Any] | None, problems: tuple[Problem, ...] | None) -> Row:
        index, self._index = self._index, self._index + 1
        if raw is None:
            return Row(index, line, None, None, None, problems or ())
        shipment, found = check_shipment(raw)
        given = raw.get("shipment_id")
        name = given if isinstance(given, str) else None
        return Row(
            index, line, name, raw, shipment, found if problems is None else (*problems, *found), canonical_digest(raw)
        )

    def _csv_rows(self, made: Iterable[Made]) -> list[Row]:
        rows: list[Row] = []
        for line, raw, problems in made:
            if problems and raw is None and problems[0].code == "unreadable_csv":
                rows.append(self._end("unreadable_csv", problems[0].text, problems[0].remedy))
                break
            row = self._row(line, raw, problems or None)
            if problems and row.shipment is not None:
                row = Row(row.index, row.line_number, row.shipment_id, row.raw, None, problems, row.digest)
            rows.append(row)
        return rows

    def _end(self, code: str, text: str, remedy: str = "Correct the file at this place and send it again.") -> Row:
        self._ended = True
        self._buffer.clear()
        return self._row(self._line, None, (Problem(code, "", text, remedy),))


def _unreadable(text: str) -> Problem:
    return Problem("unreadable_json", "", text, "Correct this row and send it again; the others are not affected.")


def read_rows(chunks: Iterable[bytes], content_type: str) -> Iterator[Row]:
    """Rows of a file given in pieces; the same reading as :class:`RowReader`."""
    reader = RowReader(content_type)
    for chunk in chunks:
        yield from reader.feed(chunk)
    yield from reader.close()
