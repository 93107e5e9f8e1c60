"""``gateway inspect FILE --diff OTHER``: in what do two messages differ?

Both are held whole, so that their parts can be laid side by side; each may have up to :data:`MOST_ITEMS` segments or
records. What cannot be read of either is listed under ``errors``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gateway.cli.inspect_reading import Inspection, inspected
from gateway.cli.inspect_streams import Records, Segments, Window
from gateway.cli.output import Output, make_table, plain
from schemas.catair.difference import catair_tree
from schemas.difference import Difference, Node, differences
from schemas.errors import FormatError, Problem
from schemas.profile import load_profile
from schemas.x12.difference import x12_tree

if TYPE_CHECKING:
    from rich.table import Table

_Item = TypeVar("_Item")

SHOWN: Final = 1000
MOST_ITEMS: Final = 500_000
MOST_DIFFERENCES: Final = 100_000
"""Differences of one answer; two files that differ in more have nothing to do with each other."""


def compare(output: Output, one: Window, other: Window, names: tuple[str, str], *, mask: bool, envelope: bool) -> bool:
    """Show the differences; whether there are any, or one of the files cannot be compared."""
    formats: list[Inspection] = []
    trees: list[Node | None] = []
    errors: list[dict[str, Any]] = []
    for window, name in zip((one, other), names, strict=True):
        kind = inspected(window, mask=mask)
        formats.append(kind)
        try:
            trees.append(_tree(kind, window, mask=mask))
        except FormatError as refused:
            trees.append(None)
            errors += [_refusal(problem, name) for problem in refused.problems]
    families = {each.format for each in formats}
    if not errors and len(families) > 1:
        problem = Problem("other_family", "", "One file is X12, the other CATAIR.", "Compare messages of one family.")
        errors.append(_refusal(problem, names[1]))
    found: list[Difference] = []
    if not errors:
        for each in differences(trees[0], trees[1]):
            if envelope or each.part == "message":
                found.append(each)
            if len(found) >= MOST_DIFFERENCES:
                break
    document = {"format": formats[0].format, "differences": [asdict(each) for each in found], "errors": errors}
    if output.as_json:
        output.document(document)
    else:
        _show(output, found, errors, names)
    return bool(found or errors)


def _tree(inspection: Inspection, window: Window, *, mask: bool) -> Node:
    if not inspection.recognised:
        raise FormatError([Problem("not_recognised", "", str(inspection.errors.kept[0].shown["text"]))])
    if inspection.format == "x12":
        profile = load_profile()
        segments = Segments(window, profile)
        tree = x12_tree(_bounded(segments), profile, mask=mask)
        if not tree.children:
            raise FormatError(segments.fresh(final=True))
        return tree
    steps = Records(window)
    return catair_tree(((step.batch, step.block, step.transaction, step.placed) for step in _bounded(steps)), mask=mask)


def _bounded(items: Iterable[_Item]) -> Iterator[_Item]:
    """The items of a file that is held whole."""
    for number, item in enumerate(items, start=1):
        if number > MOST_ITEMS:
            text = f"A file that is compared may have {MOST_ITEMS} segments or records."
            raise FormatError([Problem("file_too_large", "", text, "Cut it at an interchange or batch.")])
        yield item


def _refusal(problem: Problem, name: str) -> dict[str, Any]:
    return {
        "code": problem.code,
        "kind": "format",
        "position": getattr(problem, "position", ""),
        "path": name,
        "text": problem.text,
        "remedy": problem.remedy,
        "reference": problem.reference,
    }


def _show(output: Output, found: list[Difference], errors: list[dict[str, Any]], names: tuple[str, str]) -> None:
    output.say(f"{names[0]} → {names[1]}", "bold")
    output.problems(errors)
    if not found:
        if not errors:
            output.say("no differences", "green")
        return
    counts = Counter(each.change for each in found)
    told = ", ".join(f"{counts[change]} {change}" for change in ("changed", "added", "removed") if counts[change])
    output.say(f"{len(found)} {'difference' if len(found) == 1 else 'differences'}: {told}", "bold red")
    for part, title in (("message", "In the message"), ("envelope", "In the envelope")):
        rows = [each for each in found if each.part == part]
        if rows:
            output.show(_table(title, rows[:SHOWN]))
        if len(rows) > SHOWN:
            output.say(f"and {len(rows) - SHOWN} more; --json has all of them", "dim")


def _table(title: str, rows: list[Difference]) -> Table:
    table = make_table(title)
    table.add_column("", no_wrap=True)
    table.add_column("path", style="cyan")
    table.add_column("field")
    table.add_column("old → new")
    table.add_column("where", style="dim")
    signs = {"changed": ("~", "yellow"), "added": ("+", "green"), "removed": ("-", "red")}
    for each in rows:
        sign, style = signs[each.change]
        mark = plain(sign)
        mark.stylize(style)
        values = " → ".join(value for value in (each.old, each.new) if value is not None)
        where = each.position
        if each.other_position and each.other_position != where:
            where = f"{where} → {each.other_position}" if where else each.other_position
        table.add_row(mark, plain(each.path), plain(each.name), plain(values), where)
    return table
