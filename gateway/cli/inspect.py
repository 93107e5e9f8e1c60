"""``gateway inspect``: what does this file of bytes say, what is wrong with it, and how does it differ from another?

The parts: :mod:`~gateway.cli.inspect_reading` (what is in the bytes), :mod:`~gateway.cli.inspect_answers` (what a
message from CBP refuses or holds), :mod:`~gateway.cli.inspect_places` (carets), :mod:`~gateway.cli.inspect_view`
(tables and the document), :mod:`~gateway.cli.inspect_diff` (two files field by field).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any

import typer

from gateway.cli.options import JsonOption
from gateway.cli.output import Output


def inspect(
    file: Annotated[
        Path,
        typer.Argument(
            help="A file of X12 or CATAIR; - reads standard input.",
            metavar="FILE",
        ),
    ],
    mask: Annotated[
        bool,
        typer.Option("--mask", help="Hide personal data: names, addresses, numbers of documents, plates."),
    ] = False,
    diff: Annotated[
        Path | None,
        typer.Option(
            "--diff",
            help="Compare with this file field by field; the exit status is 0 when both say the same, 1 when not.",
            metavar="OTHER",
        ),
    ] = None,
    ignore_envelope: Annotated[
        bool, typer.Option("--ignore-envelope", help="With --diff: leave out control numbers, times and counts.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Describe every field of a record, not only what explains its value.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Read any X12 or CATAIR file: envelope, segments or records, fields with names, errors with positions.

    Errors are of two kinds: the bytes are wrong (format), or the message itself tells of a refusal or a hold (answer).
    With either the exit status is 1.

    Example: gateway inspect var/render/309-SFIC2503100001-001.x12

    Example: gateway inspect --mask --diff yesterday.x12 today.x12
    """
    from gateway.cli.inspect_reading import inspected
    from gateway.cli.inspect_streams import Window
    from gateway.cli.inspect_view import show, write_document

    output = Output(as_json)
    if ignore_envelope and diff is None:
        raise typer.BadParameter("it needs --diff", param_hint="--ignore-envelope")
    if str(file) == "-" and str(diff) == "-":
        raise typer.BadParameter("standard input can be read once; give a file for one of both", param_hint="--diff")
    if diff is not None:
        from gateway.cli.inspect_diff import compare

        with _opened(file) as one, _opened(diff, "--diff") as other:
            different = compare(
                output, Window(one), Window(other), (str(file), str(diff)), mask=mask, envelope=not ignore_envelope
            )
        raise typer.Exit(1 if different else 0)
    with _opened(file) as source:
        window = Window(source)
        inspection = inspected(window, mask=mask)
        if as_json:
            write_document(inspection)
        else:
            name = "standard input" if str(file) == "-" else str(file)
            show(output, inspection, lambda: window.size, name, verbose=verbose)
    raise typer.Exit(1 if inspection.errors.total else 0)


@contextmanager
def _opened(file: Path, hint: str = "FILE") -> Iterator[IO[bytes]]:
    """The bytes of a file, or of standard input, which stays open."""
    if str(file) == "-":
        yield sys.stdin.buffer
        return
    if file.is_dir():
        raise typer.BadParameter(f"{str(file)!r} is a directory; give one file of it", param_hint=hint)
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {str(file)!r}", param_hint=hint)
    with file.open("rb") as source:
        yield source


def inspection_of(data: bytes, *, mask: bool = False) -> dict[str, Any]:
    """The document of ``--json`` for any bytes."""
    from gateway.cli.inspect_reading import inspected
    from gateway.cli.inspect_streams import Window
    from gateway.cli.inspect_view import document_of

    return document_of(inspected(Window(io.BytesIO(data)), mask=mask))
