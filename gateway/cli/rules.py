"""``gateway rules``: which law is applied, from when, by which citation, and what changes between two days?

Shows the book in force for this filer: the delivered rows, its own stricter ones, and the severities of advice.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gateway.cli.options import ConfigOption, JsonOption
from gateway.cli.output import Output, make_table, plain
from gateway.cli.rule_books import book as show_kept_book
from gateway.rule_book import before_the_book

if TYPE_CHECKING:
    from datetime import datetime

    from mappings.preflight_data import Check
    from mappings.rule import Rule
    from mappings.rulebook import RuleBook

app = typer.Typer(
    help="The rule book: list, show, compare, check.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
Moment = Annotated[
    str, typer.Argument(help="A day (2026-11-23, at 16:30) or an instant, Eastern time.", metavar="DATE")
]
app.command(name="book")(show_kept_book)
STYLES = {"deny": "red", "threshold": "red", "allow": "green", "require": "yellow", "warn": "yellow", "waiver": "green"}
STATUS_STYLES = {"unsure": "bold yellow", "recalled": "dim", "verified": "green"}


@app.command(name="list")
def list_(
    on: Annotated[
        str | None, typer.Option("--on", help="Only what is in force then; default: every row.", metavar="DATE")
    ] = None,
    pathway: Annotated[str | None, typer.Option("--pathway", help="Only rows about this pathway.")] = None,
    status: Annotated[
        str | None, typer.Option("--status", help="Only rows that are verified, recalled, unsure.")
    ] = None,
    advice: Annotated[bool, typer.Option("--advice", help="The advisory checks and their severity instead.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the rows of the rule book, with their periods and citations.

    Example: gateway rules list --on 2026-11-23 --pathway section321
    """
    from mappings.rule import STATUSES
    from schemas.shipment import PATHWAYS

    output, book = Output(as_json), _book(config)
    for given, known, name in ((pathway, PATHWAYS, "--pathway"), (status, STATUSES, "--status")):
        if given is not None and given not in known:
            raise typer.BadParameter(f"{given!r} is not one of {', '.join(known)}.", param_hint=name)
    if advice:
        _list_advice(output, book)
        return
    instant = None if on is None else _instant(on, "--on")
    rows = [
        rule
        for rule in book.rows
        if (instant is None or rule.in_force(instant))
        and (pathway is None or pathway in rule.pathways)
        and (status is None or rule.status == status)
    ]
    if as_json:
        output.document({"rule_book": book.version, "on": instant, "rules": [rule_row(rule, book) for rule in rows]})
        return
    if instant is not None:
        _say_if_before(output, book, instant)
    when = f"in force on {on}" if on else "of every day"
    table = make_table(f"{len(rows)} rows {when}, rule book {book.version}")
    table.add_column("rule", no_wrap=True)
    table.add_column("kind")
    table.add_column("pathways")
    table.add_column("in force")
    table.add_column("status")
    table.add_column("citation", ratio=1)
    for rule in rows:
        name = plain(rule.id)
        if rule.id in book.own_ids:
            name.append(" (own)", style="cyan")
        table.add_row(
            name,
            _styled(rule.kind, STYLES),
            ", ".join(rule.pathways),
            _period(rule),
            _styled(rule.status, STATUS_STYLES),
            plain(rule.citation),
        )
    output.show(table)


@app.command()
def show(
    rule_id: Annotated[
        str, typer.Argument(help="Id of a row or of an advisory check, or the code of a warning.", metavar="ID")
    ],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one row in full, in all its periods, one advisory check with its severity, or all that give a warning.

    Example: gateway rules show deny-all-countries-eo14324
    """
    from mappings.decision_words import WARNINGS
    from mappings.preflight_trip import what_error_does
    from mappings.rule_page import row_text
    from schemas.errors import NotFound, Problem

    output, book = Output(as_json), _book(config)
    every = book.advice.preflight.checks
    rows = [rule for rule in book.rows if rule.id == rule_id]
    checks = [one for one in every.values() if one.id == rule_id]
    if not rows and not checks:
        rows = [rule for rule in book.rows if rule.code == rule_id]
        checks = [one for one in every.values() if one.code == rule_id]
        if rule_id == "unsure_rule":
            rows = [rule for rule in book.rows if rule.status == "unsure"]
    meaning = WARNINGS.get(rule_id, "")
    if not rows and not checks and not meaning:
        words = f"The rule book has no row, advisory check or warning {rule_id!r}."
        raise NotFound(Problem("unknown_rule", "ID", words, _meant(rule_id, book)))
    if as_json:
        found: dict[str, Any] = {"rule_book": book.version, "rules": [rule_row(rule, book, full=True) for rule in rows]}
        if len(checks) == 1:
            found["check"] = check_row(checks[0], book)
        if checks:
            found["checks"] = [check_row(one, book) for one in checks]
        if meaning:
            found["meaning"] = meaning
        output.document(found)
        return
    if meaning:
        output.say(meaning)
    for rule in rows:
        output.say(f"{rule.id}{' (own row of this filer)' if rule.id in book.own_ids else ''}", "bold")
        for line in row_text(rule):
            output.say(line)
        if rule.kind == "warn":
            output.say(f"- severity: {book.advice.severity(rule.id)}")
    for check in checks:
        output.say(check.id, "bold")
        output.say(check.text)
        output.say(f"- about: a {check.about}; status: {check.status}")
        output.say(f"- severity: {book.advice.severity(check.id)} (usually {check.severity})")
        output.say(f"- set to error: {what_error_does(check.id, check.about)}")
        output.say(f"- remedy: {check.remedy}")
        output.say(f"- citation: {check.citation}")


@app.command()
def diff(earlier: Moment, later: Moment, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show what begins, ends and changes in the law between two instants.

    Example: gateway rules diff 2025-08-28 2025-08-29
    """
    from mappings.rule_changes import changes_between, minute, pathways_between

    output, book = Output(as_json), _book(config)
    given = (_instant(earlier, "DATE"), _instant(later, "DATE"))
    first, second = sorted(given)
    turned = first != given[0]
    changes = changes_between(book.rows, first, second)
    pathways = pathways_between(book.rows, first, second)
    if as_json:
        listed = [change.as_dict() for change in changes]
        output.document(
            {
                "rule_book": book.version,
                "from": first,
                "to": second,
                "turned": turned,
                "pathways": pathways,
                "changes": listed,
            }
        )
        return
    output.say(f"From {minute(first)} to {minute(second)} Eastern time, rule book {book.version}", "bold")
    if turned:
        output.say("Given from the later to the earlier time; told in the order of time.", "yellow")
    _say_if_before(output, book, first)
    if not changes:
        output.say("The law is the same at both times.")
        return
    for sentence in pathways:
        output.say(sentence, "bold yellow")
    if not pathways:
        output.say("No pathway opens or closes for all goods.")
    table = make_table()
    table.add_column("change", no_wrap=True)
    table.add_column("rule", style="cyan")
    table.add_column("what", ratio=2)
    table.add_column("status", no_wrap=True)
    table.add_column("citation", style="dim", ratio=1)
    for change in changes:
        rule = change.rule
        cells = (plain(rule.id), plain(change.text), _styled(rule.status, STATUS_STYLES), plain(rule.citation))
        table.add_row(change.what, *cells)
    output.show(table)


@app.command()
def check(
    folder: Annotated[
        Path | None,
        typer.Argument(help="Folder of rule files instead of the delivered ones.", metavar="FOLDER", file_okay=False),
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check the form of every row, gaps, overlaps and the filer's own rows; exit status 1 if the book has faults.

    Example: gateway rules check
    """
    from datetime import UTC, datetime

    from gateway.rule_book import load_book
    from gateway.settings import load_settings
    from mappings.rule_checks import overlapping_denials
    from schemas.errors import FormatError

    output = Output(as_json)
    try:
        book = load_book(load_settings(config), folder)
    except FormatError as error:
        if as_json:
            output.document({"errors": [problem.as_dict() for problem in error.problems]})
        else:
            output.problems(error.problems, "The rule book has faults")
        raise typer.Exit(1) from None
    together = overlapping_denials(book.rows, datetime.now(UTC))
    unsure = [rule.id for rule in book.rows if rule.status == "unsure"]
    if as_json:
        output.document(
            {
                "rule_book": book.version,
                "rows": len(book.rows),
                "own": sorted(book.own_ids),
                "severity": dict(book.advice.chosen),
                "checks": len(book.advice.preflight.checks),
                "unsure": unsure,
                "overlapping_denials": {pathway: list(ids) for pathway, ids in together.items()},
                "warnings": [problem.as_dict() for problem in book.warnings],
                "errors": [],
            }
        )
        return
    output.problems(book.warnings, "What is odd")
    checks = len(book.advice.preflight.checks)
    output.say(f"{len(book.rows)} rows and {checks} advisory checks are well formed, version {book.version}")
    if book.own_ids:
        output.say(f"Rows of this filer: {', '.join(sorted(book.own_ids))}")
    for one, severity in book.advice.chosen:
        output.say(f"Severity of {one}: {severity}")
    output.say(f"Not confirmed: {', '.join(unsure) or 'none'}")
    for pathway, ids in together.items():
        output.say(f"Denials of {pathway} that overlap today, each of which closes it alone: {', '.join(ids)}")


def rule_row(rule: Rule, book: RuleBook, *, full: bool = False) -> dict[str, Any]:
    """A row in the shape of ``--json``: all of it, or what a list shows."""
    row: dict[str, Any] = {
        "id": rule.id,
        "kind": rule.kind,
        "pathways": list(rule.pathways),
        "valid_from": rule.eastern_from,
        "valid_to": rule.eastern_to,
        "status": rule.status,
        "citation": rule.citation,
        "text": rule.text,
        "own": rule.id in book.own_ids,
    }
    if full:
        whole = rule.as_dict()
        row |= {name: value for name, value in whole.items() if name not in row and value not in ("", [], None)}
    if rule.kind == "warn":
        row["severity"] = book.advice.severity(rule.id)
    return row


def check_row(check: Check, book: RuleBook) -> dict[str, Any]:
    """An advisory check in the shape of ``--json``."""
    return {
        "id": check.id,
        "about": check.about,
        "severity": book.advice.severity(check.id),
        "usual_severity": check.severity,
        "code": check.code,
        "text": check.text,
        "remedy": check.remedy,
        "citation": check.citation,
        "status": check.status,
    }


def _list_advice(output: Output, book: RuleBook) -> None:
    checks = [check_row(one, book) for one in book.advice.preflight.checks.values()]
    warns = [rule for rule in book.rows if rule.kind == "warn"]
    if output.as_json:
        rows = [rule_row(rule, book) for rule in warns]
        output.document({"rule_book": book.version, "checks": checks, "rules": rows})
        return
    table = make_table(f"Advisory checks, rule book {book.version}")
    table.add_column("id", no_wrap=True)
    table.add_column("about")
    table.add_column("severity")
    table.add_column("what it says", ratio=1)
    for one in checks:
        table.add_row(plain(one["id"]), one["about"], one["severity"], plain(one["text"]))
    for rule in warns:
        table.add_row(plain(rule.id), "shipment", book.advice.severity(rule.id), plain(rule.text))
    output.show(table)


def _meant(given: str, book: RuleBook) -> str:
    """What to write instead of a name that nothing has; hyphens and underscores count alike."""
    import difflib

    from mappings.decision_words import WARNINGS

    checks = book.advice.preflight.checks.values()
    ids = [*(rule.id for rule in book.rows), *(one.id for one in checks)]
    codes = [*(rule.code for rule in book.rows if rule.code), *(one.code for one in checks), *WARNINGS]
    alike: dict[str, list[str]] = {}
    for name in dict.fromkeys((*ids, *codes)):
        alike.setdefault(name.replace("_", "-"), []).append(name)
    asked = given.lower().replace("_", "-")
    close = [asked] if asked in alike else difflib.get_close_matches(asked, alike, n=3, cutoff=0.6)
    close += [one for one in alike if asked in one and one not in close][: 3 - len(close)] if len(asked) > 2 else []
    meant = [name for one in close for name in alike[one]]
    return (
        f"Did you mean {' or '.join(meant)}?" if meant else "`gateway rules list` shows every row, --advice the checks."
    )


def _say_if_before(output: Output, book: RuleBook, instant: datetime) -> None:
    if words := before_the_book(book, instant):
        output.say(words, "bold yellow")


def _book(config: Path | None) -> RuleBook:
    from gateway.rule_book import load_book
    from gateway.settings import load_settings

    return load_book(load_settings(config))


def _instant(text: str, name: str) -> datetime:
    from datetime import UTC, datetime

    from gateway.cli.reading import read_arrival

    return read_arrival(text, datetime.now(UTC), name)


def _period(rule: Rule) -> str:
    begin = f"{rule.eastern_from:%Y-%m-%d %H:%M}"
    return f"{begin} on" if rule.eastern_to is None else f"{begin} to {rule.eastern_to:%Y-%m-%d %H:%M}"


def _styled(text: str, styles: dict[str, str]) -> Any:
    from rich.text import Text

    return Text(text, style=styles.get(text, ""))
