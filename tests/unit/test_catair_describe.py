"""Is a file shown to people field by field, in plain JSON, without its password?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from schemas.catair import annotate, inspect_document, read_batches

GOLDEN = Path(__file__).parents[1] / "golden" / "catair"


def shown(record: dict[str, Any], key: str) -> dict[str, Any]:
    """One field of an annotated record."""
    return next(one for one in record["fields"] if one["key"] == key)


def test_fields_carry_position_name_value_and_meaning() -> None:
    """A header field says where it stands, what it is called, what it holds and what the code means."""
    records = annotate((GOLDEN / "se_type01_truck.txt").read_bytes())
    header = records[2]

    assert (header["layout"], header["number"], header["offset"]) == ("SE10", 3, 162)
    assert shown(header, "entry_type") == {
        "start": 20,
        "length": 2,
        "key": "entry_type",
        "name": "Entry Type",
        "value": "01",
        "meaning": "Consumption, free and dutiable",
        "text": "Consumption, free and dutiable",
    }
    assert shown(header, "estimated_entry_value")["value"] == 12500
    assert shown(records[0], "transmission_date")["value"] == "2026-10-01"


def test_the_password_is_never_shown() -> None:
    """The communication password appears as stars in annotations and in the document."""
    data = (GOLDEN / "se_type01_truck.txt").read_bytes()

    assert shown(annotate(data)[0], "communication_password")["value"] == "******"
    assert "PASSWD" not in json.dumps(annotate(data))
    assert "PASSWD" not in json.dumps(inspect_document(data))


def test_statuses_are_explained() -> None:
    """A status shows the words of its disposition and of the release origin."""
    records = annotate(read_batches((GOLDEN / "so_released.txt").read_bytes()))
    released = next(one for one in records if one["layout"] == "SO60")

    assert shown(released, "disposition_action_code")["meaning"] == "RELEASED"
    assert shown(released, "release_origin_code")["meaning"] == "Intensive exam completed"


def test_the_document_has_one_message_per_batch() -> None:
    """Format, type, user data as control number, records and errors with positions; all of it JSON."""
    good = (GOLDEN / "se_type01_truck.txt").read_bytes()
    refused = (GOLDEN / "rejected_unknown_record.txt").read_bytes()
    document = inspect_document(good + refused)

    assert json.loads(json.dumps(document)) == document
    assert document["format"] == "catair"
    assert [(one["type"], one["control_number"], one["direction"]) for one in document["messages"]] == [
        ("SE", "REF-000001", "in"),
        ("rejection", "REF-000001", "out"),
    ]
    assert [len(one["records"]) for one in document["messages"]] == [19, 8]
    assert document["errors"] == []


def test_errors_say_code_position_path_and_text() -> None:
    """A fault is listed with all four, and also at its record; the raw columns of the field are shown."""
    data = (GOLDEN / "se_type01_truck.txt").read_bytes().replace(b"0000012500", b"00000125O0", 1)
    document = inspect_document(data)

    assert [(one["code"], one["position"], one["path"]) for one in document["errors"]] == [
        ("wrong_class", "record 3, column 48", "SE10.estimated_entry_value")
    ]
    assert document["errors"][0]["text"]
    record = document["messages"][0]["records"][2]
    assert record["problems"] == document["errors"]
    assert shown(record, "estimated_entry_value")["value"] == "00000125O0"


def test_records_without_a_table_are_shown_as_text() -> None:
    """What is not laid out appears as one text of 80 columns."""
    records = annotate(b"A0901XYZPASSWD100126     SU\nB  0901XYZSU\n10AXYZ\nY  0901XYZSU\nZ0901XYZ      100126\n")

    assert (records[2]["layout"], records[2]["fields"][0]["value"]) == ("", "10AXYZ")


def test_any_bytes_give_a_document() -> None:
    """Empty and binary files give a document with errors, never an exception."""
    for data in (b"", b"\0\xff" * 500, b"ISA*00*"):
        document = inspect_document(data)

        assert document["errors"]
        json.dumps(document)
