"""Which facts about CBP's truck messages are still to be confirmed, and what do we take them to be?

One profile holds every fact that public text left open: separators, the element of the trip number, role
codes, bill types, the layout of remarks. It is data (``schemas/data/profile.toml``): each fact has a value, a
mark (``seen``, ``recalled``, ``deduced``, ``unconfirmed``) and a source. Rules:

- Code reads facts as attributes of :class:`Profile` and never writes such a value itself.
- ``load_profile("alternate")`` gives the same facts with other values; the suite runs under both.
- Settings of an installation (our own identifiers, CBP's test and production identifiers) come in as
  ``overrides`` and are marked so.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from schemas.errors import FormatError, Problem

MARKS: Final = ("seen", "recalled", "deduced", "unconfirmed", "settings")


@dataclass(frozen=True, slots=True)
class Fact:
    """A value with its standing: ``mark`` says how sure it is, ``source`` where it comes from."""

    name: str
    value: object
    mark: str
    source: str


@dataclass(frozen=True, slots=True)
class Disposition:
    """What a disposition code (X407) means; ``meaning`` is the gateway's word, ``truck`` if announced for trucks."""

    code: str
    meaning: str
    text: str
    truck: bool
    mark: str
    source: str


@dataclass(frozen=True, slots=True)
class ErrorText:
    """An error of the 355: ``places`` are the elements it speaks of; ``code`` is empty where no number was seen."""

    code: str
    text: str
    places: tuple[str, ...]
    mark: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """Every unconfirmed fact by its name; :meth:`fact` gives its mark and source."""

    name: str
    facts: Mapping[str, Fact]
    dispositions: Mapping[str, Disposition]
    errors: Mapping[str, ErrorText]
    error_texts: Mapping[str, ErrorText]

    element_separator: str
    segment_terminator: str
    component_separator: str
    repetition_separator: str
    envelope_timezone: str
    authorization_qualifier: str
    security_qualifier: str
    sender_qualifier: str
    sender_id: str
    receiver_qualifier: str
    receiver_id: str
    acknowledgment_requested: str
    interchange_versions: Mapping[str, str]
    group_versions: Mapping[str, str]
    trip_number_element: str
    transport_mode: str
    conveyance_name: str
    manifest_country: str
    manifest_types: Mapping[str, str]
    purpose_codes: Mapping[str, str]
    arrival_time_zone: str
    crew_role_codes: Mapping[str, str]
    document_issuer_element: str
    vehicle_plate_element: str
    vehicle_plate_region_element: str
    vehicle_plate_country_element: str
    vehicle_type_element: str
    vehicle_ace_id_element: str
    equipment_plate_element: str
    equipment_plate_region_element: str
    equipment_plate_country_element: str
    equipment_ace_id_element: str
    no_equipment_code: str
    no_equipment_number: str
    bill_types: Mapping[str, str]
    section321_bill_types: tuple[str, ...]
    place_of_loading_form: str
    party_roles: Mapping[str, str]
    weight_units: Mapping[str, str]
    hts_qualifier: str
    amendment_actions: Mapping[str, str]
    amendment_types: Mapping[str, str]
    amendment_reasons: Mapping[str, str]
    completion: str
    completion_event: Mapping[str, str]
    shipments_per_message: int
    k1_pattern: str
    k1_first: str
    k1_second: str
    k3_pattern: str
    k3_format: str
    suspended_bill_error: str
    entry_not_on_file_code: str

    def fact(self, name: str) -> Fact:
        """The fact ``name`` with mark and source; :class:`KeyError` if there is none."""
        return self.facts[name]

    def unconfirmed(self) -> tuple[Fact, ...]:
        """The facts that certification with CBP must still settle, in the order of the data file."""
        return tuple(fact for fact in self.facts.values() if fact.mark != "seen")

    def disposition(self, code: str) -> Disposition:
        """What X407 ``code`` means; a code that is not listed means ``unknown``, never a release."""
        known = self.dispositions.get(code)
        return known or Disposition(code, "unknown", "not in the list", False, "unconfirmed", "")

    def error(self, code: str, text: str = "") -> ErrorText | None:
        """The listed error for a number or, failing that, for a text that begins or holds a listed wording."""
        if code in self.errors:
            return self.errors[code]
        upper = text.upper()
        return next((known for wording, known in self.error_texts.items() if wording in upper), None)

    def element_position(self, fact: str, segment: str) -> int | None:
        """Position (from 1) within ``segment`` named by an element fact, ``None`` where the fact says "not sent".

        Raises :class:`FormatError` (``profile_invalid``) if the fact names another segment.
        """
        reference = str(self.facts[fact].value)
        return _position(fact, reference, segment) if reference else None


@lru_cache(maxsize=256)
def _position(fact: str, reference: str, segment: str) -> int:
    found = re.fullmatch(re.escape(segment) + r"(\d\d)", reference)
    if found is None:
        raise FormatError(
            Problem("profile_invalid", fact, f"{reference!r} is not an element of {segment}.", "Name it like VEH09.")
        )
    return int(found[1])


_OWN: Final = frozenset({"name", "facts", "dispositions", "errors", "error_texts"})
FACT_NAMES: Final = tuple(one.name for one in fields(Profile) if one.name not in _OWN)


@cache
def _document() -> dict[str, Any]:
    return tomllib.loads(files("schemas").joinpath("data/profile.toml").read_text("utf-8"))


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return MappingProxyType(dict(value))
    return tuple(value) if isinstance(value, list) else value


def _error_text(code: str, row: Mapping[str, Any]) -> ErrorText:
    return ErrorText(code, row["text"], tuple(row["places"]), row["mark"], row["source"])


def _faults(facts: Mapping[str, Fact]) -> list[Problem]:
    """What makes a profile unusable: separators that collide, patterns that do not compile."""
    faults = []
    names = ("element_separator", "segment_terminator", "component_separator", "repetition_separator")
    signs = [str(facts[name].value) for name in names]
    faults += [
        Problem(
            "profile_invalid",
            name,
            f"{sign!r} cannot separate.",
            "Give one character that is no letter, digit or space.",
        )
        for name, sign in zip(names, signs, strict=True)
        if len(sign) != 1 or sign.isalnum() or sign == " " or not sign.isascii()
    ]
    if len(set(signs)) != len(signs):
        faults.append(
            Problem("profile_invalid", "separators", "Two separators are the same.", "Give four different signs.")
        )
    if facts["trip_number_element"].value not in ("M1006", "M1007", "M1012"):
        faults.append(
            Problem(
                "profile_invalid",
                "trip_number_element",
                "The trip number has no such place.",
                "Use M1006, M1007 or M1012.",
            )
        )
    for name, groups in (("k1_pattern", {"code"}), ("k3_pattern", {"accepted", "rejected", "state"})):
        try:
            missing = groups - set(re.compile(str(facts[name].value)).groupindex)
            if missing:
                text = f"The pattern has no group {', '.join(sorted(missing))}."
                faults.append(Problem("profile_invalid", name, text, "Name the group: (?P<name>…)."))
        except re.error as error:
            faults.append(
                Problem("profile_invalid", name, f"The pattern does not compile: {error}.", "Mend the pattern.")
            )
    return faults


def _build(name: str, overrides: Mapping[str, object]) -> Profile:
    document = _document()
    if name not in ("default", "alternate"):
        raise FormatError(
            Problem("profile_unknown", "profile", f"There is no profile {name!r}.", "Use default or alternate.")
        )
    facts = {
        key: Fact(key, _frozen(row["value"]), row["mark"], row["source"]) for key, row in document["facts"].items()
    }
    if name == "alternate":
        for key, value in document["alternate"].items():
            facts[key] = Fact(key, _frozen(value), "unconfirmed", "alternate value for tests")
    for key, value in overrides.items():
        if key not in facts:
            raise FormatError(
                Problem(
                    "profile_unknown_fact", key, f"The profile has no fact {key!r}.", "See schemas/data/profile.toml."
                )
            )
        default = facts[key].value
        frozen = _frozen(value)
        if not isinstance(frozen, type(default)):
            raise FormatError(
                Problem(
                    "profile_invalid",
                    key,
                    f"{value!r} is not a {type(default).__name__}.",
                    "Keep the kind of the default.",
                )
            )
        facts[key] = Fact(key, frozen, "settings", "given by the settings of this installation")
    faults = _faults(facts)
    if faults:
        raise FormatError(faults)
    values: dict[str, Any] = {key: fact.value for key, fact in facts.items()}
    return Profile(
        name=name,
        facts=MappingProxyType(facts),
        dispositions=MappingProxyType(
            {code: Disposition(code, **row) for code, row in document["dispositions"].items()}
        ),
        errors=MappingProxyType({code: _error_text(code, row) for code, row in document["errors"].items()}),
        error_texts=MappingProxyType(
            {wording: _error_text("", row) for wording, row in document["error_texts"].items()}
        ),
        **values,
    )


@cache
def _named(name: str) -> Profile:
    return _build(name, {})


def load_profile(name: str = "default", overrides: Mapping[str, object] | None = None) -> Profile:
    """The profile ``default`` or ``alternate``, with facts replaced by ``overrides``.

    Raises :class:`FormatError` for an unknown profile or fact, a value of another kind, colliding separators
    or a pattern that does not compile.
    """
    return _build(name, overrides) if overrides else _named(name)
