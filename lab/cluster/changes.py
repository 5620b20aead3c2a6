"""A change to a stored pod as the API server takes it: merged, defaults filled, validated, stored; or refused.

Patches and replacements of kubectl and of raw requests end here.
Source: staging/src/k8s.io/apiserver/pkg/endpoints/handlers/{patch,update}.go (v1.36).
"""

from __future__ import annotations

from collections.abc import Callable

from lab.cluster.registry import Registry
from lab.errors import ApiError
from lab.pods.notes import FieldNote
from lab.pods.patch import PatchRefused
from lab.pods.refusals import Refusal, refused_as_invalid
from lab.pods.update import admitted, update_errors
from lab.timeline.facts import JSON


class ChangeRefused(Exception):
    """The server refuses the change; ``refusal`` in its words."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def change_pod(
    registry: Registry,
    namespace: str,
    name: str,
    make: Callable[[JSON], JSON],
    *,
    dry_run: bool = False,
    run_id: str | None = None,
) -> tuple[JSON, bool]:
    """Store what ``make`` makes of the pod; return it, and whether it is another than before. One step: nothing comes between
    reading and writing. Raises ApiError 404 and ChangeRefused."""
    with registry.step():
        live = registry.pod(namespace, name)
        merged = make(live)
        changed = admitted(merged, live)
        if (changed["metadata"], changed["spec"]) == (live["metadata"], live["spec"]):
            return live, False
        errors = update_errors(live, changed)
        if errors:
            raise ChangeRefused(refused_as_invalid("Pod", name, errors))
        return (changed if dry_run else registry.update(changed, run_id=run_id)), True


def change_status(
    registry: Registry, namespace: str, name: str, make: Callable[[JSON], JSON], *, run_id: str | None = None
) -> JSON:
    """Store the status of what ``make`` makes of the pod. Raises ApiError 404."""
    with registry.step():
        live = registry.pod(namespace, name)
        return registry.replace_status({**live, "status": make(live).get("status", {})}, run_id=run_id)


def refused_patch(error: PatchRefused) -> ApiError:
    """Return the server's answer to a patch that does not fit the object."""
    return ApiError(error.code, error.reason, str(error))


def causes(notes: tuple[FieldNote, ...]) -> list[JSON]:
    """Return field errors as a Status' details name them."""
    return [{"reason": note.kind, "message": note.message, "field": note.path} for note in notes]
