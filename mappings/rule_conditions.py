"""What do the conditions of a rule mean?

A rule may ask only what stands here: a small closed set of named predicates over the facts of one
shipment. Adding a predicate is a change of code and of this list; everything else about the law is
data. Each predicate is compiled once, when the rule book is opened at an instant.

Conditions of one row must all hold. Conditions whose name begins with ``pga_`` speak of one agency
claim: they must all hold for the *same* claim, and the row then applies to exactly the claims that
match, which is what a waiver can lift.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from mappings.rule_facts import Claim, Facts
from mappings.words import normal_phrase, normal_words

_COUNTRY: Final = re.compile(r"[A-Z]{2}")
_DIGITS: Final = re.compile(r"[0-9]{2,10}")

Test = Callable[[Facts], bool]
ClaimTest = Callable[[Claim], bool]


def _origin_any_of(countries: tuple[str, ...]) -> Test:
    wanted = frozenset(countries)
    return lambda facts: not wanted.isdisjoint(facts.origins)


def _hts_prefixes(prefixes: tuple[str, ...]) -> Test:
    def test(facts: Facts) -> bool:
        for hts in facts.hts:  # noqa: SIM110 - asked for every shipment several times, a loop is twice as fast
            if hts.startswith(prefixes):
                return True
        return False

    return test


def _every_hts_prefixes(prefixes: tuple[str, ...]) -> Test:
    def test(facts: Facts) -> bool:
        for hts in facts.hts:  # noqa: SIM110 - as above
            if not hts.startswith(prefixes):
                return False
        return True

    return test


def _ad_cvd(wanted: bool) -> Test:
    return lambda facts: facts.ad_cvd is wanted


def _quota(wanted: bool) -> Test:
    return lambda facts: facts.quota is wanted


def _fair_value_above(amount: str) -> Test:
    limit = Decimal(amount)
    return lambda facts: facts.fair_value > limit


def _fair_value_at_most(amount: str) -> Test:
    limit = Decimal(amount)
    return lambda facts: facts.fair_value <= limit


def _entered_value_above(amount: str) -> Test:
    limit = Decimal(amount)
    return lambda facts: facts.entered_value > limit


def _fair_value_below_entered(wanted: bool) -> Test:
    return lambda facts: (facts.fair_value < facts.entered_value) is wanted


def _consolidated_value_above(amount: str) -> Test:
    limit = Decimal(amount)
    return lambda facts: facts.consolidated_value > limit


def _described_as(marks: Mapping[str, tuple[str, ...]]) -> Test:
    whole = frozenset(normal_phrase(phrase) for phrase in marks["whole"])
    within = tuple(normal_phrase(phrase) for phrase in marks["within"])

    def test(facts: Facts) -> bool:
        for line in facts.lines:
            words = normal_words(line.description)
            if words in whole:
                return True
            for phrase in within:
                if phrase in words:
                    return True
        return False

    return test


def _same_order_lots(wanted: bool) -> Test:
    return lambda facts: facts.in_lots is wanted


def _importer_missing(wanted: bool) -> Test:
    return lambda facts: (facts.importer is None) is wanted


def _foreign_importer(marks: Mapping[str, tuple[str, ...]]) -> Test:
    types, prefixes = frozenset(marks["number_types"]), marks["ein_prefixes"]

    def test(facts: Facts) -> bool:
        importer = facts.importer
        if importer is None:
            return False
        return importer.number_type in types or (importer.number_type == "EIN" and importer.number.startswith(prefixes))

    return test


def _unclaimed(marks: Mapping[str, Any]) -> Test:
    agency, prefixes = marks["agency"], marks["hts_prefixes"]

    def test(facts: Facts) -> bool:
        for line in facts.lines:
            if line.hts.startswith(prefixes) and not any(claim.agency == agency for claim in line.pga):
                return True
        return False

    return test


def _disclaimed(marks: Mapping[str, Any]) -> Test:
    agency, prefixes, taken = marks["agency"], marks["hts_prefixes"], frozenset(marks["other_than"])

    def test(facts: Facts) -> bool:
        for claim in facts.claims:
            said = claim.claim
            if said.agency == agency and said.disclaimer is not None and said.disclaimer not in taken:
                place = int(claim.path[len("lines[") : claim.path.index("]")])
                if facts.hts[place].startswith(prefixes):
                    return True
        return False

    return test


def _pga_any(wanted: bool) -> ClaimTest:
    return lambda claim: wanted  # noqa: ARG005 - any claim at all; checked on load to be true


def _pga_agency_any_of(agencies: tuple[str, ...]) -> ClaimTest:
    wanted = frozenset(agencies)
    return lambda claim: claim.claim.agency in wanted


def _pga_agency_none_of(agencies: tuple[str, ...]) -> ClaimTest:
    unwanted = frozenset(agencies)
    return lambda claim: claim.claim.agency not in unwanted


def _pga_program_any_of(programs: tuple[str, ...]) -> ClaimTest:
    wanted = frozenset(programs)
    return lambda claim: claim.claim.program in wanted


def _pga_disclaimed(wanted: bool) -> ClaimTest:
    return lambda claim: (claim.claim.disclaimer is not None) is wanted


# -- the shape of each condition's value ------------------------------------------------------------


def _is_bool(value: object) -> str:
    return "" if isinstance(value, bool) else "Write true or false."


def _is_true(value: object) -> str:
    return "" if value is True else "Write true, or leave the condition out."


def _is_amount(value: object) -> str:
    try:
        good = isinstance(value, str) and Decimal(value).is_finite()
    except InvalidOperation:
        good = False
    return "" if good else 'Write the amount as a decimal in quotes, like "800".'


def _list_of(pattern: re.Pattern[str], what: str) -> Callable[[object], str]:
    def fault(value: object) -> str:
        good = isinstance(value, list | tuple) and bool(value)
        if good and all(isinstance(one, str) and pattern.fullmatch(one) for one in value):  # type: ignore[attr-defined]
            return ""
        return f"Write a list of {what}."

    return fault


_countries = _list_of(_COUNTRY, "two-letter country codes")
_prefixes = _list_of(_DIGITS, "HTS beginnings of 2 to 10 digits")
_agencies = _list_of(re.compile(r"[A-Z0-9]{2,3}"), "agency codes")
_programs = _list_of(re.compile(r"[A-Z0-9]{1,3}"), "agency program codes")
_disclaimers = _list_of(re.compile(r"[A-G]"), "disclaimers from A to G")
_phrases = _list_of(re.compile(r"[A-Z0-9]+( [A-Z0-9]+)*"), "phrases in capitals")
_number_types = _list_of(re.compile(r"EIN|CBP|SSN"), "importer number types")
_beginnings = _list_of(re.compile(r"[0-9]{1,9}"), "beginnings of an importer number")


def _is_foreign_marks(value: object) -> str:
    if not isinstance(value, Mapping) or set(value) != {"number_types", "ein_prefixes"}:
        return "Write a table with number_types and ein_prefixes."
    return _number_types(value["number_types"]) or _beginnings(value["ein_prefixes"])


def _is_unclaimed_marks(value: object) -> str:
    if not isinstance(value, Mapping) or set(value) != {"agency", "hts_prefixes", "flag"}:
        return "Write a table with agency, hts_prefixes and flag."
    if value["flag"] not in FLAGS:
        return f"The flag is {' or '.join(FLAGS)}."
    return _agencies([value["agency"]]) or _prefixes(value["hts_prefixes"])


def _is_disclaimed_marks(value: object) -> str:
    if not isinstance(value, Mapping) or set(value) != {"agency", "hts_prefixes", "other_than"}:
        return "Write a table with agency, hts_prefixes and other_than."
    return _agencies([value["agency"]]) or _prefixes(value["hts_prefixes"]) or _disclaimers(value["other_than"])


def _is_described_marks(value: object) -> str:
    if not isinstance(value, Mapping) or set(value) != {"whole", "within"}:
        return "Write a table with whole and within."
    return _phrases(value["whole"]) or _phrases(value["within"])


FLAGS: Final = ("may", "must")
"""What an HTS number says of an agency's data: it may want them, or it must have them."""

SHIPMENT_CONDITIONS: Final[dict[str, tuple[Callable[[Any], Test], Callable[[object], str], str]]] = {
    "origin_any_of": (_origin_any_of, _countries, "a line was made in one of these countries"),
    "hts_prefixes": (_hts_prefixes, _prefixes, "a line's HTS number begins so"),
    "every_hts_prefixes": (_every_hts_prefixes, _prefixes, "every line's HTS number begins so"),
    "ad_cvd": (_ad_cvd, _is_bool, "a line is under an antidumping or countervailing case"),
    "quota": (_quota, _is_bool, "a line is under a quota"),
    "fair_value_above": (_fair_value_above, _is_amount, "fair retail value in the country of shipment above"),
    "fair_value_at_most": (_fair_value_at_most, _is_amount, "fair retail value in the country of shipment at most"),
    "entered_value_above": (_entered_value_above, _is_amount, "entered value above"),
    "fair_value_below_entered": (
        _fair_value_below_entered,
        _is_bool,
        "the fair retail value stated is below the price of the goods",
    ),
    "consolidated_value_above": (
        _consolidated_value_above,
        _is_amount,
        "several shipments of this trip to one person are together above",
    ),
    "described_as": (_described_as, _is_described_marks, "a description is one of these words, or holds the phrase"),
    "same_order_lots": (_same_order_lots, _is_bool, "one order to one person travels in several parcels"),
    "importer_missing": (_importer_missing, _is_bool, "no importer of record is known"),
    "foreign_importer": (_foreign_importer, _is_foreign_marks, "the importer's number has a foreign mark"),
    "disclaimed": (_disclaimed, _is_disclaimed_marks, "a line with such an HTS number disclaims the agency otherwise"),
    "unclaimed": (_unclaimed, _is_unclaimed_marks, "a line with such an HTS number has no claim for the agency"),
}
"""Condition → (compiler, shape check, meaning) for conditions on the whole shipment."""

CLAIM_CONDITIONS: Final[dict[str, tuple[Callable[[Any], ClaimTest], Callable[[object], str], str]]] = {
    "pga_any": (_pga_any, _is_true, "a line carries an agency claim"),
    "pga_agency_any_of": (_pga_agency_any_of, _agencies, "the claim is for one of these agencies"),
    "pga_agency_none_of": (_pga_agency_none_of, _agencies, "the claim is for another agency than these"),
    "pga_program_any_of": (_pga_program_any_of, _programs, "the claim is under one of these programs"),
    "pga_disclaimed": (_pga_disclaimed, _is_bool, "the claim is a disclaimer"),
}
"""Condition → (compiler, shape check, meaning) for conditions on one agency claim."""

OF_HTS: Final = frozenset({"hts_prefixes", "every_hts_prefixes", "unclaimed", "disclaimed"})
"""Conditions whose answer hangs on the HTS numbers and the agency claims alone."""

CONDITIONS: Final = frozenset(SHIPMENT_CONDITIONS) | frozenset(CLAIM_CONDITIONS)


def is_claim_condition(name: str) -> bool:
    """Whether the condition speaks of one agency claim."""
    return name in CLAIM_CONDITIONS


def condition_fault(name: str, value: object) -> str:
    """The sentence that says what is wrong with a condition's value, or ``""``."""
    _, fault, _ = SHIPMENT_CONDITIONS.get(name) or CLAIM_CONDITIONS[name]
    return fault(value)


def condition_meaning(name: str) -> str:
    """The condition in words, for pages that people read."""
    return (SHIPMENT_CONDITIONS.get(name) or CLAIM_CONDITIONS[name])[2]


def compile_shipment_condition(name: str, value: Any) -> Test:
    """The test of one condition on a whole shipment."""
    return SHIPMENT_CONDITIONS[name][0](value)


def compile_claim_conditions(when: tuple[tuple[str, Any], ...]) -> ClaimTest | None:
    """One test for all conditions of a row on a claim; ``None`` if the row does not speak of claims."""
    tests = [CLAIM_CONDITIONS[name][0](value) for name, value in when if name in CLAIM_CONDITIONS]
    if not tests:
        return None
    joined = tests[0]
    for test in tests[1:]:
        joined = _both(joined, test)
    return joined


def _both(first: ClaimTest, second: ClaimTest) -> ClaimTest:
    return lambda claim: first(claim) and second(claim)
