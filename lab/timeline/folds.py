"""Views of a timeline as left folds: `apply(view, entry)` gives the next view and never changes the old one.

`ClusterView` is what the API server would answer at that instant: the fold of the API writes alone. The truth about a
pod on the node is `lab.timeline.pod_record`. Nothing here does I/O or reads a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lab.timeline.facts import JSON, CommandAnswered, Entry, HoldPointsChosen, ObjectWritten, RunAborted, RunClosed, RunOpened

EVENT_TTL = timedelta(hours=1)  # kube-apiserver: --event-ttl

Key = tuple[str, str, str]  # kind, namespace, name


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """Every object the API server holds after entry ``seq``. An object's ``metadata.resourceVersion`` is the seq of its last
    write."""

    seq: int = 0
    objects: Mapping[Key, JSON] = field(default_factory=dict)

    def get(self, kind: str, namespace: str, name: str) -> JSON | None:
        """Return one object, or None."""
        return self.objects.get((kind, namespace, name))

    def list(self, kind: str, namespace: str | None = None) -> tuple[JSON, ...]:
        """Return the objects of a kind in the order of their creation, of one namespace or of all."""
        return tuple(o for (k, ns, _), o in self.objects.items() if k == kind and namespace in (None, ns))

    def events_of(self, pod_uid: str) -> tuple[JSON, ...]:
        """Return the Event objects about a pod, oldest first."""
        return tuple(e for e in self.list("Event") if e["involvedObject"].get("uid") == pod_uid)

    def to_json(self) -> JSON:
        """Return the view as plain JSON, for a snapshot."""
        return {"seq": self.seq, "objects": [[*key, value] for key, value in self.objects.items()]}

    @classmethod
    def from_json(cls, value: JSON) -> ClusterView:
        """Rebuild a view from `to_json`."""
        return cls(seq=value["seq"], objects={(k, ns, n): o for k, ns, n, o in value["objects"]})


def apply(view: ClusterView, entry: Entry) -> ClusterView:
    """Return the view after ``entry``; node facts only move its ``seq`` on."""
    fact = entry.fact
    if not isinstance(fact, ObjectWritten):
        return ClusterView(seq=entry.seq, objects=view.objects)
    key = (fact.kind, fact.namespace, fact.name)
    objects = dict(view.objects)
    if fact.verb == "remove":
        objects.pop(key, None)
    else:
        objects[key] = stamped(fact.object, entry.seq)
    if fact.kind == "Event" and fact.verb == "create":
        _expire_events(objects, entry.at)
    return ClusterView(seq=entry.seq, objects=objects)


def fold(entries: Iterable[Entry], view: ClusterView | None = None) -> ClusterView:
    """Apply entries in order to ``view`` (default: the empty cluster)."""
    view = view or ClusterView()
    for entry in entries:
        view = apply(view, entry)
    return view


def stamped(value: JSON, seq: int) -> JSON:
    """Return the object with ``metadata.resourceVersion`` set to the seq of the write."""
    return {**value, "metadata": {**value["metadata"], "resourceVersion": str(seq)}}


def concerns(entry: Entry, run_id: str, pod_uids: Collection[str]) -> bool:
    """Whether an entry belongs to a run that created the pods with these uids."""
    if entry.pod_uid is not None and entry.pod_uid in pod_uids:
        return True
    fact = entry.fact
    of_run = RunOpened | HoldPointsChosen | RunClosed | RunAborted | CommandAnswered | ObjectWritten
    return isinstance(fact, of_run) and fact.run_id == run_id


def pods_created_by(entries: Iterable[Entry], run_id: str) -> frozenset[str]:
    """Return the uids of the pods that a run created."""
    return frozenset(
        e.fact.uid
        for e in entries
        if isinstance(e.fact, ObjectWritten) and e.fact.verb == "create" and e.fact.kind == "Pod" and e.fact.run_id == run_id
    )


def _expire_events(objects: dict[Key, JSON], now: datetime) -> None:
    horizon = (now - EVENT_TTL).strftime("%Y-%m-%dT%H:%M:%SZ")
    for key in [k for k, o in objects.items() if k[0] == "Event" and o["lastTimestamp"] < horizon]:
        del objects[key]
