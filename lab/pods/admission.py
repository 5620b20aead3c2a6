"""What admission says to a pod that is well formed: its service account, its priority, its runtime class.

The plugins look other objects up; `Surroundings` is what they find. Nothing here looks for itself.
Source: plugin/pkg/admission/{serviceaccount,priority,runtimeclass} (v1.36).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lab.pods.manifest import Document
from lab.pods.notes import FieldNote
from lab.pods.refusals import Refusal, refused_as_forbidden

JSON = dict[str, Any]

# pkg/apis/scheduling/types.go: every cluster has these
SYSTEM_PRIORITIES = {"system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000}
_DEFAULT_PREEMPTION = "PreemptLowerPriority"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """The service accounts of the pod's namespace, and the priority classes with their values."""

    accounts: frozenset[str] = frozenset({"default"})
    priorities: Mapping[str, int] = field(default_factory=lambda: SYSTEM_PRIORITIES)

    def joined_by(self, object: JSON) -> Surroundings:
        """Return them with one more object beside the pod."""
        name = object["metadata"].get("name", "")
        match object["kind"]:
            case "ServiceAccount":
                return Surroundings(accounts=self.accounts | {name}, priorities=self.priorities)
            case "PriorityClass":
                return Surroundings(accounts=self.accounts, priorities={**self.priorities, name: object.get("value", 0)})
            case _:
                return self


def fill_priority(pod: JSON, around: Surroundings) -> None:
    """Give a decoded pod the priority of its class, where it has none of its own."""
    spec = pod["spec"]
    spec.setdefault("priority", around.priorities.get(spec.get("priorityClassName", ""), 0))
    spec.setdefault("preemptionPolicy", _DEFAULT_PREEMPTION)


def admission_refusal(document: Document, pod: JSON, around: Surroundings) -> Refusal | None:
    """Return what the first plugin that turns the pod away says."""
    spec, metadata = pod["spec"], pod["metadata"]
    found, path = _account(document, metadata, spec, around) or _priority(spec, around) or _runtime_class(spec) or ("", "")
    if not found:
        return None
    message = f'pods "{metadata.get("name", "")}" is forbidden: {found}'
    return refused_as_forbidden(message, FieldNote(path, found, document.lines.line(path), "Forbidden"))


def _account(document: Document, metadata: JSON, spec: JSON, around: Surroundings) -> tuple[str, str] | None:
    account = spec["serviceAccountName"]
    if account in around.accounts:
        return None
    written = document.value.get("spec")
    path = "spec.serviceAccountName" if isinstance(written, dict) and "serviceAccountName" in written else "spec.serviceAccount"
    return f'error looking up service account {metadata["namespace"]}/{account}: serviceaccount "{account}" not found', path


def _priority(spec: JSON, around: Surroundings) -> tuple[str, str] | None:
    name = spec.get("priorityClassName", "")
    if name and name not in around.priorities:
        return f"no PriorityClass with name {name} was found", "spec.priorityClassName"
    computed = around.priorities.get(name, 0)
    if spec["priority"] != computed:
        found = (
            f"the integer value of priority ({spec['priority']}) must not be provided in pod spec; priority admission controller"
            f" computed {computed} from the given PriorityClass name"
        )
        return found, "spec.priority"
    if spec["preemptionPolicy"] != _DEFAULT_PREEMPTION:
        found = (
            f"the string value of PreemptionPolicy ({spec['preemptionPolicy']}) must not be provided in pod spec; priority"
            f" admission controller computed {_DEFAULT_PREEMPTION} from the given PriorityClass name"
        )
        return found, "spec.preemptionPolicy"
    return None


def _runtime_class(spec: JSON) -> tuple[str, str] | None:
    name = spec.get("runtimeClassName")
    return None if not name else (f'pod rejected: RuntimeClass "{name}" not found', "spec.runtimeClassName")
