"""``gateway submit``: how do a trip and its shipments get to a running gateway?

Everything may be run again: a trip or shipment that is there already gets the same answer, and what was
filed is not filed again. A service that is away for a moment is asked again for a bounded time.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from gateway.cli.options import DEFAULT_URL, JsonOption, KeyOption, ShipmentsFile, TripFile, UrlOption
from gateway.cli.output import Output

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.client import GatewayClient
    from schemas.intake import Row

BATCH: Final = 200
"""Shipments in one request: often enough to see progress, seldom enough to cost nothing."""

SHOWN: Final = 20
TELL: Final = 5.0
"""Seconds between two lines on the staging where there is no terminal for a bar."""


def submit(
    trip_file: TripFile,
    shipments_file: ShipmentsFile,
    file: Annotated[bool, typer.Option("--file", help="File the trip when all good shipments are staged.")] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="With --file: follow until CBP has answered.")] = True,
    timeout: Annotated[float, typer.Option(help="Seconds to follow at most.", min=1, max=86_400)] = 900.0,
    retry: Annotated[
        float, typer.Option(help="Seconds for which a gateway that is away is asked again.", min=0, max=3600)
    ] = 60.0,
    url: UrlOption = DEFAULT_URL,
    key: KeyOption = None,
    as_json: JsonOption = False,
) -> None:
    """Stage a trip with its shipments on a running gateway; with --file, file it and follow CBP's answers.

    A shipment that is refused never stops the others; the exit status is 1 then.

    Example: gateway submit trip.json shipments.ndjson --file
    """
    from gateway.cli import interrupts
    from gateway.cli.access import client_for
    from gateway.cli.reading import read_trip_file

    output = Output(as_json)
    _, raw = read_trip_file(trip_file)
    size = max(shipments_file.stat().st_size // 1024, 1)
    client = client_for(output, url, key, retry_seconds=retry)
    document = interrupts.run(_submit(output, client, raw, shipments_file, size, file=file, wait=wait, timeout=timeout))
    if as_json:
        output.document(document)
    board = document.get("board") or {}
    from gateway.cli.follow import refusals

    raise typer.Exit(1 if document["refused"] or document.get("timed_out") or refusals(board) else 0)


async def _submit(
    output: Output,
    client: GatewayClient,
    raw: dict[str, Any],
    shipments_file: Path,
    size: int,
    *,
    file: bool,
    wait: bool,
    timeout: float,  # noqa: ASYNC109 - following ends quietly, with what is known
) -> dict[str, Any]:
    import asyncio

    from gateway.cli.follow import follow, show_board

    number = str(raw["trip_number"])
    async with client:
        receipt = await client.put_trip(raw)
        before = {} if receipt["created"] else await client.board(number)
        filed_at = before.get("filed_at_local")
        try:
            document = await _stage(output, client, number, shipments_file, size, filed=filed_at is not None)
        except asyncio.CancelledError:
            output.note(
                f"Interrupted. Nothing has been filed by this command; run it again to stage the rest of {number}."
            )
            raise
        warned = [{"of": "trip", "code": one["code"], "count": 1, "text": one["text"]} for one in receipt["warnings"]]
        document = {"trip": receipt, **document, "warnings": [*warned, *document["warnings"]]}
        _show_staged(output, number, document, filed_at)
        if not file:
            if not output.as_json and document["staged"] and filed_at is None:
                output.say("Nothing has been sent to CBP; file it with --file.", "dim")
            return document
        try:
            document["filing"] = await client.file_trip(number)
        except asyncio.CancelledError:
            output.note(
                f"Interrupted while the filing was asked for; whether it was is seen with: gateway trip {number}"
            )
            raise
        if wait:
            document["board"], document["timed_out"] = await follow(output, client, number, timeout)
            # the refused rows were shown with their lines when they were sent
            known = document["board"].get("refused_rows", {}).get("count", 0)
            rows = {"count": max(known, len(document["refused"])), "rows": []}
            show_board(output, {**document["board"], "refused_rows": rows})
            if document["timed_out"]:
                output.say(f"Not everything was answered within {timeout:.0f} seconds; see `gateway trip {number}`.")
        else:
            output.say(f"{'See' if filed_at else f'Filing {number}; see'} `gateway trip {number}`.")
    return document


async def _stage(
    output: Output, client: GatewayClient, number: str, path: Path, size: int, *, filed: bool
) -> dict[str, Any]:
    from gateway.cli.reading import checked_rows, refused_row

    staged, notes = 0, 0
    refused: list[dict[str, Any]] = []
    by_pathway: dict[str, int] = {}
    warned: dict[str, dict[str, Any]] = {}
    with output.progress() as bars:
        reading = bars.add_task("read (kB)", total=size)
        sending = bars.add_task("staged", total=None)
        read, last_told = 0, time.monotonic()

        def advance(piece: int) -> None:
            nonlocal read
            read += piece
            bars.update(reading, completed=read // 1024)

        for rows in _batches(checked_rows(path, advance)):
            sent = [row for row in rows if row.shipment is not None or (not filed and _to_be_noted(row))]
            refused += [refused_row(row) for row in rows if row.shipment is None and row not in sent]
            answers = await client.stage(number, [row.raw or {} for row in sent]) if sent else []
            for row, answer in zip(sent, answers, strict=True):
                if answer["state"] == "refused":
                    told = refused_row(row) if row.shipment is None else answer
                    refused.append({**told, "index": row.index, "line": row.line_number})
                    continue
                staged += 1
                notes += len(answer.get("notes", ()))
                for code, text in {one["code"]: one["text"] for one in answer.get("warnings", ())}.items():
                    warned.setdefault(code, {"of": "shipments", "code": code, "count": 0, "text": text})["count"] += 1
                by_pathway[answer["pathway"]] = by_pathway.get(answer["pathway"], 0) + 1
            bars.update(sending, completed=staged + len(refused))
            if not output.errors.is_terminal and time.monotonic() - last_told >= TELL:
                last_told = time.monotonic()
                output.note(f"{staged} shipments staged, {len(refused)} refused")
        bars.update(sending, total=max(staged + len(refused), 1))
        bars.update(reading, completed=size)
    refused.sort(key=lambda row: (row["line"], row["index"]))
    warnings = list(warned.values())
    return {"staged": staged, "pathways": by_pathway, "notes": notes, "warnings": warnings, "refused": refused}


def _to_be_noted(row: Row) -> bool:
    """Whether a bad row is sent all the same: refused there too, it stands on the board for whoever loads the truck.

    Not one that is bad only beside others (its id stands twice, its lines contradict each other): alone it would pass.
    """
    from schemas.shipment import check_shipment

    return row.raw is not None and check_shipment(row.raw)[0] is None


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _show_staged(output: Output, number: str, document: dict[str, Any], filed_at: str | None) -> None:
    from gateway.cli.output import make_table
    from gateway.cli.reading import row_problems

    title = f"{document['staged']} shipments staged, {len(document['refused'])} refused"
    if filed_at is not None:
        at = filed_at[:16].replace("T", " ")
        title = f"filed before, at {at} (port's clock); its {document['staged']} shipments are not staged again"
    table = make_table(f"Trip {number}: {title}")
    table.add_column("pathway")
    table.add_column("shipments", justify="right")
    for pathway, count in sorted(document["pathways"].items()):
        table.add_row(pathway, str(count))
    output.show(table)
    for one in document["warnings"]:
        times = "" if one["of"] == "trip" else f", {one['count']} shipment{'' if one['count'] == 1 else 's'}"
        output.say(f"warning {one['code']} ({one['of'] if not times else times[2:]}): {one['text']}", "yellow")
    refused = document["refused"]
    if refused:
        output.problems(row_problems(refused[:SHOWN]), "Refused rows")
        if len(refused) > SHOWN:
            output.say(f"and {len(refused) - SHOWN} more rows; --json has all of them", "dim")
