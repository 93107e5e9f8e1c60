"""Since when a transmission is in doubt, and what is sent again after a failure of CBP's.

Revision: 0005, after 0004.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
KEY = sa.String(36)
WORD = sa.String(40)


def upgrade() -> None:
    """Add column and table; what is in doubt is taken to be so since it was queued."""
    op.add_column("transmissions", sa.Column("doubt_since", INSTANT))
    transmissions = sa.table(
        "transmissions", sa.column("state", WORD), sa.column("created_at", INSTANT), sa.column("doubt_since", INSTANT)
    )
    doubtful = transmissions.c.state == "in_doubt"
    op.execute(sa.update(transmissions).where(doubtful).values(doubt_since=transmissions.c.created_at))
    op.create_table(
        "retries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("transmission_id", KEY, nullable=False),
        sa.Column("trip_number", sa.String(25)),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("first_failed_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("source", WORD, nullable=False),
        sa.Column("code", WORD),
        sa.Column("text", sa.Text()),
        sa.Column("entries", JSON),
        sa.Column("made_transmission_id", KEY),
        sa.Column("made_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_retries"),
        sa.ForeignKeyConstraint(["transmission_id"], ["transmissions.id"], name="fk_retries_transmission_id"),
        comment="A declaration that CBP could not process for a failure of its own, to be sent again when it is due; "
        "entries are the entry numbers meant, null the whole file.",
    )
    op.create_index("ix_retries_made_at_due_at", "retries", ["made_at", "due_at"])
    op.create_index("ix_retries_transmission_id", "retries", ["transmission_id"])
    op.create_index("ix_retries_made_transmission_id", "retries", ["made_transmission_id"])
