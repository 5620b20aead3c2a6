"""Create the tables of instructors, classes and learners."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Apply this change."""
    op.create_table(
        "instructors",
        sa.Column("name", sa.String, nullable=False),
        sa.Column("password_hash", sa.String, nullable=False),
        sa.Column("cluster", sa.String, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_instructors"),
    )
    op.create_table(
        "classes",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("name", sa.String, nullable=False),
        sa.Column("code", sa.String, nullable=False),
        sa.Column("opened_at", sa.String, nullable=False),
        sa.Column("closed_at", sa.String),
        sa.Column("paused", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_classes"),
    )
    op.create_table(
        "learners",
        sa.Column("id", sa.String, nullable=False),
        sa.Column("class_id", sa.String, nullable=False),
        sa.Column("nickname", sa.String, nullable=False),
        sa.Column("cluster", sa.String, nullable=False),
        sa.Column("joined_at", sa.String, nullable=False),
        sa.Column("removed_at", sa.String),
        sa.Column("seat", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_learners"),
        sa.ForeignKeyConstraint(["class_id"], ["classes.id"], name="fk_learners_class_id_classes", ondelete="CASCADE"),
    )
    op.create_index("ix_learners_class_id", "learners", ["class_id"])
