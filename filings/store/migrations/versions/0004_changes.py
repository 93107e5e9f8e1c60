"""What a version changes, what CBP said of it, what CBP has on file, and what it holds a manifest as.

Revision: 0004, after 0003.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
KEY = sa.String(36)
WORD = sa.String(40)
COMMENTS = {
    "trips": "One truck crossing; plan_stage and planned_through say how far its filings have been made, held_as what "
    "CBP holds its manifest as, judged_at for which instant of arrival the law was applied last, judge_again_at when "
    "that must be done anew.",
    "filing_versions": "Every content a filing has ever had; an amendment adds the next version: what differs, what "
    "was sent for it, and what CBP said.",
    "amendment_items": "What an amendment does to one shipment: its bill, the entry it cancels or changes, the filing "
    "that takes its place.",
}
COLUMNS: dict[str, tuple[sa.Column[Any], ...]] = {
    "trips": (sa.Column("held_as", WORD),),
    "filing_versions": (
        sa.Column("reason_code", sa.String(2)),
        sa.Column("amendment_id", KEY),
        sa.Column("action", WORD),
        sa.Column("state", WORD),
        sa.Column("difference", JSON),
        sa.Column("patch", JSON),
        sa.Column("outcome", JSON),
        sa.Column("settled_at", INSTANT),
    ),
    "amendments": (
        sa.Column("reason_code", sa.String(2)),
        sa.Column("trip_change", WORD),
        sa.Column("completes", sa.Boolean(), nullable=False, server_default=sa.false()),
    ),
    "amendment_items": (
        sa.Column("cancels_reason", sa.String(2)),
        sa.Column("cancels_reference", sa.String(11)),
        sa.Column("changes_filing_id", KEY),
        sa.Column("entry_action", sa.String(1)),
    ),
}
CHANGED = sa.text("version > 1")

FILINGS = sa.table(
    "filings",
    sa.column("id", KEY),
    sa.column("kind", WORD),
    sa.column("trip_number", sa.String(25)),
    sa.column("state", WORD),
    sa.column("version", sa.Integer()),
    sa.column("accepted_version", sa.Integer()),
    sa.column("last_outcome", JSON),
)
VERSIONS = sa.table(
    "filing_versions",
    sa.column("filing_id", KEY),
    sa.column("version", sa.Integer()),
    sa.column("content", JSON),
    sa.column("action", WORD),
    sa.column("state", WORD),
)
TRIPS = sa.table("trips", sa.column("trip_number", sa.String(25)), sa.column("held_as", WORD))


def upgrade() -> None:
    """Add the columns and the table, and say of what is there which version CBP has taken."""
    for table, columns in COLUMNS.items():
        for column in columns:
            op.add_column(table, column)
    op.create_index(
        "ix_filings_changed", "filings", ["trip_number", "state"], sqlite_where=CHANGED, postgresql_where=CHANGED
    )
    op.create_table(
        "declared",
        sa.Column("filing_id", KEY, nullable=False),
        sa.Column("subject", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSON),
        sa.Column("pending_version", sa.Integer()),
        sa.Column("pending", JSON),
        sa.PrimaryKeyConstraint("filing_id", "subject", name="pk_declared"),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name="fk_declared_filing_id"),
        comment="What CBP has on file of a shipment (its key) or trip (the filing's id) since it was first amended, "
        "and the content that waits for CBP's answer.",
    )
    if op.get_bind().dialect.name == "postgresql":
        for table, comment in COMMENTS.items():
            op.create_table_comment(table, comment)
    _say_what_is_in_force()
    _say_what_became_of_versions()
    _say_what_manifests_are_held_as()


def _say_what_is_in_force() -> None:
    """An accepted filing has its newest version in force; of a changed one that waits, the version before it is."""
    table = FILINGS
    accepted = table.c.state == "accepted"
    op.execute(sa.update(table).where(accepted).values(accepted_version=table.c.version))
    waiting = table.c.state.in_(("queued", "sent", "in_doubt", "under_review", "rejected")) & (table.c.version > 1)
    op.execute(sa.update(table).where(waiting).values(accepted_version=table.c.version - 1))
    referred = (table.c.state == "under_review") & (table.c.version > 1)
    op.execute(sa.update(table).where(referred).values(state="requested"))


_BECAME = {
    "accepted": "accepted",
    "cancelled": "accepted",
    "rejected": "refused",
    "requested": "requested",
}


def _say_what_became_of_versions() -> None:
    """The newest version stands as its filing does; those before it had been taken, or nothing came after them."""
    bind = op.get_bind()
    joined = VERSIONS.join(FILINGS, FILINGS.c.id == VERSIONS.c.filing_id)
    query = sa.select(
        VERSIONS.c.filing_id, VERSIONS.c.version, VERSIONS.c.content, FILINGS.c.state, FILINGS.c.version.label("newest")
    ).select_from(joined)
    became = [
        {
            "of": row.filing_id,
            "number": row.version,
            "now": "accepted" if row.version < row.newest else _BECAME.get(row.state, "pending"),
            "by": _action(row.content or {}) if row.version > 1 else None,
        }
        for row in bind.execute(query).all()
    ]
    if became:
        this = (VERSIONS.c.filing_id == sa.bindparam("of")) & (VERSIONS.c.version == sa.bindparam("number"))
        now = sa.update(VERSIONS).where(this).values(state=sa.bindparam("now"), action=sa.bindparam("by"))
        bind.execute(now, became)


def _action(content: Mapping[str, Any]) -> str | None:
    """What was sent for a version after the first."""
    return content.get("action") or ("Y" if "bills" in content else None)


def _say_what_manifests_are_held_as() -> None:
    """A manifest that was accepted is complete; one of which CBP refused some bills is preliminary."""
    bind = op.get_bind()
    query = sa.select(FILINGS.c.trip_number, FILINGS.c.state, FILINGS.c.version, FILINGS.c.last_outcome)
    for row in bind.execute(query.where(FILINGS.c.kind == "manifest")).all():
        said = (row.last_outcome or {}).get("correlation") or {}
        held_as = None
        if row.state == "accepted" or row.version > 1:
            held_as = "complete"
        elif row.state == "rejected" and said.get("accepted"):
            held_as = "preliminary"
        if held_as is not None:
            mine = TRIPS.c.trip_number == row.trip_number
            bind.execute(sa.update(TRIPS).where(mine).values(held_as=held_as))
