"""What is different in the law between two instants: what begins, what ends, what changes, in words?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from mappings.rule import EASTERN, Rule
from mappings.rule_conditions import condition_meaning
from mappings.rule_law import ENTERED, NAMES

What = Literal["begins", "ends", "changes", "passes"]
_NOT_CONTENT: Final = ("valid_from", "valid_to", "reviewer", "review_date")
MEASURED: Final = {
    "fair_value": "fair retail value",
    "entered_value": "entered value",
    "person_day_total": "fair retail value for one person on one day",
}
"""The amounts that limits measure, in words."""
_NAMED: Final = {"when": "condition", "text": "wording", "needs": "need", "waives": "reach of the waiver"}
_NEEDS: Final = {
    "importer_of_record": "the importer of record",
    "hts_ten_digits": "ten digits of every HTS number",
    "estimated_arrival": "the estimated arrival",
    "claim_fields": "data of the agency claim",
}


@dataclass(frozen=True, slots=True)
class Change:
    """One rule that is not the same at both instants; ``passes`` began and ended between them."""

    what: What
    rule: Rule
    text: str

    def as_dict(self) -> dict[str, Any]:
        """The row of ``--json``."""
        return {
            "change": self.what,
            "id": self.rule.id,
            "kind": self.rule.kind,
            "pathways": list(self.rule.pathways),
            "text": self.text,
            "citation": self.rule.citation,
            "status": self.rule.status,
        }


def changes_between(rules: Sequence[Rule], earlier: datetime, later: datetime) -> list[Change]:
    """Every change from ``earlier`` to ``later``, in the order of time; given the other way round, it is turned."""
    if later < earlier:
        earlier, later = later, earlier
    before = {rule.id: rule for rule in rules if rule.in_force(earlier)}
    after = {rule.id: rule for rule in rules if rule.in_force(later)}
    found: list[tuple[datetime, Change]] = []
    for rule in rules:
        if rule.valid_to is not None and earlier < rule.valid_from and rule.valid_to <= later:
            words = f"From {minute(rule.valid_from)} to {minute(rule.valid_to)} only: {effect(rule)}. {rule.text}"
            found.append((rule.valid_from, Change("passes", rule, words)))
    for name in sorted(before.keys() | after.keys()):
        old, new = before.get(name), after.get(name)
        if old is None and new is not None:
            found.append(
                (new.valid_from, Change("begins", new, f"From {minute(new.valid_from)} on: {effect(new)}. {new.text}"))
            )
        elif new is None and old is not None:
            end = old.valid_to or later
            found.append((end, Change("ends", old, f"Ends at {minute(end)}: {effect(old)}. {old.text}")))
        elif old is not None and new is not None and old is not new and (words := _content(old, new)):
            found.append((new.valid_from, Change("changes", new, f"Changes at {minute(new.valid_from)}: {words}")))
    return [change for _, change in sorted(found, key=lambda one: (one[0], one[1].rule.id))]


def effect(rule: Rule) -> str:
    """What the row does while it is in force, in words."""
    *others, last = (NAMES[one] for one in rule.pathways)
    names = f"{', '.join(others)} and {last}" if others else last
    is_, needs = ("is", "needs") if len(rule.pathways) == 1 else ("are", "need")
    some = f" where {'; and '.join(condition_meaning(name) for name, _ in rule.when)}" if rule.when else ""
    said = {
        "allow": f"{names} {is_} allowed",
        "deny": f"{names} {is_} closed",
        "threshold": f"{names} {is_} closed above {rule.limit} dollars of {MEASURED.get(rule.measure, '')}",
        "require": f"{names} {needs} {_NEEDS.get(rule.needs, '')}",
        "waiver": f"an agency does without its data for {names}",
        "prefer": f"{names} {is_} taken as number {rule.rank} in the order of preference",
        "warn": f"a warning is given for {names}",
        "info": f"a remark is made on {names}",
    }[rule.kind]
    return said + some


def _content(old: Rule, new: Rule) -> str:
    before, after = old.as_dict(), new.as_dict()
    if before["when"] != after["when"]:
        before["when"], after["when"] = (
            "; ".join(f"{condition_meaning(name)} {_said(value)}" for name, value in one["when"])
            for one in (before, after)
        )
    return " ".join(
        f"The {_NAMED.get(name, name).replace('_', ' ')} was {_said(before[name])} and is {_said(after[name])}."
        for name in before
        if name not in _NOT_CONTENT and before[name] != after[name]
    )


def _said(value: object) -> str:
    """A value of a row as people read it."""
    if value in ("", [], None):
        return "not stated"
    if isinstance(value, dict):
        return "; ".join(f"{key}: {_said(one)}" for key, one in value.items())
    if isinstance(value, list):
        return ", ".join(_said(one) for one in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def pathways_between(rules: Sequence[Rule], earlier: datetime, later: datetime) -> list[str]:
    """What becomes of each pathway as such, in sentences: those that open or close for goods of every kind."""
    if later < earlier:
        earlier, later = later, earlier
    sentences = []
    for pathway in ENTERED:
        was, now = (_closed_by(rules, pathway, instant) for instant in (earlier, later))
        name = NAMES[pathway]
        if was and now and set(was) != set(now):
            sentences.append(f"No {name} at either time; it is closed by {', '.join(now)}.")
        elif now and not was:
            sentences.append(f"{name[0].upper()}{name[1:]} closes for all goods, by {', '.join(now)}.")
        elif was and not now:
            sentences.append(f"{name[0].upper()}{name[1:]} opens.")
    return sentences


def _closed_by(rules: Iterable[Rule], pathway: str, instant: datetime) -> list[str]:
    """What closes the pathway to everything: its unconditional denials, or that nothing allows it."""
    there = [rule for rule in rules if pathway in rule.pathways and rule.in_force(instant)]
    closing = [rule.id for rule in there if rule.kind == "deny" and not rule.when]
    return closing or ([] if any(rule.kind == "allow" for rule in there) else ["no rule that allows it"])


def minute(instant: datetime) -> str:
    """A minute of Eastern time as people read it."""
    return f"{instant.astimezone(EASTERN):%Y-%m-%d %H:%M}"
