"""How is a row looked for that is one of thousands?

``column IN (…)`` names every value by a parameter of its own: a text of thousands of places is made for each statement,
and each number of values is a statement of its own to driver and server. Here all values are one parameter: an array on
PostgreSQL, a JSON list on SQLite.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ARRAY, Boolean, Column, ColumnElement, Dialect, String, Text, bindparam
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.visitors import InternalTraversal
from sqlalchemy.types import TypeDecorator, TypeEngine

from filings.store.types import to_json


class _Texts(TypeDecorator[list[str]]):
    """A list of texts as one parameter."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """An array where there are arrays."""
        return dialect.type_descriptor(ARRAY(String()) if dialect.name == "postgresql" else Text())

    def process_bind_param(self, value: list[str] | None, dialect: Dialect) -> Any:
        """JSON where there are none."""
        return value if dialect.name == "postgresql" or value is None else to_json(value)


class _OneOf(ColumnElement[bool]):
    """``column`` is one of the values of ``listed``."""

    inherit_cache = True
    type = Boolean()
    _is_implicitly_boolean = True  # else SQLite is asked whether it ``= 1``, and looks through the whole table
    _traverse_internals = [  # noqa: RUF012 - as SQLAlchemy declares it
        ("column", InternalTraversal.dp_clauseelement),
        ("listed", InternalTraversal.dp_clauseelement),
    ]

    def __init__(self, column: ColumnElement[Any], values: list[str]) -> None:
        self.column = column
        self.listed = bindparam(None, values, type_=_Texts(), unique=True)


def one_of(column: Column[Any], values: Iterable[str]) -> ColumnElement[bool]:
    """Whether a column of texts has one of these values; none has if there are none."""
    return _OneOf(column, list(values))


@compiles(_OneOf, "postgresql")
def _in_array(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    return f"{compiler.process(element.column, **options)} = ANY({compiler.process(element.listed, **options)})"


@compiles(_OneOf, "sqlite")
def _in_json(element: _OneOf, compiler: SQLCompiler, **options: Any) -> str:
    listed = compiler.process(element.listed, **options)
    return f"{compiler.process(element.column, **options)} IN (SELECT value FROM json_each({listed}))"
