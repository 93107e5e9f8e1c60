"""How does the rule book read for a person? The text of ``docs/rules.md``, made from the rows.

First what is not confirmed, then one section a period with what changes in it, then every row in full, then the
advisory checks. Rows of the filer's own are marked as such.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from mappings.advice import Advice
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


def markdown(
    rows: Sequence[Rule], version: str, advice: Advice | None = None, own: Collection[str] = frozenset()
) -> str:
    """The page, ending with a line break; ``own`` are the ids of the filer's own rows."""
    return "\n".join(_page(rows, version, advice or Advice(), own)) + "\n"


def _page(rows: Sequence[Rule], version: str, advice: Advice, own: Collection[str]) -> Iterator[str]:
    yield "# The rule book"
    yield ""
    yield f"Version `{version}`, {len(rows)} rows. Written by `python -m gateway.docs` from `mappings/rules/*.toml` and"
    yield "`mappings/preflight/*.toml`. `gateway rules` lists, shows, compares and checks the same rows."
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
                yield f"### `{rule.id}`"
                yield ""
                if rule.id in own:
                    yield "*A row of this filer's own.*"
                    yield ""
                yield from row_text(rule)
                yield ""
    yield from _advice(advice)
    yield ""
    yield _OWN.rstrip()


_OWN = """\
## Rows of a filer's own

The setting `rules.overlay` names a file, or a folder of files, with rows in the form of the delivered ones. They may be
of the kinds deny, threshold (below the law's limit), require, warn and info; anything that could open a pathway is
refused when the book is loaded, and so is an id of the delivered book. The version of the book in force includes them,
decisions name them like any other row, and `gateway rules list` marks them. `[severity]` sets advisory checks by id;
the setting `rules.severity` does the same.

```toml
[[rule]]
id = "own-no-candles-from-the-manifest"
kind = "deny"
pathways = ["section321"]
valid_from = 2025-01-01T00:00:00
citation = "Our handbook, page 12"
status = "verified"
text = "We enter candles, whatever their value."
[rule.when]
hts_prefixes = ["3406"]

[severity]
vague-description = "error"
value-by-weight = "off"
```
"""


def _advice(advice: Advice) -> Iterator[str]:
    yield "## Advisory checks"
    yield ""
    yield "They save a rejection and decide nothing, unless the filer sets one to `error`: then a shipment about which"
    yield "it finds something goes to review. `off` ends it. The rows of kind warn take a severity in the same way;"
    yield "theirs is `warning` unless another is set. The severity in force stands in each decision."
    yield ""
    yield "| id | about | severity | what it says | citation | status |"
    yield "|---|---|---|---|---|---|"
    for check in advice.preflight.checks.values():
        severity = advice.severity(check.id)
        yield f"| `{check.id}` | {check.about} | {severity} | {check.text} | {check.citation} | {check.status} |"


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


def row_text(rule: Rule) -> Iterator[str]:
    """One row in full, line by line."""
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
