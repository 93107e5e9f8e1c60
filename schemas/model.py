"""How are records from outside checked so that every fault of a row is reported at once?

A model's own field checks come from pydantic. Checks that look at two fields together must not wait
until both are well formed, so they are plain functions over the raw mapping (``cross_checks``) which
run always and tolerate anything. :func:`validate` joins both lists and gives each fault a stable
code, a path, a sentence and a remedy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError, core_schema

from schemas.errors import Problem
from schemas.identifiers import COUNTRIES, COUNTRY
from schemas.plain_text import REMEDY, unfit_sentence

M = TypeVar("M", bound=BaseModel)
CrossCheck = Callable[[Mapping[str, Any]], Iterable[Problem]]

WHOLE_DIGITS: Final = 15
DECIMALS: Final = 6
_DECIMAL: Final = re.compile(rf"[0-9]{{1,{WHOLE_DIGITS}}}(\.[0-9]{{1,{DECIMALS}}})?")
_SIGNED: Final = re.compile(r"(?P<sign>[+-]?)[0-9]+(\.[0-9]+)?")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

EARLIEST_YEAR: Final = 2000
LATEST_YEAR: Final = 2099
"""Instants outside these years are slips of the pen; the calendar's ends would leave no room for a zone or a day."""

_BOUNDS: Final = frozenset({"greater_than_equal", "less_than_equal"})
_SHORTEN: Final = "Shorten it; nothing is cut for you."

_CODES: Final = {
    "missing": ("missing", "This value is required.", "Add it."),
    "extra_forbidden": ("unknown_key", "This key is not part of the record.", "Check its spelling or leave it out."),
    "string_type": ("not_text", "This must be text.", "Write it as a JSON string."),
    "int_type": ("not_an_integer", "This must be a whole number.", "Write it as a JSON number without decimals."),
    "int_parsing": ("not_an_integer", "This must be a whole number.", "Write digits only."),
    "int_from_float": ("not_an_integer", "This must be a whole number.", "Write digits only."),
    "bool_type": ("not_a_boolean", "This must be true or false.", "Write true or false."),
    "bool_parsing": ("not_a_boolean", "This must be true or false.", "Write true or false."),
    "list_type": ("not_a_list", "This must be a list.", "Write a JSON array."),
    "tuple_type": ("not_a_list", "This must be a list.", "Write a JSON array."),
    "model_type": ("not_an_object", "This must be an object.", "Write a JSON object."),
    "model_attributes_type": ("not_an_object", "This must be an object.", "Write a JSON object."),
    "dict_type": ("not_an_object", "This must be an object.", "Write a JSON object."),
    "date_from_datetime_parsing": ("not_a_date", "This is not a date.", "Write it as YYYY-MM-DD."),
    "date_parsing": ("not_a_date", "This is not a date.", "Write it as YYYY-MM-DD."),
    "date_type": ("not_a_date", "This is not a date.", "Write it as YYYY-MM-DD."),
    "datetime_parsing": ("not_an_instant", "This is not a date and time.", "Write it like 2026-11-23T16:30:00-05:00."),
    "datetime_from_date_parsing": (
        "not_an_instant",
        "This is not a date and time.",
        "Write it like 2026-11-23T16:30:00-05:00.",
    ),
    "datetime_type": ("not_an_instant", "This is not a date and time.", "Write it like 2026-11-23T16:30:00-05:00."),
    "timezone_aware": ("no_time_zone", "The time has no offset from UTC.", "Add the offset, for example -05:00."),
}


class Record(BaseModel):
    """Base of everything that comes from outside: frozen, unknown keys refused, no guessing of types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _decimal(value: object) -> Decimal:
    if isinstance(value, Decimal) and value.is_finite():
        return value
    if isinstance(value, str) and _DECIMAL.fullmatch(value):
        return Decimal(value)
    text, remedy = _no_decimal(value)
    raise PydanticCustomError("not_a_decimal", "{value} " + text, {"value": repr(value)[:60], "remedy": remedy})


def _no_decimal(value: object) -> tuple[str, str]:
    """What keeps a value from being a decimal amount, and what mends it."""
    number = _SIGNED.fullmatch(value) if isinstance(value, str) else None
    if number is None:
        return "is not a decimal amount.", 'Write it as a string of digits with a decimal point, for example "45.00".'
    if number["sign"] == "-":
        return "is negative.", "Give the true amount, which is not below zero."
    if number["sign"]:
        return "has a sign.", "Write it without: an amount is not below zero."
    return (
        f"has too many digits: at most {WHOLE_DIGITS} before the decimal point and {DECIMALS} after it.",
        "Write it with fewer digits; round it where the law lets you.",
    )


def _day(value: object) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str) and _DAY.fullmatch(value):
        try:
            return date.fromisoformat(value)
        except ValueError:
            pass  # falls through to the one error below: no such day in the calendar
    raise PydanticCustomError(
        "not_a_date", "{value} is not a date.", {"value": repr(value)[:60], "remedy": "Write a real day as YYYY-MM-DD."}
    )


def in_years(day: date) -> bool:
    """Whether a day or an instant lies in the years that are taken."""
    return EARLIEST_YEAR <= day.year <= LATEST_YEAR


def _instant(value: object) -> datetime:
    instant = value if isinstance(value, datetime) else None
    if isinstance(value, str) and len(value) >= 16:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError:
            instant = None
    if instant is None:
        words = {"value": repr(value)[:60], "remedy": "Write a real day and time like 2026-11-23T16:30:00-05:00."}
        raise PydanticCustomError("not_an_instant", "{value} is not a date and time.", words)
    if instant.utcoffset() is None:
        raise PydanticCustomError(
            "no_time_zone", "The time has no offset from UTC.", {"remedy": "Add the offset, for example -05:00."}
        )
    if not in_years(instant):
        words = {"years": f"{EARLIEST_YEAR} to {LATEST_YEAR}", "remedy": "Give the true instant."}
        raise PydanticCustomError("out_of_range", "The instant lies outside the years {years}.", words)
    return instant


def _known_country(value: str) -> str:
    if value not in COUNTRIES and COUNTRY.fullmatch(value):
        words = {"value": repr(value), "remedy": "Use the code of the country in ISO 3166, for example CA."}
        raise PydanticCustomError("unknown_country", "{value} is not a country that CBP lists.", words)
    return value


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise PydanticCustomError(
            "not_positive", "The amount must be more than zero.", {"remedy": "Give the true amount."}
        )
    return value


@dataclass(frozen=True, slots=True)
class Text:
    """Marker: text of ``minimum`` to ``maximum`` characters that must fit ``what``."""

    minimum: int
    maximum: int
    what: str

    def check(self, value: str) -> str:
        """The value, or the fault of its length or of a control character in it."""
        if sentence := unfit_sentence(value):
            raise PydanticCustomError("control_character", "{sentence}", {"sentence": sentence, "remedy": REMEDY})
        if len(value) < self.minimum or not value.strip():
            words = {"minimum": self.minimum, "remedy": f"Give {self.what}."}
            sentence = "The value is empty." if not value.strip() else "The value has fewer than {minimum} characters."
            raise PydanticCustomError("too_short", sentence, words)
        if len(value) > self.maximum:
            words = {"length": len(value), "maximum": self.maximum, "what": self.what, "remedy": _SHORTEN}
            raise PydanticCustomError("too_long", "The value has {length} characters; {what} takes {maximum}.", words)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "minLength": self.minimum, "maxLength": self.maximum}


@dataclass(frozen=True, slots=True)
class Shaped:
    """Marker: text that matches ``pattern`` in full."""

    pattern: re.Pattern[str]
    what: str
    remedy: str
    code: str = "wrong_shape"

    def check(self, value: str) -> str:
        """The value, or the fault of its shape."""
        if not self.pattern.fullmatch(value):
            words = {"value": repr(value)[:60], "what": self.what, "remedy": self.remedy}
            raise PydanticCustomError(self.code, "{value} is not {what}.", words)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern.pattern})$"}


@dataclass(frozen=True, slots=True)
class OneOf:
    """Marker: text that is one of a list of codes."""

    codes: tuple[str, ...]
    what: str
    code: str = "unknown_code"

    def check(self, value: str) -> str:
        """The value, or the fault with the codes that are known."""
        if value not in self.codes:
            listed = ", ".join(sorted(self.codes)[:60])
            words = {"value": repr(value)[:60], "what": self.what, "remedy": f"Use one of: {listed}."}
            raise PydanticCustomError(self.code, "{value} is not {what}.", words)
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": "string", "enum": sorted(self.codes)}


_DECIMAL_SCHEMA = WithJsonSchema({"type": "string", "pattern": r"^[0-9]{1,15}(\.[0-9]{1,6})?$"})
Amount = Annotated[Decimal, BeforeValidator(_decimal), _DECIMAL_SCHEMA]
PositiveAmount = Annotated[Decimal, BeforeValidator(_decimal), AfterValidator(_positive), _DECIMAL_SCHEMA]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Instant = Annotated[datetime, BeforeValidator(_instant), WithJsonSchema({"type": "string", "format": "date-time"})]
Country = Annotated[
    str,
    AfterValidator(_known_country),
    Shaped(COUNTRY, "a country code", "Use the two capital letters of ISO 3166, for example CA."),
]


def json_path(location: Iterable[str | int]) -> str:
    """``("lines", 0, "hts")`` → ``lines[0].hts``."""
    path = ""
    for part in location:
        path += f"[{part}]" if isinstance(part, int) else f"{'.' if path else ''}{part}"
    return path


def _problem(error: ErrorDetails) -> Problem:
    path = json_path(error["loc"])
    context = error.get("ctx") or {}
    if error["type"] == "too_short" and "field_type" in context:
        return Problem("too_few", path, "The list is too short.", "Add at least one.")
    if error["type"] == "too_long" and "field_type" in context:
        most = context["max_length"]
        return Problem("too_many", path, f"The list has more than {most} entries.", f"Give at most {most}.")
    if error["type"] == "literal_error":
        expected = str(context.get("expected", "")).replace(" or ", ", ").replace("'", "")
        return Problem("unknown_code", path, "This is not one of the values allowed here.", f"Use one of: {expected}.")
    if error["type"] in _BOUNDS:
        bound = context.get("ge", context.get("le"))
        word = "less" if "ge" in context else "more"
        return Problem("out_of_range", path, f"The number must not be {word} than {bound}.", "Give the true number.")
    known = _CODES.get(error["type"])
    if known:
        code, sentence, remedy = known
        return Problem(code, path, sentence, remedy)
    sentence = error["msg"] if error["msg"].endswith(".") else f"{error['msg']}."
    return Problem(error["type"], path, sentence, str(context.get("remedy") or "See the published JSON Schema."))


def validate(
    model: type[M], raw: object, cross_checks: Iterable[CrossCheck] = ()
) -> tuple[M | None, tuple[Problem, ...]]:
    """The checked record, or ``None`` with every fault found; warnings may come with a good record."""
    problems: list[Problem] = []
    record: M | None = None
    try:
        record = model.model_validate(raw)
    except ValidationError as error:
        problems = [_problem(detail) for detail in error.errors(include_url=False)]
    except RecursionError:
        problems = [
            Problem(
                "too_deep", "", "The record is nested too deeply to be read.", "Send the record in the published shape."
            )
        ]
    if isinstance(raw, Mapping):
        reported = {problem.path for problem in problems}
        for check in cross_checks:
            problems.extend(p for p in check(raw) if p.path not in reported)
    if any(problem.severity == "error" for problem in problems):
        return None, tuple(problems)
    return record, tuple(problems)


def at(raw: object, *keys: str | int) -> Any:
    """The value at a path of keys and indices in raw data, or ``None`` where there is none."""
    for key in keys:
        if isinstance(key, int):
            raw = raw[key] if isinstance(raw, list) and key < len(raw) else None
        else:
            raw = raw.get(key) if isinstance(raw, Mapping) else None
    return raw
