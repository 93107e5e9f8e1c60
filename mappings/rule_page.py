"""How does the rule book read for a person? The text of ``docs/rules.md``, made from the rows.

First what is not confirmed, then one section a period with what changes in it, then every row in full.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from mappings.rule import EASTERN, KINDS, Rule
from mappings.rule_conditions import condition_meaning

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


def markdown(rows: Sequence[Rule], version: str) -> str:
    """The page, ending with a line break."""
    return "\n".join(_page(rows, version)) + "\n"


def _page(rows: Sequence[Rule], version: str) -> Iterator[str]:
    yield "# The rule book"
    yield ""
    yield f"Version `{version}`, {len(rows)} rows. Generated from `mappings/rules/*.toml`:"
    yield "`python -m mappings.rulebook --markdown`."
    yield ""
    yield "Times are Eastern time (America/New_York); what counts is the instant of arrival. `verified` means that the"
    yield "statement was seen in a copy of a public source, `recalled` that it is general knowledge not checked against"
    yield "one, `unsure` that it may be wrong: a decision that hangs on such a row alone goes to review. No row has"
    yield "been reviewed by a licensed broker unless a reviewer is named. This is not legal advice."
    yield ""
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
                yield from _row(rule)


def _periods(rows: Sequence[Rule]) -> Iterator[str]:
    cuts = sorted({cut for rule in rows for cut in (rule.valid_from, rule.valid_to) if cut is not None})
    yield "## Period by period"
    yield ""
    for cut, following in zip(cuts, (*cuts[1:], None), strict=True):
        until = f" to {_minute(following)}" if following else " on"
        yield f"### From {_minute(cut)}{until}"
        yield ""
        for rule in rows:
            if rule.valid_from == cut:
                yield f"- begins `{rule.id}` ({rule.kind}: {', '.join(rule.pathways)}): {rule.text} *{rule.citation}*"
            if rule.valid_to == cut:
                yield f"- ends `{rule.id}` ({rule.kind}: {', '.join(rule.pathways)})"
        yield ""


def _row(rule: Rule) -> Iterator[str]:
    yield f"### `{rule.id}`"
    yield ""
    yield rule.text
    yield ""
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
    yield f"- citation: {rule.citation}"
    yield f"- reviewed by: {rule.reviewer or 'nobody yet'}{f', {rule.review_date}' if rule.review_date else ''}"
    yield ""


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
