"""What CBP was asked about filings that it had not answered.

Revision: 0007, after 0006.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
KEY = sa.String(36)


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "inquiries",
        sa.Column("id", KEY, nullable=False),
        sa.Column("transmission_id", KEY, nullable=False),
        sa.Column("filing_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("answered_at", INSTANT),
        sa.PrimaryKeyConstraint("id", name="pk_inquiries"),
        sa.ForeignKeyConstraint(["transmission_id"], ["transmissions.id"], name="fk_inquiries_transmission_id"),
        sa.ForeignKeyConstraint(["filing_id"], ["filings.id"], name="fk_inquiries_filing_id"),
        comment="A file by which CBP was asked for a filing that it had not answered.",
    )
    op.create_index("ix_inquiries_filing_id_version", "inquiries", ["filing_id", "version"])
    op.create_index("ix_inquiries_transmission_id", "inquiries", ["transmission_id"])
