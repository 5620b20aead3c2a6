"""Runs that learners opened from files, as the files' texts.

The id is made from the text, so that the same file has the same address in every lab. There is room for so many bytes; what was
opened longest ago makes room for what is new.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.sqlite import insert

from lab.clock import Clock
from lab.store.database import Database
from lab.store.rows import time_text
from lab.store.tables import bundles

KEPT_BYTES = 256 * 1024 * 1024  # of all bundles: a class's worth of long runs
ID_CHARACTERS = 24  # 96 bits of the text's SHA-256


class Bundles:
    """Usable from any thread. Every method raises StoreError when the database cannot be used."""

    def __init__(self, database: Database, clock: Clock, *, kept_bytes: int = KEPT_BYTES) -> None:
        self._database = database
        self._clock = clock
        self._kept_bytes = kept_bytes

    def keep(self, text: str, cluster: str) -> str:
        """Keep a bundle's text that somebody has opened, and return its id."""
        body = text.encode("utf-8", "surrogatepass")
        row = {
            "id": hashlib.sha256(body).hexdigest()[:ID_CHARACTERS],
            "cluster": cluster,
            "kept_at": time_text(self._clock.now()),
            "size_bytes": len(body),
            "body": text,
        }
        again = {"cluster": row["cluster"], "kept_at": row["kept_at"]}
        with self._database.write("keep a bundle") as connection:
            connection.execute(insert(bundles).values(row).on_conflict_do_update(index_elements=["id"], set_=again))
            total = connection.scalar(select(func.sum(bundles.c.size_bytes))) or 0
            oldest = select(bundles.c.id, bundles.c.size_bytes).where(bundles.c.id != row["id"])
            for kept in connection.execute(oldest.order_by(bundles.c.kept_at, bundles.c.id)).all():
                if total <= self._kept_bytes:
                    break
                connection.execute(delete(bundles).where(bundles.c.id == kept.id))
                total -= kept.size_bytes
        return str(row["id"])

    def get(self, bundle_id: str) -> str | None:
        """Return a bundle's text."""
        with self._database.ask(f"read bundle {bundle_id}") as connection:
            return connection.scalar(select(bundles.c.body).where(bundles.c.id == bundle_id))
