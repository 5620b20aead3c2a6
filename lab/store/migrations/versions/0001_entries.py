"""Create the tables of clusters, their entries and log lines, runs and snapshots."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Apply this change."""
    op.create_table(
        "clusters",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("created_at", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_clusters"),
    )
    op.create_table(
        "entries",
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("at", sa.String, nullable=False),
        sa.Column("elapsed_seconds", sa.Float, nullable=False),
        sa.Column("pod_uid", sa.String),
        sa.Column("container", sa.String),
        sa.Column("kind", sa.String, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("cluster", "seq", name="pk_entries"),
        sa.ForeignKeyConstraint(["cluster"], ["clusters.id"], name="fk_entries_cluster_clusters", ondelete="CASCADE"),
    )
    op.create_table(
        "log_chunks",
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("lines", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("cluster", "seq", name="pk_log_chunks"),
        sa.ForeignKeyConstraint(
            ["cluster", "seq"], ["entries.cluster", "entries.seq"], name="fk_log_chunks_cluster_entries", ondelete="CASCADE"
        ),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("example", sa.String, nullable=False),
        sa.Column("manifest", sa.Text, nullable=False),
        sa.Column("first_seq", sa.Integer, nullable=False),
        sa.Column("last_seq", sa.Integer),
        sa.Column("opened_at", sa.String, nullable=False),
        sa.Column("ended", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.ForeignKeyConstraint(["cluster"], ["clusters.id"], name="fk_runs_cluster_clusters", ondelete="CASCADE"),
    )
    op.create_index("ix_runs_cluster_example_first_seq", "runs", ["cluster", "example", "first_seq"])
    op.create_index("ix_runs_last_seq", "runs", ["last_seq"])
    op.create_table(
        "snapshots",
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("view", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("cluster", "seq", name="pk_snapshots"),
        sa.ForeignKeyConstraint(["cluster"], ["clusters.id"], name="fk_snapshots_cluster_clusters", ondelete="CASCADE"),
    )
