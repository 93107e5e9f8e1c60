"""What do all tables have in common? Names of constraints, keys, and the columns that say what a row is about."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, ForeignKey, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

KEY = String(36)
WORD = String(40)


def key_column(name: str = "id", **options: Any) -> Column[str]:
    """A key that the application makes."""
    return Column(name, KEY, **options)


def trip_column(*, nullable: bool = False) -> Column[str]:
    """The trip that a row is about."""
    return Column("trip_number", String(25), ForeignKey("trips.trip_number"), nullable=nullable)


def shipment_column(*, nullable: bool = True) -> Column[str]:
    """The shipment that a row is about, by ``shipments.key``."""
    return Column("shipment_key", KEY, ForeignKey("shipments.key"), nullable=nullable)
