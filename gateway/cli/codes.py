"""``gateway codes``: which code lists are there, what does a list hold, and what does a code mean?"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.options import JsonOption
from gateway.cli.output import Output, make_table, plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.code_views import View
    from schemas.catair.codes import Code


def codes(
    name: Annotated[
        str | None, typer.Argument(help="A code list; without it every list is shown.", metavar="LIST")
    ] = None,
    code: Annotated[
        str | None, typer.Argument(help="A code of that list; without it all of them are shown.", metavar="CODE")
    ] = None,
    on: Annotated[
        datetime | None,
        typer.Option("--on", help="Only what is in force on this day.", metavar="DATE", formats=["%Y-%m-%d"]),
    ] = None,
    words: Annotated[
        str | None,
        typer.Option(
            "--search", help="Lists and codes with all these words, in every list or in LIST.", metavar="WORDS"
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what the codes in CBP's messages mean, from which document, of which date, and how sure that is.

    Lists of X12 and of the truck profile begin with x12.; all others are CATAIR's. The exit status is 1 for a list or
    code that is not there, or not in force on the day.

    Example: gateway codes entry_dispositions 98

    Example: gateway codes ace_conditions --on 2026-11-23

    Example: gateway codes --search "bill on file"
    """
    from gateway.code_views import code_document, code_in, search, view, views

    if words is not None and (code is not None or not words.split()):
        raise typer.BadParameter("give words to look for, and no CODE with them", param_hint="--search")
    output = Output(as_json)
    day = on.date() if on else None
    of = view(name) if name is not None else None
    if words is not None:
        lists, found = search(words, of, day)
        if as_json:
            rows = [{"list": one.name, "family": one.family} | code_document(each) for one, each in found]
            output.document({"lists": [one.as_dict(day) for one in lists], "codes": rows})
        else:
            _show_found(output, lists, found, day)
        raise typer.Exit(0 if lists or found else 1)
    if of is None:
        every = list(views().values())
        if as_json:
            output.document({"lists": [one.as_dict(day) for one in every]})
        else:
            _show_lists(output, every, day)
        return
    if code is None:
        standing = of.standing(day)
        if as_json:
            output.document({"list": of.as_dict(day), "codes": [code_document(one) for one in standing]})
        else:
            _show_list(output, of, standing, day)
        return
    one = code_in(of, code, day)
    if as_json:
        output.document({"list": of.as_dict(day), "code": code_document(one)})
    else:
        _show_code(output, of, one)


def _show_lists(output: Output, lists: Iterable[View], on: date | None) -> None:
    """A table for each family: they are not each other's."""
    from gateway.code_views import CATAIR

    by_family: dict[str, list[View]] = {}
    for one in lists:
        by_family.setdefault(one.family, []).append(one)
    for family, each in by_family.items():
        table = make_table(f"{family}: {len(each)} {'list' if len(each) == 1 else 'lists'}")
        table.add_column("list", style="cyan", no_wrap=True)
        table.add_column("meaning", ratio=1)
        if family == CATAIR:
            table.add_column("version", max_width=12)
            table.add_column("as of", no_wrap=True)
        table.add_column("codes", justify="right")
        table.add_column("mark")
        for one in each:
            edition = [one.version, str(one.as_of)] if family == CATAIR else []
            cells = [one.name, one.title, *edition, str(len(one.standing(on))), one.mark]
            table.add_row(*(plain(cell) for cell in cells))
        output.show(table)


def _show_list(output: Output, of: View, standing: list[Code], on: date | None) -> None:
    from gateway.code_views import CATAIR, days_of

    _head(output, of)
    severe, read = any(one.severity for one in standing), any(one.reading for one in standing)
    dated = any(one.valid_from or one.valid_to for one in standing)
    table = make_table()
    table.add_column("code", style="cyan", no_wrap=True)
    table.add_column("text", ratio=1)
    for there, heading in ((severe, "severity"), (read, "read as"), (dated, "in force")):
        if there:
            table.add_column(heading)
    table.add_column("mark")
    for one in standing:
        days = days_of(one) if one.valid_from or one.valid_to else ""
        more = [(severe, one.severity), (read, one.reading.replace("_", " ")), (dated, days)]
        cells = [one.code, one.text, *(value for there, value in more if there), one.mark]
        table.add_row(*(plain(cell) for cell in cells))
    if standing:
        output.show(table)
    hidden = len(of.codes) - len(standing)
    day = f" on {on}" if on and of.family == CATAIR else ""
    output.say(f"{_counted(len(standing), 'code')}{day}" + (f"; {hidden} more on other days" if hidden else ""))


def _head(output: Output, of: View) -> None:
    output.say(f"{of.name}  {of.title} ({of.family})", "bold")
    edition = f"version {of.version}, as of {of.as_of}; " if of.as_of else ""
    output.say(f"{edition}{of.source}", "dim")


def _show_code(output: Output, of: View, one: Code) -> None:
    from gateway.code_views import MARKS, days_of

    table = make_table(f"{of.name} {one.code}")
    table.add_column("", style="dim", no_wrap=True)
    table.add_column("", ratio=1)
    table.show_header = False
    edition = f", version {of.version} as of {of.as_of}" if of.as_of else ""
    rows = {
        "text": one.text,
        "read as": one.reading.replace("_", " "),
        "severity": one.severity,
        "in force": days_of(one),
        "list": f"{of.title} ({of.family}{edition})",
        "source": one.source,
        "last changed": str(one.updated) if one.updated else "",
        "mark": f"{one.mark}: {MARKS[one.mark]}",
        "note": one.note,
    }
    for label, value in rows.items():
        if value:
            table.add_row(label, plain(value))
    output.show(table)


def _show_found(output: Output, lists: list[View], found: list[tuple[View, Code]], on: date | None) -> None:
    if lists:
        _show_lists(output, lists, on)
    if found:
        table = make_table(_counted(len(found), "code"))
        table.add_column("list", style="cyan", no_wrap=True)
        table.add_column("code", style="cyan", no_wrap=True)
        table.add_column("text", ratio=1)
        table.add_column("mark")
        for of, one in found:
            table.add_row(*(plain(cell) for cell in (of.name, one.code, one.text, one.mark)))
        output.show(table)
    if not lists and not found:
        output.say("No list and no code has these words.")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"
