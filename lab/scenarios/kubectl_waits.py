"""The verbs that go on until something happens: `kubectl wait`, `get -w`, `logs -f`.

They follow the timeline, write by write, and sleep on nothing else.
Source: staging/src/k8s.io/kubectl/pkg/cmd/{wait,get,logs} (v1.36).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.clock import Clock
from lab.cluster.cluster import Cluster
from lab.cluster.kubectl_options import duration_seconds
from lab.scenarios.answers import Answer, Targets, not_found, targets_of
from lab.scenarios.jsonpath import UnknownTemplate, found, shown
from lab.scenarios.kubectl_get import Getter, pod_cells, pod_header
from lab.scenarios.kubectl_line import KubectlLine, labels_match, selects
from lab.timeline import folds
from lab.timeline.columns import GET_PADDING
from lab.timeline.facts import JSON, ObjectWritten

DEFAULT_TIMEOUT = "30s"  # wait.go
_WAIT_FLAGS = frozenset({"for", "timeout", "namespace", "selector", "all", "output", "field-selector"})
_WATCH_FLAGS = frozenset(
    {"watch", "watch-only", "output-watch-events", "request-timeout", "namespace", "selector", "output", "no-headers"}
)

Judge = Callable[[JSON | None], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watcher:
    """Waits and watches in one namespace of a cluster."""

    cluster: Cluster
    clock: Clock
    namespace: str

    def wait(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl wait``, blocking as long as it does."""
        targets, judge = targets_of(line.names), _judge(line.flags.get("for", ""))
        seconds = duration_seconds(line.flags.get("timeout", DEFAULT_TIMEOUT))
        if targets is None or judge is None or not line.only_flags(_WAIT_FLAGS) or isinstance(seconds, str):
            return None
        wanted = line.flags["for"].partition("=")[0]
        stdout, stderr = "", ""
        deadline = self.clock.monotonic() + (seconds if seconds >= 0 else 7 * 24 * 3600)  # wait.go: a negative one is a week
        chosen: list[tuple[Targets, str]] = []
        for target in targets:
            objects = self._getter().selected(target, line)
            if objects is None:
                return None
            present = [o["metadata"]["name"] for o in objects]
            missing = [name for name in target.names if name not in present]
            if wanted not in ("delete", "create"):
                stderr += "".join(f"{not_found(name, target.kept.qualified_resource)}\n" for name in missing)
            chosen += [(target, name) for name in (present if wanted != "create" else [*present, *missing])]
        if not chosen and not stderr and wanted != "delete":
            return Answer(rc=1, stderr="error: no matching resources found\n")
        for target, name in chosen:
            if self._holds(target, name, judge, deadline):
                stdout += f"{target.kept.printed}/{name} condition met\n"
            else:
                stderr += f"error: timed out waiting for the condition on {target.kept.resource}/{name}\n"
        return Answer(rc=1 if stderr else 0, stdout=stdout, stderr=stderr)

    def watch(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl get pods -w``: a row for each write, until --request-timeout; without one, for ever."""
        targets = targets_of(line.names)
        if targets is None or len(targets) != 1 or targets[0].kept.kind != "Pod" or not line.only_flags(_WATCH_FLAGS):
            return None
        names, terms = targets[0].names, labels_match(line.flags.get("selector", "")) if "selector" in line.flags else {}
        limit = duration_seconds(line.flags.get("request-timeout", "0s"))
        if isinstance(limit, str) or terms is None or line.flags.get("output", "wide") != "wide":
            return None
        timeline, wide = self.cluster.timeline, line.flags.get("output") == "wide"
        told = line.switch("output-watch-events")
        view = timeline.view()
        missing = [name for name in names if view.get("Pod", self.namespace, name) is None]
        if missing:
            return Answer(rc=1, stderr=f"{not_found(missing[0])}\n")

        def watched(value: JSON) -> bool:
            metadata = value["metadata"]
            return (not names or metadata["name"] in names) and selects(terms, metadata.get("labels") or {})

        rows = _Rows(headers=not line.switch("no-headers"))
        header = (*(("EVENT",) if told else ()), *pod_header(wide=wide))
        first = sorted((o for o in view.list("Pod", self.namespace) if watched(o)), key=lambda o: str(o["metadata"]["name"]))
        if not line.switch("watch-only"):
            now = self.clock.now()
            rows.add(header, [(*(("ADDED",) if told else ()), *pod_cells(o, now=now, wide=wide)) for o in first])
        deadline = self.clock.monotonic() + limit if limit else None
        while deadline is None or self.clock.monotonic() < deadline:
            entries = timeline.wait(view.seq, timeout=None if deadline is None else max(0.0, deadline - self.clock.monotonic()))
            for entry in entries:
                view, fact = folds.apply(view, entry), entry.fact
                if not isinstance(fact, ObjectWritten) or fact.kind != "Pod" or fact.namespace != self.namespace:
                    continue
                if watched(fact.object):
                    verb = {"create": "ADDED", "remove": "DELETED"}.get(fact.verb, "MODIFIED")
                    cells = pod_cells(fact.object, now=entry.at, wide=wide)
                    rows.add(header, [(*((verb,) if told else ()), *cells)])
        return Answer(stdout=rows.text)

    def until_ended(self, name: str, container: str) -> None:
        """Block until a container's instance has ended, as ``logs -f`` does."""

        def ended() -> bool:
            pod = self.cluster.registry.view().get("Pod", self.namespace, name)
            status = (pod or {}).get("status") or {}
            states = [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
            return not any("running" in (s.get("state") or {}) for s in states if container in ("", s["name"]))

        with self.cluster.timeline.changed:
            self.cluster.timeline.changed.wait_for(ended)

    def _holds(self, target: Targets, name: str, judge: Judge, deadline: float) -> bool:
        def holds() -> bool:
            return judge(self.cluster.registry.get(target.kept.kind, self.namespace, name))

        with self.cluster.timeline.changed:
            return self.cluster.timeline.changed.wait_for(holds, max(0.0, deadline - self.clock.monotonic()))

    def _getter(self) -> Getter:
        return Getter(view=self.cluster.registry.view(), namespace=self.namespace, now=self.clock.now())


class _Rows:
    """Rows printed one by one: a column never gets narrower again, as kubectl's printer remembers widths."""

    def __init__(self, *, headers: bool) -> None:
        self.text = ""
        self._headers = headers
        self._widths: list[int] = []

    def add(self, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        """Print rows; the header comes before the first."""
        lines = [header, *rows] if self._headers and not self.text and rows else rows
        for cells in lines:
            needed = [len(cell) + GET_PADDING for cell in cells]
            self._widths = [max(pair) for pair in zip(self._widths or [0] * len(cells), needed, strict=True)]
        for cells in lines:
            padded = "".join(cell.ljust(width) for cell, width in zip(cells[:-1], self._widths, strict=False))
            self.text += f"{padded}{cells[-1]}\n"


def _judge(condition: str) -> Judge | None:
    """Return what ``--for`` waits for, judged on an object or its absence; None for what cannot be read."""
    kind, _, rest = condition.partition("=")
    match kind:
        case "delete":
            return lambda value: value is None
        case "create":
            return lambda value: value is not None
        case "condition":
            name, _, wanted = rest.partition("=")
            return _condition_judge(name, wanted or "true") if name else None
        case "jsonpath":
            return _path_judge(rest)
        case _:
            return None


def _condition_judge(name: str, wanted: str) -> Judge:
    def holds(value: JSON | None) -> bool:
        conditions = ((value or {}).get("status") or {}).get("conditions") or ()
        return any(c["type"].lower() == name.lower() and c["status"].lower() == wanted.lower() for c in conditions)

    return holds


def _path_judge(text: str) -> Judge | None:
    path, _, wanted = text.strip("'\"").rpartition("}")
    wanted = wanted.removeprefix("=").strip("'\"")
    path = f"{path}}}" if path else text
    try:
        found(path, {})
    except UnknownTemplate:
        return None
    return lambda value: any(not wanted or shown(item) == wanted for item in found(path, value or {}))
