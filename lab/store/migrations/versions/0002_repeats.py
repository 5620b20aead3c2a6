"""Create the table of repeats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Apply this change."""
    op.create_table(
        "repeats",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("example", sa.String, nullable=False),
        sa.Column("opened_at", sa.String, nullable=False),
        sa.Column("ended", sa.String),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_repeats"),
    )
    op.create_index("ix_repeats_cluster_example_opened_at", "repeats", ["cluster", "example", "opened_at"])
    op.create_index("ix_repeats_ended", "repeats", ["ended"])
