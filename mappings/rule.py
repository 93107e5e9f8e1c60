"""What is one rule, and is the data that states it well formed?

The law is dated data. A row says who may or must do what (``kind``), on which pathways, under which
conditions, from which minute to which minute of Eastern time, and where that is written. This module
knows the closed set of kinds and keys, reads a row from plain data, and lists every fault of it; what
a condition *means* stands in :mod:`mappings.rule_conditions`.

========== =====================================================================================
kind       effect while in force and its conditions match
========== =====================================================================================
allow      the pathway exists; for an entry it names the entry type
deny       the pathway is closed; beats every allow, and any number of denials may overlap
threshold  the pathway is closed above ``limit`` of ``measure``
require    the pathway needs data; ``missing = "asks"`` reports what is missing without closing it
waiver     an agency does without the claim rows named in ``waives`` (only rows marked ``waivable``)
prefer     where several pathways are open, the lowest ``rank`` is taken
warn       a warning stands in the decision
info       a sentence stands in the decision's reasons
========== =====================================================================================

Periods are half open: ``valid_from`` is the first minute in force, ``valid_to`` the first minute that
is not. Both are wall-clock minutes in America/New_York, because that is how the law is published.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from mappings.rule_conditions import CONDITIONS, condition_fault, is_claim_condition
from schemas.errors import Problem
from schemas.shipment import PATHWAYS

EASTERN: Final = ZoneInfo("America/New_York")

Kind = Literal["allow", "deny", "require", "threshold", "waiver", "warn", "info", "prefer"]
KINDS: Final = ("allow", "deny", "threshold", "require", "waiver", "prefer", "warn", "info")
STATUSES: Final = ("verified", "recalled", "unsure")
MEASURES: Final = ("fair_value", "entered_value", "person_day_total")
NEEDS: Final = ("importer_of_record", "hts_ten_digits", "estimated_arrival", "claim_fields")
ENTRY_TYPES: Final = {"type86": ("86",), "informal": ("11", "12"), "formal": ("01", "02", "03", "07")}
"""Entry types per pathway (CBP CATAIR Cargo Release v40, note 2)."""

COMMON_KEYS: Final = frozenset(
    "id kind pathways valid_from valid_to citation status reviewer review_date text when".split()
)
REQUIRED_KEYS: Final = ("id", "kind", "pathways", "valid_from", "citation", "status", "text")
OWN_KEYS: Final[dict[str, frozenset[str]]] = {
    "allow": frozenset({"entry_type"}),
    "deny": frozenset({"waivable"}),
    "threshold": frozenset({"measure", "limit"}),
    "require": frozenset({"needs", "fields_any_of", "fields_all_of", "missing", "code", "remedy", "waivable"}),
    "waiver": frozenset({"waives", "disclaimer"}),
    "prefer": frozenset({"rank", "steps_over_missing"}),
    "warn": frozenset({"code", "remedy", "path"}),
    "info": frozenset(),
}
MUST_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "threshold": ("measure", "limit"),
    "require": ("needs", "code", "remedy"),
    "waiver": ("waives",),
    "prefer": ("rank",),
    "warn": ("code",),
}
FIRST_YEAR, LAST_YEAR = 1789, 2500
"""Years of a period: the first customs law of the country, and an end that nobody means to be "for ever"."""

_ID: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_CODE: Final = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*")
REMEDY: Final = "Correct the row in the rule file."


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of the rule book for one period; instants are UTC, ``valid_to`` is ``None`` while open."""

    id: str
    kind: Kind
    pathways: tuple[str, ...]
    valid_from: datetime
    valid_to: datetime | None = None
    citation: str
    status: Literal["verified", "recalled", "unsure"]
    text: str
    reviewer: str = ""
    review_date: str = ""
    when: tuple[tuple[str, Any], ...] = ()
    entry_type: str = ""
    measure: str = ""
    limit: Decimal = Decimal(0)
    needs: str = ""
    fields_any_of: tuple[str, ...] = ()
    fields_all_of: tuple[str, ...] = ()
    missing: Literal["blocks", "asks"] = "blocks"
    code: str = ""
    remedy: str = ""
    path: str = ""
    waivable: bool = False
    waives: tuple[str, ...] = ()
    disclaimer: str = ""
    rank: int = 0
    steps_over_missing: bool = True

    def in_force(self, instant: datetime) -> bool:
        """Whether ``instant`` (aware) lies in the period of this row."""
        return self.valid_from <= instant and (self.valid_to is None or instant < self.valid_to)

    @property
    def about_claims(self) -> bool:
        """Whether the row speaks of agency claims."""
        return any(is_claim_condition(name) for name, _ in self.when)

    @property
    def eastern_from(self) -> datetime:
        """First minute in force, in Eastern time."""
        return self.valid_from.astimezone(EASTERN)

    @property
    def eastern_to(self) -> datetime | None:
        """First minute no longer in force, in Eastern time."""
        return None if self.valid_to is None else self.valid_to.astimezone(EASTERN)

    def as_dict(self) -> dict[str, Any]:
        """Plain, canonical content: what the version of the book is computed from."""
        plain: dict[str, Any] = {}
        for one in fields(self):
            value = getattr(self, one.name)
            plain[one.name] = _plain(value)
        return plain


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in sorted(value)}
    if isinstance(value, tuple | list | frozenset):
        return [_plain(one) for one in (sorted(value) if isinstance(value, frozenset) else value)]
    return value


def _frozen(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _frozen(one) for key, one in value.items()}
    return tuple(_frozen(one) for one in value) if isinstance(value, list) else value


def eastern_minute(value: object) -> tuple[datetime | None, str]:
    """The UTC instant of a wall-clock minute in New York, or ``None`` with the sentence that says why not."""
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None, f"{value!r} is not a date and time."
    if not isinstance(value, datetime):
        return None, "The instant must be a local date and time like 2025-08-29T00:01:00."
    if value.tzinfo is not None:
        return None, "The instant must be written without an offset: it is Eastern wall-clock time."
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        return None, f"Periods lie in the years {FIRST_YEAR} to {LAST_YEAR}; an open end is left out."
    if value.second or value.microsecond:
        return None, "Periods begin and end on a full minute."
    early, late = value.replace(tzinfo=EASTERN), value.replace(tzinfo=EASTERN, fold=1)
    if early.utcoffset() != late.utcoffset():
        return None, f"{value.isoformat()} does not name one minute: clocks change in that hour."
    return early.astimezone(UTC), ""


def _texts(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(one, str) and one for one in value)


def keys_of(kind: str) -> tuple[str, ...]:
    """The keys that a row of this kind may have, those that it must have first."""
    must = (*REQUIRED_KEYS, *MUST_KEYS.get(kind, ()))
    return (*must, *sorted((COMMON_KEYS | OWN_KEYS[kind]) - {*must}))


def _key_faults(raw: Mapping[str, Any], path: str, kind: object) -> Iterator[Problem]:
    if kind in KINDS:
        allowed = keys_of(str(kind))
        which = f"A rule of kind {kind} has no key"
    else:
        yield Problem("unknown_kind", f"{path}.kind", f"{kind!r} is not a kind of rule.", f"Use {', '.join(KINDS)}.")
        allowed = tuple(sorted(COMMON_KEYS.union(*OWN_KEYS.values())))
        which = "No kind of rule has a key"
    for key in raw:
        if key not in allowed:
            close = difflib.get_close_matches(key, allowed, n=1, cutoff=0.5)
            words = f"{which} {key!r}{f'; did you mean {close[0]}?' if close else '.'}"
            yield Problem("unknown_key", f"{path}.{key}", words, f"Keys: {', '.join(allowed)}.")
    for key in (*REQUIRED_KEYS, *MUST_KEYS.get(str(kind), ())):
        if raw.get(key) in (None, "", [], ()):
            yield Problem("missing", f"{path}.{key}", f"A rule of kind {kind} needs {key!r}.", REMEDY)


def _common_faults(raw: Mapping[str, Any], path: str) -> Iterator[Problem]:
    name = raw.get("id")
    if name not in (None, "") and not (isinstance(name, str) and _ID.fullmatch(name)):
        yield Problem("wrong_id", f"{path}.id", f"{raw['id']!r} is not lower-case words joined by hyphens.", REMEDY)
    pathways = raw.get("pathways", [])
    if not _texts(pathways) or any(one not in PATHWAYS for one in pathways) or len(set(pathways)) != len(pathways):
        yield Problem("unknown_pathway", f"{path}.pathways", f"{pathways!r} is not a list of pathways.", REMEDY)
    if "status" in raw and raw["status"] not in STATUSES:
        yield Problem("unknown_status", f"{path}.status", f"The status is one of {', '.join(STATUSES)}.", REMEDY)
    for key in ("citation", "text", "reviewer", "review_date", "code", "remedy", "disclaimer", "entry_type", "path"):
        if not isinstance(raw.get(key, ""), str):
            yield Problem("not_text", f"{path}.{key}", "This must be text.", REMEDY)
    for key in ("waivable", "steps_over_missing"):
        if not isinstance(raw.get(key, False), bool):
            yield Problem("not_a_boolean", f"{path}.{key}", "This must be true or false.", REMEDY)
    for key in ("waives", "fields_any_of", "fields_all_of"):
        if key in raw and not _texts(raw[key]):
            yield Problem("not_a_list", f"{path}.{key}", "This must be a list of words.", REMEDY)
    if review := raw.get("review_date"):
        try:
            date.fromisoformat(str(review))
        except ValueError:
            yield Problem("bad_date", f"{path}.review_date", f"{review!r} is not a date.", "Write it as YYYY-MM-DD.")
    when = raw.get("when", {})
    if not isinstance(when, Mapping):
        yield Problem("not_a_table", f"{path}.when", "The conditions must be a table.", REMEDY)
        return
    for name, value in when.items():
        if name not in CONDITIONS:
            words, remedy = (
                f"{name!r} is not a condition this rule book knows.",
                f"Use {', '.join(sorted(CONDITIONS))}.",
            )
            if name in COMMON_KEYS.union(*OWN_KEYS.values()):  # TOML counts all below [rule.when] to the conditions
                words, remedy = f"{name!r} is a key of the row, not a condition.", "Write it above [rule.when]."
            yield Problem("unknown_predicate", f"{path}.when.{name}", words, remedy)
        elif fault := condition_fault(name, value):
            yield Problem("wrong_condition", f"{path}.when.{name}", fault, REMEDY)


def _kind_faults(raw: Mapping[str, Any], path: str, kind: object) -> Iterator[Problem]:
    when = raw.get("when") if isinstance(raw.get("when"), Mapping) else {}
    about_claims = any(is_claim_condition(name) for name in when or ())
    pathways = raw["pathways"] if _texts(raw.get("pathways")) else []
    if kind == "allow":
        for pathway in pathways:
            known = ENTRY_TYPES.get(pathway, ("",))
            if raw.get("entry_type", "") not in known:
                words = f"{pathway} takes the entry type {' or '.join(known) or '(none)'}."
                yield Problem("wrong_entry_type", f"{path}.entry_type", words, REMEDY)
    if kind == "threshold":
        if raw.get("measure") not in (None, *MEASURES):
            yield Problem("unknown_measure", f"{path}.measure", f"The measure is one of {', '.join(MEASURES)}.", REMEDY)
        if "limit" in raw and _amount(raw["limit"]) is None:
            yield Problem("not_a_decimal", f"{path}.limit", 'The limit is a decimal in quotes, like "800".', REMEDY)
    if kind == "require":
        if raw.get("needs") not in (None, *NEEDS):
            yield Problem("unknown_need", f"{path}.needs", f"A need is one of {', '.join(NEEDS)}.", REMEDY)
        if raw.get("missing", "blocks") not in ("blocks", "asks"):
            yield Problem("wrong_missing", f"{path}.missing", "Write blocks or asks.", REMEDY)
        named = bool(raw.get("fields_any_of") or raw.get("fields_all_of"))
        if (raw.get("needs") == "claim_fields") != named or (named and not about_claims):
            words = "Fields of a claim are named exactly where claim_fields are needed, with a condition on claims."
            yield Problem("wrong_fields", f"{path}.needs", words, REMEDY)
    if kind in ("warn", "require") and isinstance(raw.get("code"), str) and not _CODE.fullmatch(raw["code"]):
        yield Problem("wrong_code", f"{path}.code", "A code is lower-case words joined by underscores.", REMEDY)
    if raw.get("disclaimer", "") not in ("", *"ABCDEFG"):
        yield Problem("wrong_disclaimer", f"{path}.disclaimer", "A disclaimer is a letter from A to G.", REMEDY)
    if kind == "prefer" and (not isinstance(raw.get("rank", 0), int) or isinstance(raw.get("rank"), bool)):
        yield Problem("not_an_integer", f"{path}.rank", "The rank is a whole number.", REMEDY)
    if (raw.get("waivable") or kind == "waiver") and not about_claims:
        words = "Only what concerns an agency's claim can be waived, so a condition must name claims."
        yield Problem("not_about_claims", f"{path}.when", words, REMEDY)


def _amount(value: object) -> Decimal | None:
    try:
        amount = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        return None
    return amount if amount is not None and amount.is_finite() and amount >= 0 else None


def read_rule(raw: object, path: str) -> tuple[Rule | None, list[Problem]]:
    """The rule that ``raw`` states, or ``None`` with every fault of the row; ``path`` names its place."""
    if not isinstance(raw, Mapping):
        return None, [Problem("not_a_table", path, "A rule is a table.", REMEDY)]
    kind = raw.get("kind")
    problems = [*_key_faults(raw, path, kind), *_common_faults(raw, path), *_kind_faults(raw, path, kind)]
    instants: dict[str, datetime | None] = {}
    for key in ("valid_from", "valid_to"):
        if raw.get(key) is None:
            instants[key] = None
            continue
        instants[key], fault = eastern_minute(raw[key])
        if fault:
            problems.append(Problem("bad_date", f"{path}.{key}", fault, "Write it like 2025-08-29T00:01:00."))
    begin, end = instants["valid_from"], instants["valid_to"]
    if begin and end and end <= begin:
        problems.append(Problem("bad_date", f"{path}.valid_to", "The period ends before it begins.", REMEDY))
    if problems or begin is None:
        return None, problems
    values = {key: _frozen(value) for key, value in raw.items() if key not in ("valid_from", "valid_to", "when")}
    if "limit" in values:
        values["limit"] = Decimal(values["limit"])
    when = tuple(sorted((name, _frozen(value)) for name, value in raw.get("when", {}).items()))
    return Rule(**values, valid_from=begin, valid_to=end, when=when), []
