"""Receipts that a partner wants posted to an address, kept until they have been.

Revision: 0006, after 0005.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
KEY = sa.String(36)


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "owed_receipts",
        sa.Column("id", KEY, nullable=False),
        sa.Column("partner", sa.String(100), nullable=False),
        sa.Column("message_id", sa.String(255), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("transmission_id", KEY),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("headers", JSON, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(40), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_attempt_at", INSTANT),
        sa.Column("lease_until", INSTANT),
        sa.Column("lease_owner", sa.String(100)),
        sa.Column("wanted_at", INSTANT, nullable=False),
        sa.Column("given_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_owed_receipts"),
        sa.ForeignKeyConstraint(["transmission_id"], ["transmissions.id"], name="fk_owed_receipts_transmission_id"),
        sa.UniqueConstraint("message_id", name="uq_owed_receipts_message_id"),
        comment="Receipts for a partner's messages that it wants posted to an address, and whether they have been.",
    )
    op.create_index("ix_owed_receipts_state_next_attempt_at", "owed_receipts", ["state", "next_attempt_at"])
