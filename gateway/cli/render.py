"""``gateway render``: the exact messages that would be sent for a trip, one file each. Sends nothing.

The files name people and the entry batches carry the communication password: they are written for their
owner alone (mode 0600). A folder that holds anything but an earlier rendering is not written into.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.options import ArrivalOption, ConfigOption, JsonOption, ShipmentsFile, TripFile
from gateway.cli.output import Output, make_table, plain, to_json
from schemas.errors import Conflict, Problem

if TYPE_CHECKING:
    from gateway.cli.rendering import Rendering

INDEX: Final = "index.json"
SHOWN: Final = 30


def render(
    trip_file: TripFile,
    shipments_file: ShipmentsFile,
    out: Annotated[Path, typer.Option("--out", help="Folder for the files.", file_okay=False, metavar="DIR")],
    arrival: ArrivalOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the exact messages that would be sent: 309, entries, handoff packages, index.json. Sends nothing.

    Control numbers begin at 1; the running gateway draws the next ones of its ledger.

    Example: gateway render trip.json shipments.ndjson --out var/render
    """
    from collections import Counter
    from datetime import UTC, datetime

    from gateway.cli.reading import read_all, read_arrival, read_trip_file, row_problems
    from gateway.cli.rendering import Renderer
    from gateway.filing_context import context_of
    from gateway.settings import load_settings

    output = Output(as_json)
    trip, _ = read_trip_file(trip_file)
    instant = read_arrival(arrival, trip.arrival)
    settings = load_settings(config)
    context = context_of(settings)
    _prepare(out)
    files: list[dict[str, Any]] = []
    with output.progress() as bars:
        task = bars.add_task("read", total=None)
        read = read_all(shipments_file)
        bars.update(task, description="rendered", total=len(read.shipments))
        renderer = Renderer(trip, instant, context, datetime.now(UTC))
        for file in renderer.run(read.shipments, lambda: bars.advance(task)):
            _write(out / file.name, file.content)
            files.append(file.as_dict())
    result = renderer.result
    index: dict[str, Any] = {
        "trip_number": trip.trip_number,
        "arrival": instant,
        "made_at": renderer.made_at,
        "rule_book": renderer.rules.version,
        "profile": settings.profile,
        "numbers": "control, entry and shipment control numbers stand in for those of the ledger and begin at 1",
        "pathways": dict(Counter(decision.pathway for decision in result.decisions)),
        "files": files,
        "review": result.review,
        "notes": result.notes(),
        "warnings": read.warned_rows(),
        "trip_warnings": list(result.remarks),
        "errors": [*read.bad_rows(), *result.unfit],
    }
    _write(out / INDEX, to_json(index) + b"\n")
    if as_json:
        output.document(index | {"out": out})
    else:
        _show(output, out, index, result)
        output.problems(result.remarks, "About the trip")
        if stopping := [one.code for one in result.remarks if one.severity == "error"]:
            output.say(f"The trip would be refused when it is filed: {', '.join(stopping)}.", "bold red")
        output.problems(row_problems(read.warned_rows()), "Warnings")
        output.problems(row_problems(index["errors"]), "Not rendered")
    raise typer.Exit(1 if index["errors"] else 0)


def _prepare(out: Path) -> None:
    """Make the folder, or clear it of an earlier rendering. Raises :class:`Conflict` when it holds anything else."""
    import orjson

    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    there = {path.name for path in out.iterdir()}
    if not there:
        return
    ours = {INDEX}
    try:
        ours |= {str(row["file"]) for row in orjson.loads((out / INDEX).read_bytes())["files"]}
    except (OSError, orjson.JSONDecodeError, KeyError, TypeError):
        ours = set()
    if not there <= ours:
        text = f"The folder {out} holds other files than an earlier rendering."
        raise Conflict(Problem("folder_not_empty", "--out", text, "Name an empty or new folder."))
    for name in there:
        (out / name).unlink()


def _write(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def _show(output: Output, out: Path, index: dict[str, Any], result: Rendering) -> None:
    table = make_table(f"Trip {index['trip_number']}: {len(index['files'])} files in {out}")
    table.add_column("file")
    table.add_column("type")
    table.add_column("shipments", justify="right")
    table.add_column("bytes", justify="right")
    for row in index["files"][:SHOWN]:
        table.add_row(plain(row["file"]), row["type"], str(row["shipments"]), f"{row['bytes']:,}")
    output.show(table)
    if len(index["files"]) > SHOWN:
        output.say(f"and {len(index['files']) - SHOWN} more, listed in {INDEX}", "dim")
    pathways = ", ".join(f"{name} {count}" for name, count in sorted(index["pathways"].items()))
    output.say(f"Pathways: {pathways or 'none'}")
    if result.review:
        some = len(result.review)
        what = (
            "shipment is for a broker's review and stands"
            if some == 1
            else "shipments are for a broker's review and stand"
        )
        output.say(f"{some} {what} in no message.", "yellow")
    _show_notes(output, index["notes"])
    if index["files"]:
        output.say(f"Look into one with: gateway inspect {out / index['files'][0]['file']}", "dim")


def _show_notes(output: Output, notes: list[dict[str, str]]) -> None:
    """What is said otherwise than given, value by value."""
    if not notes:
        return
    table = make_table(f"{len(notes)} {'value is' if len(notes) == 1 else 'values are'} said otherwise than given")
    table.add_column("shipment", style="dim")
    table.add_column("path", style="cyan")
    table.add_column("given")
    table.add_column("written")
    table.add_column("why", ratio=1)
    for note in notes[:SHOWN]:
        why = f"{note['kind']}: {note['text']}"
        cells = (note.get("shipment_id", ""), note["path"], note.get("before", ""), note.get("after", ""), why)
        table.add_row(*(plain(cell) for cell in cells))
    output.show(table)
    if len(notes) > SHOWN:
        output.say(f"and {len(notes) - SHOWN} more, listed in {INDEX}", "dim")
