"""How are an inspected file's messages, errors and differences shown to people, and written as one document?

For people the first :data:`SHOWN` segments or records stand in tables, every message has its line, and the first
:data:`SHOWN_ERRORS` errors are drawn. The document has everything and is written piece by piece, so that the size of a
file costs no memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gateway.cli.inspect_contents import SENT_TO_CBP
from gateway.cli.inspect_places import drawn
from gateway.cli.inspect_reading import Begin, End, Inspection, Notice, Notices, Part
from gateway.cli.inspect_words import BLOCKING
from gateway.cli.output import Output, compact_json, make_table, plain, write_standard_output

if TYPE_CHECKING:
    from rich.table import Table

SHOWN: Final = 500
"""Segments or records shown to people; ``--json`` has all of them."""
SHOWN_MESSAGES: Final = 200
SHOWN_ERRORS: Final = 100
NOT_JUDGED: Final = "Not judged here: CBP's conditional rules, such as code values and combinations of fields."
_CHUNK: Final = 256
"""Rows that are written together."""


# ------------------------------------------------------------------------------------------------ document


def document_of(inspection: Inspection) -> dict[str, Any]:
    """The whole document as one value, for a file that fits into memory."""
    messages: list[dict[str, Any]] = []
    for event in inspection.events:
        if isinstance(event, Begin):
            messages.append(event.head | {event.parts: []})
            parts = messages[-1][event.parts]
        elif isinstance(event, Part):
            parts.append(event.row)
        else:
            messages[-1] |= event.tail
    return {
        "format": inspection.format,
        "messages": messages,
        "errors": list(inspection.errors.documents()),
        "warnings": list(inspection.warnings.documents()),
    }


def write_document(inspection: Inspection) -> None:
    """The document on standard output, written as the file is read."""
    for chunk in _chunks(_pieces(inspection)):
        write_standard_output(chunk)


def _chunks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    held: list[bytes] = []
    for piece in pieces:
        held.append(piece)
        if len(held) >= _CHUNK:
            yield b"".join(held)
            held.clear()
    yield b"".join(held)


def _pieces(inspection: Inspection) -> Iterator[bytes]:
    yield b'{\n  "format": ' + compact_json(inspection.format) + b',\n  "messages": ['
    message = row = b""
    for event in inspection.events:
        if isinstance(event, Begin):
            yield message + b"\n    " + compact_json(event.head)[:-1] + b', "' + event.parts.encode() + b'": ['
            message, row = b",", b""
        elif isinstance(event, Part):
            yield row + b"\n      " + compact_json(event.row)
            row = b","
        else:
            yield b"], " + compact_json(event.tail)[1:]
    yield b"\n  ]"
    for name, notices in (("errors", inspection.errors), ("warnings", inspection.warnings)):
        yield b',\n  "' + name.encode() + b'": ['
        row = b""
        for shown in notices.documents():
            yield row + b"\n    " + compact_json(shown)
            row = b","
        yield b"\n  ]" if row else b"]"
    yield b"\n}\n"


# -------------------------------------------------------------------------------------------------- people


@dataclass(slots=True)
class _Message:
    head: dict[str, Any]
    parts: str
    rows: list[dict[str, Any]] = field(default_factory=list)
    count: int = 0
    tail: dict[str, Any] = field(default_factory=dict)


def show(output: Output, inspection: Inspection, size: Any, name: str, *, verbose: bool = False) -> None:
    """Everything for people; ``size`` gives the number of bytes once all are read.

    ``verbose``: the description of every field stands beside it, not only what explains its value.
    """
    messages: list[_Message] = []
    types: dict[str, None] = {}
    begun = shown = 0
    for event in inspection.events:
        if isinstance(event, Begin):
            begun += 1
            current = _Message(event.head, event.parts)
            if len(types) < SHOWN_MESSAGES:
                types[str(event.head["type"]) or "?"] = None
            if begun <= SHOWN_MESSAGES:
                messages.append(current)
        elif isinstance(event, Part):
            current.count += 1
            if shown < SHOWN and begun <= SHOWN_MESSAGES:
                current.rows.append(event.row)
                shown += 1
        elif isinstance(event, End):
            current.tail = event.tail
    what = {"x12": "X12, ", "catair": "CATAIR, "}[inspection.format] if inspection.recognised else ""
    listed = ", ".join(sorted(types)) or "nothing readable"
    output.say(f"{name}: {what}{listed}, {size()} bytes", "bold")
    if begun > 1:
        output.say(f"{begun} messages, {_count(inspection.errors, 'error')}, {_count(inspection.warnings, 'warning')}")
    for message in messages:
        _show_message(output, message, verbose=verbose)
    if begun > len(messages):
        output.say(f"and {begun - len(messages)} more messages; --json has all of them", "dim")
    for notices, title in ((inspection.errors, "error"), (inspection.warnings, "warning")):
        if notices.total:
            output.say(f"\n{_count(notices, title)}", "bold red" if title == "error" else "bold")
        for one in notices.kept[:SHOWN_ERRORS]:
            _show_notice(output, one)
        if notices.total > SHOWN_ERRORS:
            output.say(f"and {notices.total - SHOWN_ERRORS} more; --json has more of them", "dim")
    if not inspection.errors.total:
        apart = "\n" if inspection.warnings.total or not any(message.rows for message in messages) else ""
        output.say(f"{apart}no format errors", "green")
        if any(_is_ours(message.head) for message in messages):
            output.say(NOT_JUDGED, "dim")


def _is_ours(head: dict[str, Any]) -> bool:
    """Whether a message is one that is sent to CBP."""
    return head.get("direction") == "in" or head["type"] in SENT_TO_CBP


def _count(notices: Notices, title: str) -> str:
    return f"{notices.total} {title}{'' if notices.total == 1 else 's'}"


def _show_message(output: Output, message: _Message, *, verbose: bool) -> None:
    head = message.head
    kind = f"{head['type'] or 'message'} {head.get('name', '')}".strip()
    parts = [kind]
    if head.get("sender") or head.get("receiver"):
        parts.append(f"{head.get('sender') or '?'} → {head.get('receiver') or '?'}")
    parts += [str(head["sent"])] if head.get("sent") else []
    parts += [f"control {head['control_number']}"] if head.get("control_number") else []
    parts.append(f"{message.count} {message.parts}")
    output.say("\n" + "  ".join(parts), "bold cyan")
    if message.tail.get("summary"):
        verdict = message.tail.get("verdict", "")
        style = "bold red" if verdict in BLOCKING else ("bold green" if verdict else "bold")
        output.say(str(message.tail["summary"]), style)
    if message.rows:
        output.show(_segments(message.rows) if message.parts == "segments" else _records(message.rows, verbose))
    if message.count > len(message.rows):
        output.say(f"and {message.count - len(message.rows)} more; --json has all of them", "dim")


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
            table.add_row("", "", plain(element["ref"]), plain(element["value"]), plain(meaning))
    return table


def _records(records: list[dict[str, Any]], verbose: bool) -> Table:
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
            value, text = str(one["value"]), one.get("text", "")
            if text and isinstance(one["value"], int):  # a number with the point that is not written
                value, text = text, ""
            told = one["meaning"] if verbose and one["meaning"] else text
            meaning = one["name"] + (f": {told}" if told else "")
            table.add_row("", "", f"{one['start']}-{last}", plain(value), plain(meaning))
    return table


def _show_notice(output: Output, notice: Notice) -> None:
    error = notice.shown
    place = f" at {error['position']}" if error.get("position") else ""
    path = f" ({error['path']})" if error.get("path") else ""
    output.say(f"\n{error['code']}{place}{path}: {plain(error['text'])}", "red")
    for mark in notice.marks:
        for line, style in drawn(mark):
            output.say(f"    {line}", style)
    if error.get("remedy"):
        reference = f" [{error['reference']}]" if error.get("reference") else ""
        output.say(f"    {error['remedy']}{reference}")
