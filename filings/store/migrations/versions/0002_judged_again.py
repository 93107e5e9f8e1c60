"""When a trip was judged and must be judged again, what has lapsed, and the amendments that mend it.

Revision: 0002, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
KEY = sa.String(36)
WORD = sa.String(40)
TRIPS = (
    "One truck crossing; plan_stage and planned_through say how far its filings have been made, judged_at "
    "for which instant of arrival the law was applied last, judge_again_at when that must be done anew."
)


def upgrade() -> None:
    """Add the columns and the two tables; a trip that was judged before is judged again for its planned arrival."""
    op.add_column("trips", sa.Column("judged_at", INSTANT))
    op.add_column("trips", sa.Column("judge_again_at", INSTANT))
    op.create_index("ix_trips_judge_again_at", "trips", ["judge_again_at"])
    op.add_column("shipments", sa.Column("lapse", JSON))
    op.create_index("ix_shipments_order_id", "shipments", ["order_id"])
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment("trips", TRIPS)
    trips = sa.table(
        "trips",
        sa.column("estimated_arrival", INSTANT),
        sa.column("judged_at", INSTANT),
        sa.column("judge_again_at", INSTANT),
        sa.column("filed_at", INSTANT),
        sa.column("arrived_at", INSTANT),
    )
    under_way = trips.c.filed_at.is_not(None) & trips.c.arrived_at.is_(None)
    op.execute(
        sa.update(trips)
        .where(under_way)
        .values(judged_at=trips.c.estimated_arrival, judge_again_at=trips.c.estimated_arrival)
    )
    _make_tables()


def _make_tables() -> None:
    op.create_table(
        "amendments",
        sa.Column("id", KEY, nullable=False),
        sa.Column("trip_number", sa.String(25), nullable=False),
        sa.Column("purpose", WORD, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("manifest_filing_id", KEY),
        sa.Column("manifest_version", sa.Integer()),
        sa.Column("made_at", INSTANT, nullable=False),
        sa.Column("made_by", sa.String(200), nullable=False),
        sa.Column("finished_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_amendments"),
        sa.ForeignKeyConstraint(["trip_number"], ["trips.trip_number"], name="fk_amendments_trip_number"),
        comment="A change of what has been filed for a trip, asked for by a person; "
        "open until all its messages are made.",
    )
    op.create_index("ix_amendments_trip_number_finished_at", "amendments", ["trip_number", "finished_at"])
    op.create_table(
        "amendment_items",
        sa.Column("amendment_id", KEY, nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("shipment_key", KEY, nullable=False),
        sa.Column("bill_change", WORD),
        sa.Column("cancels_filing_id", KEY),
        sa.Column("new_filing_id", KEY),
        sa.Column("new_pathway", WORD, nullable=False),
        sa.PrimaryKeyConstraint("amendment_id", "position", name="pk_amendment_items"),
        sa.ForeignKeyConstraint(["amendment_id"], ["amendments.id"], name="fk_amendment_items_amendment_id"),
        sa.ForeignKeyConstraint(["shipment_key"], ["shipments.key"], name="fk_amendment_items_shipment_key"),
        comment="What an amendment does to one shipment: its bill, the entry it cancels, "
        "the filing that takes its place.",
    )
    op.create_index("ix_amendment_items_shipment_key", "amendment_items", ["shipment_key"])
