"""``gateway inspect``: what does this file of bytes say, and what is wrong with it?

Any bytes are answered: X12 begins with ``ISA`` (also after stray white space or a byte order mark), CATAIR with
the identifier of one of its records; all else is neither, which is one error and not one for each line. An error
is shown under its record or segment with a line of carets.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.options import JsonOption
from gateway.cli.output import Output, make_table, plain
from schemas.errors import Problem, ShipmentError

if TYPE_CHECKING:
    from rich.table import Table

MOST_BYTES: Final = 64 * 1024 * 1024
SHOWN: Final = 2000
"""Segments or records shown to people; ``--json`` has all of them."""
SHOWN_ERRORS: Final = 100

_NOT_RECOGNISED: Final = {
    "code": "not_recognised",
    "position": "byte 0",
    "path": "",
    "text": "This is neither X12 (it would begin with ISA) nor CATAIR (80-column records beginning with A).",
    "remedy": "Give a file of messages as it was sent or received.",
    "reference": "",
}
_BEGINNING: Final = re.compile(rb"(?:\xef\xbb\xbf)?[\s\x00]*ISA", re.ASCII)
_BYTE: Final = re.compile(r"byte (\d+)")
_RECORD: Final = re.compile(r"record (\d+)")
_COLUMN: Final = re.compile(r"column (\d+)")


def inspect(
    file: Annotated[Path, typer.Argument(help="A file of X12 or CATAIR.", metavar="FILE", exists=True, dir_okay=False)],
    as_json: JsonOption = False,
) -> None:
    """Read any X12 or CATAIR file: envelope, segments or records, fields with names, errors with positions.

    Example: gateway inspect var/render/309-SFIC2503100001-001.x12
    """
    output = Output(as_json)
    size = file.stat().st_size
    if size > MOST_BYTES:
        text = f"The file has {size} bytes; at most {MOST_BYTES} are read."
        raise ShipmentError(Problem("file_too_large", str(file), text, "Cut it at an interchange or batch."))
    data = file.read_bytes()
    document = inspection_of(data)
    if as_json:
        output.document(document)
    else:
        _show(output, file, data, document)
    raise typer.Exit(1 if document["errors"] else 0)


def inspection_of(data: bytes) -> dict[str, Any]:
    """The document of ``--json`` for any bytes."""
    if _BEGINNING.match(data):
        from schemas.x12 import inspection

        return inspection(data)
    from schemas.catair import RECORDS, inspect_document

    first = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if not first.startswith(tuple({defined.identifier.encode() for defined in RECORDS.values()})):
        return {"format": "catair", "messages": [], "errors": [dict(_NOT_RECOGNISED)], "warnings": []}
    return inspect_document(data)


def _show(output: Output, file: Path, data: bytes, document: dict[str, Any]) -> None:
    errors, warnings = document["errors"], document.get("warnings", [])
    messages = document["messages"]
    types = ", ".join(sorted({str(message["type"]) or "?" for message in messages})) or "nothing readable"
    what = {"x12": "X12, ", "catair": "CATAIR, "}[document["format"]]
    if any(one["code"] == _NOT_RECOGNISED["code"] for one in errors):
        what = ""
    output.say(f"{file}: {what}{types}, {len(data)} bytes", "bold")
    for message in messages:
        parts = message.get("segments") or message.get("records") or []
        numbers = f"control {message['control_number']}" if message.get("control_number") else ""
        output.say(f"\n{message['type'] or 'message'}  {numbers}  {len(parts)} {_noun(message)}".rstrip(), "bold cyan")
        table = _segments(parts[:SHOWN]) if "segments" in message else _records(parts[:SHOWN])
        output.show(table)
        if len(parts) > SHOWN:
            output.say(f"and {len(parts) - SHOWN} more; --json has all of them", "dim")
    offsets = {one["number"]: one["offset"] for message in messages for one in message.get("records", ())}
    for listed, title in ((errors, "error"), (warnings, "warning")):
        if listed:
            style = "bold red" if title == "error" else "bold"
            output.say(f"\n{len(listed)} {title}{'' if len(listed) == 1 else 's'}", style)
        for one in listed[:SHOWN_ERRORS]:
            _show_error(output, data, one, offsets)
        if len(listed) > SHOWN_ERRORS:
            output.say(f"and {len(listed) - SHOWN_ERRORS} more; --json has all of them", "dim")
    if not errors:
        output.say("no errors", "green")


def _noun(message: dict[str, Any]) -> str:
    return "segments" if "segments" in message else "records"


def _segments(segments: list[dict[str, Any]]) -> Table:
    table = make_table()
    table.add_column("#", justify="right", style="dim")
    table.add_column("segment", no_wrap=True)
    table.add_column("element", style="cyan", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("meaning", ratio=1)
    for segment in segments:
        indent = "  " * int(segment["depth"])
        faulty = "red" if segment.get("problems") else "bold"
        number = str(segment["number"] or "")
        name = plain(f"{indent}{segment['segment']}")
        name.stylize(faulty)
        table.add_row(number, name, "", "", plain(segment["name"]))
        for element in segment["elements"]:
            meaning = element["name"]
            if element.get("text"):
                meaning += f": {element['text']}"
            table.add_row("", "", element["ref"], plain(element["value"]), plain(meaning))
    return table


def _records(records: list[dict[str, Any]]) -> Table:
    table = make_table()
    table.add_column("#", justify="right", style="dim")
    table.add_column("record", no_wrap=True)
    table.add_column("columns", style="cyan", no_wrap=True)
    table.add_column("value", overflow="fold")
    table.add_column("field", ratio=1)
    for record in records:
        name = plain(record["layout"] or "?")
        name.stylize("red" if record["problems"] else "bold")
        table.add_row(str(record["number"]), name, "", "", plain(record["name"]))
        for one in record["fields"]:
            if one["value"] is None:
                continue
            last = one["start"] + one["length"] - 1
            meaning = one["name"] + (f": {one['meaning']}" if one["meaning"] else "")
            table.add_row("", "", f"{one['start']}-{last}", plain(str(one["value"])), plain(_short(meaning)))
    return table


def _short(text: str) -> str:
    return text if len(text) <= 160 else text[:159] + "…"


def _show_error(output: Output, data: bytes, error: dict[str, Any], offsets: dict[int, int]) -> None:
    place = f" at {error['position']}" if error.get("position") else ""
    path = f" ({error['path']})" if error.get("path") else ""
    output.say(f"\n{error['code']}{place}{path}: {error['text']}", "red")
    line, column = _place(data, error.get("position", ""), offsets)
    if line:
        output.say(f"    {line}", "dim")
        output.say("    " + " " * column + "^", "bold red")
    if error.get("remedy"):
        output.say(f"    {error['remedy']}")


def _place(data: bytes, position: str, offsets: dict[int, int]) -> tuple[str, int]:
    """The text around a position and where in it the caret goes; empty where the position names no byte."""
    if match := _BYTE.search(position):
        offset = min(int(match.group(1)), len(data))
        start = max(offset - 40, 0)
        return _visible(data[start : offset + 60]), offset - start
    record = _RECORD.search(position)
    if record is None or int(record.group(1)) not in offsets:
        return "", 0
    start = offsets[int(record.group(1))]
    line = re.split(rb"[\r\n]", data[start : start + 80], maxsplit=1)[0]
    column = _COLUMN.search(position)
    return _visible(line), int(column.group(1)) - 1 if column else 0


def _visible(data: bytes) -> str:
    """One character per byte, so that a caret stands where it should."""
    return "".join(chr(byte) if 32 <= byte < 127 else "·" for byte in data)
