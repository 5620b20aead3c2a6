"""Create the table of runs that were opened from files."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply this change."""
    op.create_table(
        "bundles",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("kept_at", sa.String, nullable=False),
        sa.Column("size_bytes", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_bundles"),
    )
    op.create_index("ix_bundles_kept_at", "bundles", ["kept_at"])
