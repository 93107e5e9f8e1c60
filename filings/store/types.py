"""How do our values look in a column?

Rules: an instant is aware and is stored in UTC; money is a ``Decimal`` with at most two places and
is stored as whole cents, so that a database can add it up without rounding; a JSON document is
text on SQLite and JSONB on PostgreSQL. A value that does not fit is an error, never cut.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Integer, LargeBinary
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import TypeDecorator, TypeEngine

Json: TypeEngine[Any] = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document; ``None`` is SQL NULL."""

Whole: TypeEngine[int] = BigInteger().with_variant(Integer, "sqlite")
"""A 64-bit whole number (SQLite's own integer, so that it may be a rowid)."""

Bytes = LargeBinary


class Instant(TypeDecorator[datetime]):
    """An aware ``datetime``, kept in UTC with microseconds."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a time without a zone; SQLite keeps UTC without writing the zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Give every instant back aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """A ``Decimal`` amount with at most two decimal places, kept as whole cents."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        """Refuse an amount that has fractions of a cent."""
        if value is None:
            return None
        cents = value * 100
        if cents != cents.to_integral_value():
            raise ValueError(f"{value} has fractions of a cent")
        return int(cents)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:  # noqa: ARG002
        """Cents back to an amount with two places (a database sum may arrive as ``Decimal``)."""
        return None if value is None else Decimal(int(value)).scaleb(-2)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    raise TypeError(f"{type(value).__name__} is not JSON")


def to_json(value: object) -> str:
    """JSON text of a document; amounts become strings, instants ISO 8601 text."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_NON_STR_KEYS).decode()


def from_json(text: str | bytes) -> Any:
    """The document that :func:`to_json` wrote."""
    return orjson.loads(text)


def canonical_json(value: object) -> bytes:
    """The one byte form of a document that may be hashed: sorted keys, no spaces, UTF-8."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_SORT_KEYS)
