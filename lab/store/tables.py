"""The tables of the store.

``entries`` is the truth; ``runs`` and ``snapshots`` can be computed from it and only make it quick to find. What containers
wrote is in ``log_chunks``, so that a flood of it stays out of the way of the story; ``repeats`` only name their runs. Times are
RFC 3339 text in UTC, bodies JSON text. A change here comes with a new script in ``migrations/versions``; a test compares the two.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, ForeignKeyConstraint, Index, Integer, MetaData, String, Table, Text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

clusters = Table(
    "clusters",
    metadata,
    Column("id", String, primary_key=True),
    Column("created_at", String, nullable=False),
)

entries = Table(
    "entries",
    metadata,
    Column("cluster", String, ForeignKey("clusters.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", String, nullable=False),
    Column("elapsed_seconds", Float, nullable=False),
    Column("pod_uid", String),
    Column("container", String),
    Column("kind", String, nullable=False),
    Column("body", Text, nullable=False),  # the fact's fields; a LogChunk's lines are in log_chunks
)

log_chunks = Table(
    "log_chunks",
    metadata,
    Column("cluster", String, primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("lines", Text, nullable=False),
    ForeignKeyConstraint(["cluster", "seq"], ["entries.cluster", "entries.seq"], ondelete="CASCADE"),
)

runs = Table(
    "runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("cluster", String, ForeignKey("clusters.id", ondelete="CASCADE"), nullable=False),
    Column("example", String, nullable=False),
    Column("manifest", Text, nullable=False),
    Column("first_seq", Integer, nullable=False),
    Column("last_seq", Integer),
    Column("opened_at", String, nullable=False),
    Column("ended", Text),  # the RunClosed or RunAborted
    Index(None, "cluster", "example", "first_seq"),
    Index(None, "last_seq"),  # the live ones
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("cluster", String, ForeignKey("clusters.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("view", Text, nullable=False),
)

repeats = Table(
    "repeats",
    metadata,
    Column("id", String, primary_key=True),
    Column("cluster", String, nullable=False),  # the learner's, which may have no entry yet
    Column("example", String, nullable=False),
    Column("opened_at", String, nullable=False),
    Column("ended", String),
    Column("body", Text, nullable=False),
    Index(None, "cluster", "example", "opened_at"),
    Index(None, "ended"),  # those that go on
)

predictions = Table(
    "predictions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("cluster", String, nullable=False),  # the learner's, which may have no entry yet
    Column("example", String, nullable=False),
    Column("made_at", String, nullable=False),
    Column("run_id", String),  # the run that it was made for, once there is one
    Column("body", Text, nullable=False),
    Index(None, "cluster", "example"),
    Index(None, "example"),
    Index(None, "run_id"),
)

bundles = Table(
    "bundles",
    metadata,
    Column("id", String, primary_key=True),
    Column("cluster", String, nullable=False),  # who opened it last
    Column("kept_at", String, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "kept_at"),
)

progress = Table(
    "progress",
    metadata,
    Column("cluster", String, primary_key=True),  # the learner's, which may have no entry yet
    Column("kind", String, primary_key=True),
    Column("item", String, primary_key=True),
    Column("at", String, nullable=False),
    Column("value", String, nullable=False),
)

instructors = Table(
    "instructors",
    metadata,
    Column("name", String, primary_key=True),
    Column("password_hash", String, nullable=False),
    Column("cluster", String, nullable=False),
)

classes = Table(
    "classes",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    Column("code", String, nullable=False),
    Column("opened_at", String, nullable=False),
    Column("closed_at", String),
    Column("paused", Boolean, nullable=False),
)

learners = Table(
    "learners",
    metadata,
    Column("id", String, primary_key=True),
    Column("class_id", String, ForeignKey("classes.id", ondelete="CASCADE"), nullable=False),
    Column("nickname", String, nullable=False),
    Column("cluster", String, nullable=False),  # which may have no entry yet
    Column("joined_at", String, nullable=False),
    Column("removed_at", String),
    Column("seat", Integer, nullable=False),  # how often it was moved to another browser
    Index(None, "class_id"),
)
