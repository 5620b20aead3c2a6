"""A change to a stored pod: how ``kubectl apply`` merges it, and what the API server lets a pod's spec become.

Apply compares three objects: what was applied last, what is stored, what is applied now. Little of a pod may change:
images, an active deadline, added tolerations; hooks may not. Both functions are pure.
Source: staging/src/k8s.io/apimachinery/pkg/util/strategicpatch/patch.go, pkg/apis/core/validation/validation.go
(ValidatePodUpdate), v1.36.
"""

from __future__ import annotations

import copy
import difflib
import json
from typing import Any

from lab.pods.decoding import decode_pod
from lab.pods.defaults import fill_pod
from lab.pods.field_errors import FieldErrors
from lab.pods.lines import LineMap
from lab.pods.notes import FieldNote
from lab.pods.validation import pod_errors

JSON = dict[str, Any]

MERGE_KEYS = {  # core/v1/types.go: patchMergeKey; other lists are replaced as a whole
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "ports": "containerPort",
}
_RETAIN_KEYS = frozenset({"volumes"})  # patchStrategy retainKeys: another source replaces the old one
_INJECTED_LISTS = ("volumes", "volumeMounts")  # admission adds the service account's to both
_GATE = "ContainerStopSignals"
_FORBIDDEN = (
    "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
    "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
    "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_GO_NAMES = {"httpGet": "HTTPGet", "tcpSocket": "TCPSocket", "grpc": "GRPC", "dnsPolicy": "DNSPolicy", "os": "OS", "tty": "TTY"}


def three_way_merge(last_applied: JSON, live: JSON, new: JSON) -> tuple[JSON, bool]:
    """Return the stored object with ``new`` applied and defaults filled, and whether kubectl would send anything.

    ``new`` is the document as written. What ``last_applied`` (empty when there is none) has and ``new`` has not is removed.
    """
    stored = {key: live[key] for key in ("metadata", "spec")}
    written = {key: new[key] for key in ("metadata", "spec") if isinstance(new.get(key), dict)}
    merged = _merged_map({key: last_applied[key] for key in written if key in last_applied}, stored, written)
    merged["metadata"]["namespace"] = live["metadata"]["namespace"]
    changed = merged != stored or _comparable(new) != _comparable(last_applied) or _sends_order(written.get("spec", {}))
    object = admitted({**live, **merged}, live)
    return object, changed


def update_errors(old: JSON, new: JSON, *, line: int = 1) -> tuple[FieldNote, ...]:
    """Return what the server says to replacing ``old`` by ``new`` (both with defaults filled); ``line`` is the document's."""
    lines = LineMap(line)
    errors = FieldErrors(lines)
    old_spec, new_spec = old["spec"], new["spec"]
    for field in ("containers", "initContainers"):
        if len(old_spec.get(field, [])) != len(new_spec.get(field, [])):
            errors.forbidden(f"spec.{field}", "pod updates may not add or remove containers")
            return (*pod_errors(new, lines), *errors.notes)
    _check_deadline(errors, old_spec.get("activeDeadlineSeconds"), new_spec.get("activeDeadlineSeconds"))
    _check_tolerations(errors, old_spec.get("tolerations", []), new_spec.get("tolerations", []))
    munged = _with_allowed_changes_undone(old_spec, new_spec)
    if munged != old_spec:
        errors.forbidden("spec", f"{_FORBIDDEN}\n{_difference(old_spec, munged)}")
    return (*pod_errors(new, lines), *errors.notes)


def _merged_map(last: JSON, live: JSON, new: JSON) -> JSON:
    result = {key: value for key, value in live.items() if key in new or key not in last}
    for key, value in new.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = _merged_value(key, last.get(key), live.get(key), value)
    return result


def _merged_value(key: str, last: Any, live: Any, new: Any) -> Any:
    if isinstance(new, dict) and isinstance(live, dict):
        return _merged_map(last if isinstance(last, dict) else {}, live, new)
    if isinstance(new, list) and isinstance(live, list):
        earlier = last if isinstance(last, list) else []
        if key == "finalizers":
            return [item for item in live if item in new or item not in earlier] + [item for item in new if item not in live]
        if key in MERGE_KEYS and all(isinstance(item, dict) for item in new):
            return _merged_list(key, earlier, live, new)
    return copy.deepcopy(new)


def _merged_list(key: str, last: list[JSON], live: list[JSON], new: list[JSON]) -> list[JSON]:
    """Merge objects by their key; those that only the server knows stay, before the first that stood behind them."""
    name = MERGE_KEYS[key]
    earlier = {item.get(name): item for item in last}
    stored = {item.get(name): item for item in live}
    wanted = {item.get(name) for item in new}
    result = []
    for item in new:
        base = stored.get(item.get(name), {})
        if key in _RETAIN_KEYS:
            base = {field: value for field, value in base.items() if field in item}
        result.append(_merged_map(earlier.get(item.get(name), {}), base, item))
    place = {item.get(name): index for index, item in enumerate(live)}
    at = 0
    for item in live:
        if item.get(name) in wanted or item.get(name) in earlier:
            continue
        while at < len(result) and place.get(result[at].get(name), -1) < place[item.get(name)]:
            at += 1
        result.insert(at, item)
        at += 1
    return result


def _comparable(document: JSON) -> JSON:
    """Return what the annotation says of a document: apply adds the namespace and empty annotations to it."""
    metadata = document.get("metadata")
    kept = {
        key: value for key, value in (metadata or {}).items() if key != "namespace" and not (key == "annotations" and not value)
    }
    return {**document, "metadata": kept}


def _sends_order(spec: JSON) -> bool:
    """Whether the manifest names volumes or mounts: admission's own stand beside them, so kubectl sends their order each time.

    That is why applying such a manifest again is answered ``configured`` (recorded), though nothing changes. The lab
    injects no service-account volume and answers as if it did.
    """
    containers = [item for field in ("containers", "initContainers") for item in spec.get(field) or [] if isinstance(item, dict)]
    return any(owner.get(field) for owner in (spec, *containers) for field in _INJECTED_LISTS)


def admitted(merged: JSON, live: JSON) -> JSON:
    """Decode the merged object, fill its defaults and put back what only the server writes."""
    decoded = decode_pod(
        copy.deepcopy({key: merged[key] for key in ("apiVersion", "kind", "metadata", "spec")}), LineMap(1)
    ).value
    containers = [item for field in ("containers", "initContainers") for item in live["spec"].get(field, [])]
    in_use = any("stopSignal" in container.get("lifecycle", {}) for container in containers)
    gates = frozenset({_GATE}) if in_use else frozenset()
    fill_pod(decoded, namespace=live["metadata"]["namespace"], feature_gates=gates)
    kept = {key: value for key, value in live["metadata"].items() if key not in ("labels", "annotations", "finalizers")}
    return {**live, "metadata": {**decoded["metadata"], **kept}, "spec": decoded["spec"]}


def _check_deadline(errors: FieldErrors, old: int | None, new: int | None) -> None:
    path = "spec.activeDeadlineSeconds"
    if old is not None and new is None:
        errors.invalid(path, None, "must not update from a positive integer to nil value")
    elif old is not None and new is not None and new > old:
        errors.invalid(path, new, "must be less than or equal to previous value")


def _check_tolerations(errors: FieldErrors, old: list[JSON], new: list[JSON]) -> None:
    """Tolerations may be added, and the seconds of an old one may change."""

    def bare(toleration: JSON) -> JSON:
        return {key: value for key, value in toleration.items() if key != "tolerationSeconds"}

    kept = [bare(toleration) for toleration in new]
    if any(bare(toleration) not in kept for toleration in old):
        errors.forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")


def _with_allowed_changes_undone(old: JSON, new: JSON) -> JSON:
    munged = copy.deepcopy(new)
    for field in ("containers", "initContainers"):
        for before, after in zip(old.get(field, []), munged.get(field, []), strict=True):
            after["image"] = before["image"]
    for field in ("activeDeadlineSeconds", "tolerations"):
        munged.pop(field, None)
        if field in old:
            munged[field] = old[field]
    return munged


def _difference(old: JSON, new: JSON) -> str:
    """Return a unified diff of two specs, fields named as in the server's Go types.

    Differs from the API server: it shows unset fields as null too, and fields in their Go order.
    """
    before, after = (_shown(spec).splitlines(keepends=True) for spec in (old, new))
    return "".join(list(difflib.unified_diff(before, after))[2:])


def _shown(spec: JSON) -> str:
    text = json.dumps(_go_named(spec), indent=1, sort_keys=True, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026") + "\n"


def _go_named(value: Any) -> Any:
    if isinstance(value, dict):
        return {_GO_NAMES.get(key, key[:1].upper() + key[1:]): _go_named(item) for key, item in value.items()}
    return [_go_named(item) for item in value] if isinstance(value, list) else value
