"""Which rule books have been used, and where in the archive their text is.

Revision: 0003, after 0002.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table; a version that was used before is kept when it is used next."""
    op.create_table(
        "rule_books",
        sa.Column("version", sa.String(100), nullable=False),
        sa.Column("archive_position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("first_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("version", name="pk_rule_books"),
        comment="Versions of the rule book that decisions were made with, and the archive entry that has their text.",
    )
