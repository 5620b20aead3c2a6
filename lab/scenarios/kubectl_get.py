"""What `kubectl get` and `kubectl events` answer, read from a cluster view.

Pure. `None` means that the lab does not do this form of the verb.
Source: staging/src/k8s.io/kubectl/pkg/cmd/{get,events}; pkg/printers/internalversion/printers.go (v1.36).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.pods.kinds import KEPT_KINDS, KeptKind, is_known_word
from lab.pods.object_yaml import object_yaml
from lab.scenarios.answers import Answer, Targets, not_found, targets_of
from lab.scenarios.jsonpath import UnknownTemplate, found, rendered, shown
from lab.scenarios.kubectl_line import KubectlLine, labels_match, selects
from lab.timeline.columns import table
from lab.timeline.durations import age
from lab.timeline.facts import JSON
from lab.timeline.folds import ClusterView
from lab.timeline.tables import NONE, event_rows, pod_row

EVENT_WORDS = frozenset({"event", "events", "ev", "events.events.k8s.io"})
FLAGS = frozenset(
    {
        *("output", "namespace", "selector", "field-selector", "show-labels", "label-columns", "no-headers", "sort-by"),
        *("ignore-not-found", "all-namespaces", "chunk-size", "request-timeout", "template", "show-kind"),
    }
)
_EVENTS_FLAGS = frozenset({"for", "types", "no-headers", "namespace", "output"})
_SIMPLE_TEMPLATE = re.compile(r"\{\{-?\s*(\.[\w.]+|\"(?:\\.|[^\"\\])*\")\s*-?\}\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Getter:
    """Answers from one moment of one namespace."""

    view: ClusterView
    namespace: str
    now: datetime

    def get(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl get``."""
        if not line.names or not line.only_flags(FLAGS):
            return None
        words = line.names
        if words[0] in EVENT_WORDS and len(words) == 1:
            return self._events(line)
        targets = targets_of(words)
        if targets is None:
            return _unknown(words)
        found_objects: list[tuple[KeptKind, list[JSON]]] = []
        stderr = ""
        for target in targets:
            objects, missing = self._objects(target, line)
            if objects is None:
                return None
            found_objects.append((target.kept, objects))
            if not line.switch("ignore-not-found"):
                stderr += "".join(f"{not_found(name, target.kept.qualified_resource)}\n" for name in missing)
        if not any(objects for _, objects in found_objects):
            named = any(target.names for target in targets)
            return Answer(rc=1 if stderr else 0, stderr=stderr or ("" if named else self.nothing(line)))
        one = len(targets) == 1 and len(targets[0].names) == 1
        try:
            stdout = self._printed(found_objects, line, one=one, several=len(targets) > 1 and not one)
        except UnknownTemplate:
            return None
        return None if stdout is None else Answer(rc=1 if stderr else 0, stdout=stdout, stderr=stderr)

    def events(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl events``."""
        if line.names or not line.only_flags(_EVENTS_FLAGS) or line.flags.get("output", "") not in ("", "wide"):
            return None
        events = list(self.view.list("Event", self.namespace))
        about = line.flags.get("for")
        if about is not None:
            kind, _, name = about.partition("/")
            events = [e for e in events if e["involvedObject"]["name"] == name and kind.lower() in KEPT_KINDS["Pod"].words]
        types = line.flags.get("types")
        if types is not None:
            events = [e for e in events if e["type"] in types.split(",")]
        if not events:
            return Answer(stdout=f"No events found in {self.namespace} namespace.\n")
        header = () if line.switch("no-headers") else (("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"),)
        rows = [self._counted_event(e) for e in sorted(events, key=lambda e: str(e["lastTimestamp"]))]
        return Answer(stdout=table([*header, *rows]))

    def nothing(self, line: KubectlLine) -> str:
        """Return what kubectl says on stderr when a list is empty."""
        return "No resources found\n" if line.switch("all-namespaces") else f"No resources found in {self.namespace} namespace.\n"

    def selected(self, target: Targets, line: KubectlLine) -> list[JSON] | None:
        """Return the objects of a kind that the line's names or selectors choose, by name; None for a selector that cannot be
        read."""
        return self._objects(target, line)[0]

    def _objects(self, target: Targets, line: KubectlLine) -> tuple[list[JSON] | None, list[str]]:
        namespace = self.namespace if target.kept.namespaced else ""
        if target.names:
            pairs = [(name, self.view.get(target.kept.kind, namespace, name)) for name in target.names]
            return [value for _, value in pairs if value is not None], [name for name, value in pairs if value is None]
        terms, fields = labels_match(line.flags["selector"]) if "selector" in line.flags else {}, _fields(line)
        if terms is None or fields is None:
            return None, []
        listed = self.view.list(target.kept.kind, namespace)
        chosen = [o for o in listed if selects(terms, o["metadata"].get("labels") or {}) and _has_fields(o, fields)]
        return sorted(chosen, key=lambda o: str(o["metadata"]["name"])), []

    def _printed(
        self, groups: Sequence[tuple[KeptKind, list[JSON]]], line: KubectlLine, *, one: bool, several: bool
    ) -> str | None:
        output = line.flags.get("output", "")
        objects = [value for _, group in groups for value in group]
        if "sort-by" in line.flags:
            objects = _sorted_by(objects, line.flags["sort-by"])
            groups = [(kept, _sorted_by(group, line.flags["sort-by"])) for kept, group in groups]
        shown_value = (
            objects[0] if one else {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {"resourceVersion": ""}}
        )
        kind, _, template = output.partition("=")
        match kind:
            case "name":
                return "".join(f"{kept.printed}/{o['metadata']['name']}\n" for kept, group in groups for o in group)
            case "yaml":
                return object_yaml(shown_value)
            case "json":
                return json.dumps(shown_value, indent=4) + "\n"
            case "jsonpath":
                return rendered(template or line.flags.get("template", ""), shown_value)
            case "custom-columns":
                return _custom_columns(template, objects, headers=not line.switch("no-headers"))
            case "go-template" | "template":
                return _simple_template(template or line.flags.get("template", ""), shown_value)
            case "" | "wide":
                tables = [self._table(kept, group, line, prefixed=several) for kept, group in groups if group]
                return None if any(text is None for text in tables) else "\n".join(text for text in tables if text is not None)
            case _:
                return None

    def _table(self, kept: KeptKind, objects: Sequence[JSON], line: KubectlLine, *, prefixed: bool) -> str | None:
        wide = line.flags.get("output") == "wide"
        header, rows = self._cells(kept, objects, wide=wide)
        if not header:
            return None
        if prefixed or line.switch("show-kind"):
            rows = [(f"{kept.printed}/{row[0]}", *row[1:]) for row in rows]
        if line.switch("all-namespaces"):
            header = ("NAMESPACE", *header)
            rows = [(o["metadata"].get("namespace", ""), *row) for o, row in zip(objects, rows, strict=True)]
        labels = [o["metadata"].get("labels") or {} for o in objects]
        for key in filter(None, line.flags.get("label-columns", "").split(",")):
            header = (*header, key.rpartition("/")[2].upper())
            rows = [(*row, known.get(key, "")) for row, known in zip(rows, labels, strict=True)]
        if line.switch("show-labels"):
            header = (*header, "LABELS")
            rows = [(*row, labels_cell(known)) for row, known in zip(rows, labels, strict=True)]
        return table(rows if line.switch("no-headers") else [header, *rows])

    def _cells(self, kept: KeptKind, objects: Sequence[JSON], *, wide: bool) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return header and rows of a kind's table; no header for a kind whose table the lab does not print."""
        names = [(o["metadata"]["name"], age(o["metadata"].get("creationTimestamp"), self.now)) for o in objects]
        match kept.kind:
            case "Pod":
                header = pod_header(wide=wide)
                return header, [pod_cells(o, now=self.now, wide=wide) for o in objects]
            case "ConfigMap":
                counts = [str(len(o.get("data", {})) + len(o.get("binaryData", {}))) for o in objects]
                return ("NAME", "DATA", "AGE"), [(n, c, a) for (n, a), c in zip(names, counts, strict=True)]
            case "Secret":
                kinds = [(o["type"], str(len(o.get("data", {})))) for o in objects]
                return ("NAME", "TYPE", "DATA", "AGE"), [(n, *k, a) for (n, a), k in zip(names, kinds, strict=True)]
            case "Service":
                header = ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE")
                return header, [(n, *_service_cells(o), a) for (n, a), o in zip(names, objects, strict=True)]
            case "ServiceAccount":
                return ("NAME", "AGE"), [*names]
            case _:
                return (), []

    def _events(self, line: KubectlLine) -> Answer | None:
        fields = _fields(line)
        if fields is None:
            return None
        events = [e for e in self.view.list("Event", self.namespace) if _has_fields(e, fields)]
        if not events:
            return Answer(stderr=self.nothing(line))
        if "sort-by" in line.flags:
            events = _sorted_by(events, line.flags["sort-by"])
        output = line.flags.get("output", "")
        if output in ("", "wide"):
            header: tuple[str, ...] = ("LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE")
            rows: list[tuple[str, ...]] = [
                (r.last_seen, r.type, r.reason, r.object, r.message) for r in event_rows(events, now=self.now)
            ]
            if output == "wide":
                header = (*header[:4], "SUBOBJECT", "SOURCE", "MESSAGE", "FIRST SEEN", "COUNT", "NAME")
                rows = [(*row[:4], *_wide_event(e, self.now)) for row, e in zip(rows, events, strict=True)]
            return Answer(stdout=table(rows if line.switch("no-headers") else [header, *rows]))
        value = {"apiVersion": "v1", "items": events, "kind": "List", "metadata": {"resourceVersion": ""}}
        kind, _, template = output.partition("=")
        try:
            text = {
                "yaml": lambda: object_yaml(value),
                "json": lambda: json.dumps(value, indent=4) + "\n",
                "jsonpath": lambda: rendered(template, value),
                "custom-columns": lambda: _custom_columns(template, events, headers=not line.switch("no-headers")),
                "name": lambda: "".join(f"event/{e['metadata']['name']}\n" for e in events),
            }.get(kind)
            return None if text is None else Answer(stdout=text())
        except UnknownTemplate:
            return None

    def _counted_event(self, event: JSON) -> tuple[str, ...]:
        last = age(event["lastTimestamp"], self.now)
        count = event.get("count") or 1
        seen = f"{last} (x{count} over {age(event['firstTimestamp'], self.now)})" if count > 1 else last
        about = event["involvedObject"]
        return seen, event["type"], event["reason"], f"{about['kind']}/{about['name']}", str(event.get("message", "")).strip()


def pod_header(*, wide: bool = False) -> tuple[str, ...]:
    """Return the header of the table of pods."""
    return ("NAME", "READY", "STATUS", "RESTARTS", "AGE", *(("IP", "NODE", "NOMINATED NODE", "READINESS GATES") if wide else ()))


def pod_cells(pod: JSON, *, now: datetime, wide: bool = False) -> tuple[str, ...]:
    """Return a pod's row."""
    row = pod_row(pod, now=now)
    cells = (row.name, row.ready, row.status, row.restarts, row.age)
    return (*cells, row.ip, row.node, NONE, row.gates) if wide else cells


def _service_cells(service: JSON) -> tuple[str, str, str, str]:
    """Return type, addresses and ports of a Service, which the lab gives no address."""
    spec = service.get("spec") or {}
    ports = [f"{port.get('port', 0)}/{port.get('protocol', 'TCP')}" for port in spec.get("ports") or ()]
    return str(spec.get("type", "ClusterIP")), NONE, NONE, ",".join(ports) or NONE


def labels_cell(labels: Mapping[str, str]) -> str:
    """Return labels as ``--show-labels`` prints them."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or NONE


def _unknown(words: Sequence[str]) -> Answer | None:
    """Say that the server has no such resource type; None when it has, and the lab does not keep it."""
    for word in (word.partition("/")[0] for word in words[0].split(",")):
        if not is_known_word(word):
            return Answer(rc=1, stderr=f'error: the server doesn\'t have a resource type "{word}"\n')
    return None


def _fields(line: KubectlLine) -> list[tuple[str, bool, str]] | None:
    """Return the field selector as (path, wanted equal, value)."""
    terms: list[tuple[str, bool, str]] = []
    for term in filter(None, line.flags.get("field-selector", "").split(",")):
        path, equals, value = term.replace("==", "=").partition("=")
        if not equals:
            return None
        terms.append((path.removesuffix("!"), not path.endswith("!"), value))
    return terms


def _has_fields(value: JSON, terms: Sequence[tuple[str, bool, str]]) -> bool:
    return all(((found(path, value) or [""])[0] == wanted) == equal for path, equal, wanted in terms)


def _sorted_by(objects: list[JSON], path: str) -> list[JSON]:
    def key(value: JSON) -> tuple[bool, float, str]:
        first = (found(path, value) or [None])[0]
        number = float(first) if isinstance(first, int | float) else 0.0
        return first is not None, number, "" if first is None else shown(first)

    return sorted(objects, key=key)


def _custom_columns(spec: str, objects: Sequence[JSON], *, headers: bool) -> str:
    columns = [column.partition(":") for column in spec.split(",")]
    rows = [tuple(",".join(shown(item) for item in found(path, value)) or NONE for _, _, path in columns) for value in objects]
    return table([*((tuple(name for name, _, _ in columns),) if headers else ()), *rows])


def _simple_template(template: str, value: JSON) -> str:
    """Print a Go template that only names fields. Raises UnknownTemplate for any other."""
    if "{{" in _SIMPLE_TEMPLATE.sub("", template):
        raise UnknownTemplate(template)

    def text(match: re.Match[str]) -> str:
        inside = match[1]
        if inside.startswith('"'):
            return str(json.loads(inside))
        return shown((found(inside, value) or ["<no value>"])[0])

    return _SIMPLE_TEMPLATE.sub(text, template)


def _wide_event(event: JSON, now: datetime) -> tuple[str, ...]:
    source = event.get("source") or {}
    names = [source.get("component") or event.get("reportingComponent", ""), source.get("host", "")]
    return (
        event["involvedObject"].get("fieldPath", ""),
        ", ".join(name for name in names if name),
        str(event.get("message", "")).strip(),
        age(event.get("firstTimestamp"), now),
        str(event.get("count") or 1),
        event["metadata"]["name"],
    )
