"""Create the table of predictions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Apply this change."""
    op.create_table(
        "predictions",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("example", sa.String, nullable=False),
        sa.Column("made_at", sa.String, nullable=False),
        sa.Column("run_id", sa.String),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_predictions"),
    )
    op.create_index("ix_predictions_cluster_example", "predictions", ["cluster", "example"])
    op.create_index("ix_predictions_example", "predictions", ["example"])
    op.create_index("ix_predictions_run_id", "predictions", ["run_id"])
