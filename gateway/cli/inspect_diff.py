"""``gateway inspect FILE --diff OTHER``: in what do two messages differ?

Both are held whole, so that their parts can be laid side by side; each may have up to :data:`MOST_ITEMS` segments or
records. What cannot be read of either, and what is wrong with its bytes, is listed under ``errors`` with its ``file``:
the differences of a file that was cut off are those of the damage.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

from gateway.cli.inspect_reading import Inspection, inspected
from gateway.cli.inspect_streams import Records, Segments, Window
from gateway.cli.inspect_words import counted
from gateway.cli.output import Output, make_table, plain
from schemas.catair.describe import describe_problem
from schemas.catair.difference import catair_tree
from schemas.difference import Difference, Node, differences
from schemas.errors import FormatError, Problem
from schemas.personal import without_quotes
from schemas.profile import load_profile
from schemas.x12.describe import Describer
from schemas.x12.difference import x12_tree

if TYPE_CHECKING:
    from rich.table import Table

_Item = TypeVar("_Item")
_Fault = TypeVar("_Fault", bound=Problem)

SHOWN: Final = 1000
MOST_ITEMS: Final = 500_000
MOST_FAULTS: Final = 1000
"""Faults in the bytes of one file that are listed."""
MOST_DIFFERENCES: Final = 100_000
"""Differences of one answer; two files that differ in more have nothing to do with each other."""


def compare(output: Output, one: Window, other: Window, names: tuple[str, str], *, mask: bool, envelope: bool) -> bool:
    """Show the differences; whether there are any, or one of the files cannot be compared."""
    formats: list[Inspection] = []
    trees: list[Node | None] = []
    wrong: tuple[list[dict[str, Any]], list[dict[str, Any]]] = ([], [])
    for window, name, errors in zip((one, other), names, wrong, strict=True):
        kind = inspected(window, mask=mask)
        formats.append(kind)
        try:
            tree, faults = _tree(kind, window, mask=mask)
            trees.append(tree)
            errors += [{**one, "file": name} for one in faults]
        except FormatError as refused:
            trees.append(None)
            errors += [_refusal(problem, name) for problem in refused.problems]
    families = {each.format for each in formats}
    refused_whole = None in trees
    if not refused_whole and len(families) > 1:
        refused_whole = True
        problem = Problem("other_family", "", "One file is X12, the other CATAIR.", "Compare messages of one family.")
        wrong[1].append(_refusal(problem, names[1]))
    found: list[Difference] = []
    if not refused_whole:
        for each in differences(trees[0], trees[1]):
            if envelope or each.part == "message":
                found.append(each)
            if len(found) >= MOST_DIFFERENCES:
                break
    document = {
        "format": formats[0].format,
        "differences": [asdict(each) for each in found],
        "errors": [*wrong[0], *wrong[1]],
    }
    if output.as_json:
        output.document(document)
    else:
        _show(output, found, wrong, names, compared=not refused_whole)
    return bool(found or wrong[0] or wrong[1])


def _tree(inspection: Inspection, window: Window, *, mask: bool) -> tuple[Node, list[dict[str, Any]]]:
    """The tree of a file, and what is wrong with its bytes."""
    if not inspection.recognised:
        told = inspection.errors.kept[0].shown
        raise FormatError([Problem(str(told["code"]), "", str(told["text"]), str(told["remedy"]))])
    if inspection.format == "x12":
        profile = load_profile()
        segments = Segments(window, profile)
        tree = x12_tree(_bounded(segments), profile, mask=mask)
        if not tree.children:
            raise FormatError(segments.fresh(final=True))
        describer = Describer(profile, mask=mask)
        return tree, [_masked(describer.problem(one), mask=mask) for one in _errors(segments.fresh(final=True))]
    steps = Records(window, mask=mask)
    tree = catair_tree(((step.batch, step.block, step.transaction, step.placed) for step in _bounded(steps)), mask=mask)
    return tree, [_masked(describe_problem(one, mask=mask), mask=mask) for one in _errors(steps.problems)]


def _masked(shown: dict[str, Any], *, mask: bool) -> dict[str, Any]:
    """An error whose segment or record is not at hand any more: whatever it quotes is hidden."""
    return {**shown, "text": without_quotes(shown["text"])} if mask else shown


def _errors(problems: Iterable[_Fault]) -> Iterator[_Fault]:
    return islice((one for one in problems if one.severity == "error"), MOST_FAULTS)


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
        "file": name,
    }


def _show(
    output: Output,
    found: list[Difference],
    wrong: Sequence[list[dict[str, Any]]],
    names: tuple[str, str],
    *,
    compared: bool,
) -> None:
    output.say(f"{names[0]} → {names[1]}", "bold")
    for name, title, errors in zip(names, ("OLD", "NEW"), wrong, strict=True):
        if errors and compared:
            output.say(f"{title} is damaged: {counted(len(errors), 'format error')} in {name}", "bold red")
    for title, errors in zip(("OLD", "NEW"), wrong, strict=True):
        output.problems(errors, f"What is wrong with {title}")
    if not found:
        if not any(wrong):
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
        table.add_row(mark, plain(each.path), plain(each.name), plain(values), plain(where))
    return table
