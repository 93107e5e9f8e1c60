"""Files of shipments become rows; what is wrong with one never stops the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import FormatError
from schemas.intake import CSV, JSON, NDJSON, Row, RowReader, canonical_digest, content_type_of, read_rows
from tests import samples


def rows(data: bytes, content_type: str, size: int = 7) -> list[Row]:
    """All rows of the data, fed in pieces of ``size`` bytes."""
    return list(read_rows([data[i : i + size] for i in range(0, len(data), size)], content_type))


def codes(row: Row) -> list[str]:
    """The codes of a row's problems."""
    return [problem.code for problem in row.problems]


GOOD = [samples.shipment(shipment_id=f"T-{n}", order_id="Ö-“1”") for n in range(3)]
FILES = {
    NDJSON: b"\n".join(json.dumps(r).encode() for r in GOOD) + b"\n",
    JSON: json.dumps(GOOD, indent=2, ensure_ascii=False).encode(),
}


def csv_of(records: list[dict[str, Any]]) -> bytes:
    """The records as CSV with dotted headers, one row a line of goods."""
    import csv
    import io

    def flat(value: dict[str, Any], prefix: str = "") -> dict[str, str]:
        out: dict[str, str] = {}
        for key, item in value.items():
            if isinstance(item, dict):
                out |= flat(item, f"{prefix}{key}.")
            elif key == "pga":
                out[prefix + key] = json.dumps(item) if item else ""
            elif isinstance(item, list):
                out[prefix + key] = "|".join(item)
            else:
                out[prefix + key] = "" if item is None else str(item).lower() if isinstance(item, bool) else str(item)
        return out

    table = [
        flat({k: v for k, v in r.items() if k != "lines"}) | flat(line, "lines.")
        for r in records
        for line in r["lines"]
    ]
    sink = io.StringIO()
    writer = csv.DictWriter(sink, list(table[0]))
    writer.writeheader()
    writer.writerows(table)
    return sink.getvalue().encode()


@pytest.mark.parametrize("size", [1, 3, 64, 1_000_000])
@pytest.mark.parametrize("content_type", [NDJSON, JSON, CSV])
def test_the_three_forms_give_the_same_shipments_in_any_pieces(content_type: str, size: int) -> None:
    """The form of the file and the size of the pieces do not matter."""
    two_lines = samples.shipment(shipment_id="two", fair_retail_value=None)
    two_lines["lines"].append({**two_lines["lines"][0], "line": 2, "pga": [{"agency": "FDA", "program": "COS"}]})
    records = [*GOOD, two_lines]
    data = {
        NDJSON: b"\r\n".join(json.dumps(r).encode() for r in records),
        JSON: json.dumps(records).encode(),
        CSV: csv_of(records),
    }[content_type]

    got = rows(data, content_type, size)

    assert [codes(row) for row in got] == [[], [], [], []]
    assert [row.shipment for row in got] == [row.shipment for row in rows(json.dumps(records).encode(), JSON, 999)]
    assert [row.index for row in got] == [0, 1, 2, 3]


def test_one_bad_row_does_not_stop_the_rest() -> None:
    """Unreadable JSON, a list, an unknown key: each a row with problems, the good ones stay good."""
    data = b'{"a": 1\n[]\n' + json.dumps(GOOD[0]).encode() + b"\n\n" + json.dumps({**GOOD[1], "x": 1}).encode()

    got = rows(data, NDJSON)

    assert [row.line_number for row in got] == [1, 2, 3, 5]
    assert [codes(row) for row in got] == [["unreadable_json"], ["not_an_object"], [], ["unknown_key"]]
    assert got[2].shipment is not None
    assert got[3].shipment_id == "T-1"


@pytest.mark.parametrize(
    ("data", "last"),
    [
        (b"", "no JSON array"),
        (b"{}", "does not begin"),
        (b"[{}", "ends before"),
        (b"[{}] x", "after the end"),
        (b"\x00\xff", "does not begin"),
    ],
)
def test_a_broken_array_says_where(data: bytes, last: str) -> None:
    """What makes the rest unreadable is the last row and says so."""
    got = rows(data, JSON)

    assert codes(got[-1]) == ["unreadable_json"]
    assert last in got[-1].problems[0].text


def test_csv_cells_that_disagree_are_a_fault_of_that_shipment_only() -> None:
    """Two rows of one shipment with different consignees: that shipment is refused, the next is fine."""
    data = csv_of([GOOD[0], GOOD[0] | {"order_id": "other"}, GOOD[1]])

    got = rows(data, CSV)

    assert "rows_disagree" in codes(got[0])
    assert got[0].shipment is None
    assert got[1].shipment is not None


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"a,b\n1,2\n", "unreadable_csv"),
        (b"shipment_id,shipment_id\n1,2\n", "unreadable_csv"),
        (b"", "unreadable_csv"),
        (b'shipment_id,order_id\n"1,2\n', "unreadable_csv"),
        (b"shipment_id,order_id\n1\n", "wrong_cell_count"),
        (b"shipment_id,order_id\n\xff,1\n", "unreadable_row"),
        (b"shipment_id,packages.count\n1,many\n", "not_an_integer"),
        (b"shipment_id,packages,packages.count\n1,2,3\n", "header_conflict"),
        (b"shipment_id,lines.quota\n1,perhaps\n", "not_a_boolean"),
        (b"shipment_id,lines.pga\n1,perhaps\n", "unreadable_json"),
    ],
)
def test_bad_csv_is_told_apart(data: bytes, code: str) -> None:
    """Each way a CSV file can be wrong has its own code."""
    assert code in {c for row in rows(data, CSV) for c in codes(row)}


@given(st.binary(max_size=300), st.sampled_from([JSON, NDJSON, CSV]), st.integers(1, 50))
@settings(max_examples=300)
def test_any_bytes_end_in_rows(data: bytes, content_type: str, size: int) -> None:
    """No bytes raise anything, and every row that is not a shipment says why."""
    for row in rows(data, content_type, size):
        assert (row.shipment is None) == bool(row.problems)


def test_an_endless_line_is_refused_at_a_limit_and_the_next_is_read() -> None:
    """Memory is bounded: a line beyond the limit is one refused row, however long it goes on."""
    reader = RowReader(NDJSON)
    got: list[Row] = []
    for _ in range(11):
        got += reader.feed(b"x" * 1_000_000)
    got += reader.feed(b"the end\n" + json.dumps(GOOD[0]).encode() + b"\n")
    got += reader.close()

    assert [codes(row) for row in got] == [["row_too_long"], []]
    assert [row.line_number for row in got] == [1, 2]


def test_digest_ignores_the_order_of_keys() -> None:
    """The same content has the same digest."""
    assert canonical_digest({"a": 1, "b": 2}) == canonical_digest({"b": 2, "a": 1})


def test_names_tell_the_form() -> None:
    """The file's name tells its form, or it is an error."""
    assert content_type_of("X.NDJSON") == NDJSON
    with pytest.raises(FormatError):
        content_type_of("x.xlsx")
    with pytest.raises(FormatError):
        RowReader("application/pdf")
