"""How does the rule book read for a person? The text of ``docs/rules.md``, made from the rows.

First the contents and what is not confirmed, then one section a period that names what begins and ends in it, then
every row in full, once, then the advisory checks, then how a filer writes rows of its own. Rows of the filer's own are
marked as such.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from mappings.advice import Advice
from mappings.preflight_trip import what_error_does
from mappings.rule import EASTERN, KINDS, Rule
from mappings.rule_conditions import condition_meaning
from mappings.rule_guide import guide

_MARKS = """\
Times are Eastern time (America/New_York); what counts is the instant of arrival. `verified` means that the statement
was seen in a copy of a public source, or is this gateway's own rule; `recalled` that it is general knowledge, or was
seen in another's account of the source only; `unsure` that it may be wrong: a decision that hangs on such a row alone
goes to review. No row has been reviewed by a licensed broker unless a reviewer is named. This is not legal advice."""
_SEVERITIES = """\
They save a rejection and decide nothing, unless the filer sets one to `error`; what becomes of what it finds then
stands in the table. `off` ends it. The rows of kind warn take a severity in the same way: set to `error`, the shipment
goes to review; theirs is `warning` unless another is set. The severity in force stands in each decision.
`gateway rules show` takes the code of a warning too."""
PERIODS = "Period by period"
_TITLES = {
    "allow": "What is allowed",
    "deny": "What is denied",
    "threshold": "Limits of value",
    "require": "What has to be given",
    "waiver": "What an agency does without",
    "prefer": "Which of several lawful pathways is taken",
    "warn": "Warnings",
    "info": "For information",
}


def markdown(
    rows: Sequence[Rule], version: str, advice: Advice | None = None, own: Collection[str] = frozenset()
) -> str:
    """The page, ending with a line break; ``own`` are the ids of the filer's own rows."""
    head = list(_head(rows, version))
    body = list(_body(rows, advice or Advice(), own))
    return "\n".join((*head, *_contents(body), *body)) + "\n"


def _head(rows: Sequence[Rule], version: str) -> Iterator[str]:
    yield "# The rule book"
    yield ""
    yield f"Version `{version}`, {len(rows)} rows. Written by `python -m gateway.docs` from `mappings/rules/*.toml` and"
    yield "`mappings/preflight/*.toml`. `gateway rules` lists, shows, compares and checks the same rows."
    yield ""
    yield from _MARKS.splitlines()
    yield ""


def _contents(body: Sequence[str]) -> Iterator[str]:
    """The sections, and for the periods their first minutes, as links."""
    yield "## Contents"
    yield ""
    periods = [line.removeprefix("### ") for line in body if line.startswith("### From ")]
    for line in body:
        if line.startswith("## "):
            title = line.removeprefix("## ")
            yield f"- [{title}](#{anchor(title)})"
            if title == PERIODS:
                links = (f"[{one.split()[1]}](#{anchor(one)})" for one in periods)
                yield f"  - from {', '.join(links)}"
    yield ""


def anchor(title: str) -> str:
    """The anchor that a heading of Markdown has."""
    return re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-")


def _body(rows: Sequence[Rule], advice: Advice, own: Collection[str]) -> Iterator[str]:
    yield "## Not confirmed"
    yield ""
    unsure = [rule for rule in rows if rule.status == "unsure"]
    for rule in unsure:
        where = f"{rule.kind}, {', '.join(rule.pathways)}; {_period(rule)}"
        yield f"- **`{rule.id}`** ({where}): {rule.text} *{rule.citation}*"
    if not unsure:
        yield "Every row is verified or recalled."
    yield ""
    yield f"Recalled, to be checked against the source: {_listed(r.id for r in rows if r.status == 'recalled')}."
    yield ""
    yield from _periods(rows)
    for kind in KINDS:
        of_kind = [rule for rule in rows if rule.kind == kind]
        if of_kind:
            yield f"## {_TITLES[kind]}"
            yield ""
            for rule in of_kind:
                yield f"### `{rule.id}`"
                yield ""
                if rule.id in own:
                    yield "*A row of this filer's own.*"
                    yield ""
                yield from row_text(rule)
                yield ""
    yield from _advice(advice)
    yield ""
    yield from guide()


def _advice(advice: Advice) -> Iterator[str]:
    yield "## Advisory checks"
    yield ""
    yield from _SEVERITIES.splitlines()
    yield ""
    yield "| id | code | about | severity | set to `error` | what it says | citation | status |"
    yield "|---|---|---|---|---|---|---|---|"
    for check in advice.preflight.checks.values():
        cells = (check.about, advice.severity(check.id), what_error_does(check.id, check.about), check.text)
        yield f"| `{check.id}` | `{check.code}` | {' | '.join(cells)} | {check.citation} | {check.status} |"


def _periods(rows: Sequence[Rule]) -> Iterator[str]:
    cuts = sorted({cut for rule in rows for cut in (rule.valid_from, rule.valid_to) if cut is not None})
    yield f"## {PERIODS}"
    yield ""
    for cut, following in zip(cuts, (*cuts[1:], None), strict=True):
        until = f" to {_minute(following)}" if following else " on"
        yield f"### From {_minute(cut)}{until}"
        yield ""
        for rule in rows:
            for what, when in (("begins", rule.valid_from), ("ends", rule.valid_to)):
                if when == cut:
                    yield f"- {what} [`{rule.id}`](#{rule.id}), {rule.kind}, {rule.status}: *{rule.citation}*"
        yield ""


def row_text(rule: Rule) -> Iterator[str]:
    """One row in full, line by line."""
    yield rule.text
    yield f"- pathways: {', '.join(rule.pathways)}; in force: {_period(rule)}; status: {rule.status}"
    if rule.when:
        conditions = (f"{condition_meaning(name)} (`{name}` = {_value(value)})" for name, value in rule.when)
        yield f"- when: {'; '.join(conditions)}"
    for label, value in (
        ("entry type", rule.entry_type),
        ("limit", f"{rule.limit} ({rule.measure})" if rule.measure else ""),
        ("needs", _needs(rule)),
        ("waives", ", ".join(rule.waives)),
        ("disclaimer", rule.disclaimer),
        ("rank", str(rule.rank) if rule.kind == "prefer" else ""),
        ("remedy", rule.remedy),
    ):
        if value:
            yield f"- {label}: {value}"
    reviewed = f"{rule.reviewer}{f', {rule.review_date}' if rule.review_date else ''}" or "nobody yet"
    yield f"- citation: {rule.citation}; reviewed by: {reviewed}"


def _needs(rule: Rule) -> str:
    if not rule.needs:
        return ""
    named = [f"one of {_value(rule.fields_any_of)}"] if rule.fields_any_of else []
    named += [f"all of {_value(rule.fields_all_of)}"] if rule.fields_all_of else []
    tail = "" if rule.missing == "blocks" else "; asked for, not blocking"
    return " ".join((rule.needs, *named)) + tail


def _listed(ids: Iterator[str]) -> str:
    return ", ".join(f"`{one}`" for one in ids) or "none"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_value(one)}" for key, one in value.items())
    if isinstance(value, tuple):
        return ", ".join(str(one) for one in value)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _period(rule: Rule) -> str:
    end = f"before {_minute(rule.valid_to)}" if rule.valid_to else "open"
    return f"from {_minute(rule.valid_from)}, {end}"


def _minute(instant: datetime) -> str:
    return f"{instant.astimezone(EASTERN):%Y-%m-%d %H:%M}"
