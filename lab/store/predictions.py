"""Learners' predictions, kept for the comparison with their run and for what a class had right.

A learner has at most one prediction per example that waits for a run; the next run of the example takes it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, insert, select, update

from lab.clock import Clock
from lab.insight.predictions import KeptPrediction, Prediction
from lab.store.database import Database
from lab.store.remembered import Remembered
from lab.store.rows import dump, time_text
from lab.store.tables import predictions


class Predictions:
    """Usable from any thread. Every method raises StoreError when the database cannot be used."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting = Remembered[Mapping[str, KeptPrediction]]()  # by cluster, then by example
        self._of_runs = Remembered[KeptPrediction | None]()

    def keep(self, cluster: str, example: str, prediction: Prediction) -> None:
        """Keep a prediction for the next run of the example, in place of one that still waits."""
        row = {
            "cluster": cluster,
            "example": example,
            "made_at": time_text(self._clock.now()),
            "body": dump({"order": prediction.order, "never": prediction.never}),
        }
        with self._database.write(f"store a prediction of cluster {cluster}") as connection:
            connection.execute(delete(predictions).where(_waiting(cluster, example)))
            connection.execute(insert(predictions), row)
        self._waiting.forget(cluster)

    def withdraw(self, cluster: str, example: str) -> None:
        """Forget the prediction that waits for a run, if there is one."""
        with self._database.write(f"drop a prediction of cluster {cluster}") as connection:
            connection.execute(delete(predictions).where(_waiting(cluster, example)))
        self._waiting.forget(cluster)

    def bind(self, cluster: str, example: str, run_id: str) -> bool:
        """Give the prediction that waits to a run; say whether there was one."""
        if self.waiting(cluster, example) is None:
            return False  # and nobody who writes is waited for
        with self._database.write(f"give run {run_id} its prediction") as connection:
            connection.execute(update(predictions).where(_waiting(cluster, example)).values(run_id=run_id))
        self._waiting.forget(cluster)
        self._of_runs.forget(run_id)
        return True

    def waiting(self, cluster: str, example: str) -> KeptPrediction | None:
        """Return the prediction that waits for a run."""
        return self._waiting.get(cluster, lambda: self._waiting_of(cluster)).get(example)

    def of_run(self, run_id: str) -> KeptPrediction | None:
        """Return the prediction that was made for a run."""
        query = select(predictions).where(predictions.c.run_id == run_id)
        return self._of_runs.get(run_id, lambda: next(iter(self._all(query)), None))

    def of_example(self, example: str, clusters: Collection[str] | None = None) -> tuple[KeptPrediction, ...]:
        """Return what was predicted of an example and then run, oldest first, by everybody or by these clusters alone."""
        query = select(predictions).where(predictions.c.example == example, predictions.c.run_id.is_not(None))
        if clusters is not None:
            query = query.where(predictions.c.cluster.in_(clusters))
        return self._all(query)

    def examples(self, clusters: Collection[str]) -> dict[str, int]:
        """Return how many of these clusters made a prediction of each example and then ran it, the latest example first."""
        query = (
            select(predictions.c.example, func.count(predictions.c.cluster.distinct()))
            .where(predictions.c.cluster.in_(clusters), predictions.c.run_id.is_not(None))
            .group_by(predictions.c.example)
            .order_by(func.max(predictions.c.id).desc())
        )
        with self._database.ask("read predictions") as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def forget_all(self) -> None:
        """Read everything again: what was kept of somebody is deleted."""
        self._waiting.forget_all()
        self._of_runs.forget_all()

    def _waiting_of(self, cluster: str) -> dict[str, KeptPrediction]:
        query = select(predictions).where(predictions.c.cluster == cluster, predictions.c.run_id.is_(None))
        return {kept.example: kept for kept in self._all(query)}

    def _all(self, query: Select[Any]) -> tuple[KeptPrediction, ...]:
        with self._database.ask("read predictions") as connection:
            return tuple(_kept(row) for row in connection.execute(query.order_by(predictions.c.id)))


def _waiting(cluster: str, example: str) -> Any:
    return (predictions.c.cluster == cluster) & (predictions.c.example == example) & predictions.c.run_id.is_(None)


def _kept(row: Row[Any]) -> KeptPrediction:
    body = json.loads(row.body)
    return KeptPrediction(
        cluster=row.cluster,
        example=row.example,
        made_at=datetime.fromisoformat(row.made_at),
        run_id=row.run_id,
        prediction=Prediction(order=tuple(body["order"]), never=tuple(body["never"])),
    )
