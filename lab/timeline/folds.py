"""Views of a timeline as left folds: `apply(view, entry)` gives the next view and never changes the old one.

`ClusterView` is what the API server would answer at that instant: the fold of the API writes alone. The truth about a
pod on the node is `lab.timeline.pod_record`. Nothing here does I/O or reads a clock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from lab.timeline.facts import JSON, CommandAnswered, Entry, ObjectWritten, RunFact
from lab.timeline.layers import Layered

EVENT_TTL = timedelta(hours=1)  # kube-apiserver: --event-ttl

Name = tuple[str, str]  # namespace, name

_NONE: Layered[Name, JSON] = Layered()


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterView:
    """Every object the API server holds after entry ``seq``, by kind. An object's ``metadata.resourceVersion`` is the seq of its
    last write. No event was seen last before ``events_since``."""

    seq: int = 0
    kinds: Mapping[str, Layered[Name, JSON]] = field(default_factory=dict)
    events_since: str = field(default="", compare=False)

    def get(self, kind: str, namespace: str, name: str) -> JSON | None:
        """Return one object, or None."""
        return self.kinds.get(kind, _NONE).get((namespace, name))

    def list(self, kind: str, namespace: str | None = None) -> tuple[JSON, ...]:
        """Return the objects of a kind in the order of their creation, of one namespace or of all."""
        return tuple(o for (ns, _), o in self.kinds.get(kind, _NONE).items() if namespace in (None, ns))

    def events_of(self, pod_uid: str) -> tuple[JSON, ...]:
        """Return the Event objects about a pod, oldest first."""
        return tuple(e for e in self.list("Event") if e["involvedObject"].get("uid") == pod_uid)

    def to_json(self) -> JSON:
        """Return the view as plain JSON, for a snapshot."""
        objects = [[kind, *name, value] for kind, of_kind in self.kinds.items() for name, value in of_kind.items()]
        return {"seq": self.seq, "objects": objects}

    @classmethod
    def from_json(cls, value: JSON) -> ClusterView:
        """Rebuild a view from `to_json`."""
        kinds: dict[str, dict[Name, JSON]] = {}
        for kind, namespace, name, stored in value["objects"]:
            kinds.setdefault(kind, {})[namespace, name] = stored
        return cls(seq=value["seq"], kinds={kind: Layered(of_kind) for kind, of_kind in kinds.items()})


def apply(view: ClusterView, entry: Entry) -> ClusterView:
    """Return the view after ``entry``; node facts only move its ``seq`` on."""
    fact = entry.fact
    if not isinstance(fact, ObjectWritten):
        return ClusterView(seq=entry.seq, kinds=view.kinds, events_since=view.events_since)
    name, of_kind, since = (fact.namespace, fact.name), view.kinds.get(fact.kind, _NONE), view.events_since
    of_kind = of_kind.without(name) if fact.verb == "remove" else of_kind.with_item(name, stamped(fact.object, entry.seq))
    if fact.kind == "Event" and fact.verb == "create":
        of_kind, since = _without_expired(of_kind, entry.at, min(since, fact.object["lastTimestamp"]))
    kinds = {**view.kinds, fact.kind: of_kind}
    return ClusterView(seq=entry.seq, kinds={kind: some for kind, some in kinds.items() if some}, events_since=since)


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
    of_run = RunFact | CommandAnswered | ObjectWritten
    return isinstance(fact, of_run) and fact.run_id == run_id


def pods_created_by(entries: Iterable[Entry], run_id: str) -> frozenset[str]:
    """Return the uids of the pods that a run created."""
    return frozenset(
        e.fact.uid
        for e in entries
        if isinstance(e.fact, ObjectWritten) and e.fact.verb == "create" and e.fact.kind == "Pod" and e.fact.run_id == run_id
    )


def _without_expired(events: Layered[Name, JSON], now: datetime, since: str) -> tuple[Layered[Name, JSON], str]:
    """Return the events that have not expired, and when the oldest of them was seen. Nothing is looked at before that one is due:
    a scan for each new event would cost more the longer the day was."""
    horizon = (now - EVENT_TTL).strftime("%Y-%m-%dT%H:%M:%SZ")
    if since >= horizon:
        return events, since
    kept = {name: event for name, event in events.items() if event["lastTimestamp"] >= horizon}
    return Layered(kept), min((event["lastTimestamp"] for event in kept.values()), default="")
