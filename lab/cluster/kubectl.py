"""What kubectl would do to this cluster, and what it would print: apply, create, delete.

Every command appends its answer to the timeline. Source: staging/src/k8s.io/kubectl/pkg/cmd/{apply,create,delete} (v1.36).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from lab.clock import Clock
from lab.cluster.registry import Registry
from lab.errors import ApiError
from lab.pods.decoding import decode_pod
from lab.pods.lines import LineMap
from lab.pods.refusals import Refusal, refusals_text, refused_as_invalid, warnings_text
from lab.pods.review import ReviewedDocument, Verb, review
from lab.pods.update import three_way_merge, update_errors
from lab.timeline.facts import JSON, CommandAnswered
from lab.timeline.timeline import Timeline

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|ms|s|m|h)")
FORCE_WARNING = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. "
    "The resource may continue to run on the cluster indefinitely.\n"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """kubectl delete's flags. ``grace_period_seconds`` is what is sent: None leaves it to the pod's spec."""

    grace_period_seconds: int | None = None
    force: bool = False
    wait: bool = True
    ignore_not_found: bool = False
    timeout_seconds: float | None = None


class Kubectl:
    """kubectl against one cluster."""

    def __init__(self, timeline: Timeline, registry: Registry, clock: Clock, feature_gates: frozenset[str]) -> None:
        self._timeline = timeline
        self._registry = registry
        self._clock = clock
        self._feature_gates = feature_gates

    def apply(self, text: str, *, filename: str, namespace: str, run_id: str | None = None) -> CommandAnswered:
        """`kubectl apply -f`: create what is not there, change what is. Returns and appends the answer."""
        return self._submit("apply", text, filename, namespace, run_id)

    def create(self, text: str, *, filename: str, namespace: str, run_id: str | None = None) -> CommandAnswered:
        """`kubectl create -f`: create, or say that it already exists. Returns and appends the answer."""
        return self._submit("create", text, filename, namespace, run_id)

    def delete(self, name: str, *, namespace: str, args: tuple[str, ...] = (), run_id: str | None = None) -> CommandAnswered:
        """`kubectl delete pod NAME ARGS…`. Blocks until the object is gone, as kubectl does (unless --wait=false).
        Returns and appends the answer."""
        argv = ("kubectl", "delete", "pod", name, *args)
        began = self._clock.monotonic()
        options = delete_options(args)
        if isinstance(options, str):
            return self._answer(argv, 1, "", f"error: {options}\n", began, run_id)
        warning = FORCE_WARNING if options.force else ""
        try:
            pod = self._registry.delete(
                namespace, name, grace_period_seconds=options.grace_period_seconds, writer="user", run_id=run_id
            )
        except ApiError as error:
            if options.ignore_not_found and error.code == 404:
                return self._answer(argv, 0, "", warning, began, run_id)
            return self._answer(argv, 1, "", f"{warning}Error from server ({error.reason}): {error.message}\n", began, run_id)
        forced = "force deleted" if options.force else "deleted"
        stdout = f'pod "{name}" {forced} from {namespace} namespace\n'
        if options.wait and not self._wait_until_gone(namespace, name, pod["metadata"]["uid"], options.timeout_seconds):
            timed_out = f"{warning}error: timed out waiting for the condition on pods/{name}\n"
            return self._answer(argv, 1, stdout, timed_out, began, run_id)
        return self._answer(argv, 0, stdout, warning, began, run_id)

    def _submit(self, verb: Verb, text: str, filename: str, namespace: str, run_id: str | None) -> CommandAnswered:
        argv = ("kubectl", verb, "-f", filename)
        began = self._clock.monotonic()
        reviewed = review(text, filename=filename, namespace=namespace, feature_gates=self._feature_gates, verb=verb)
        stdout = warnings = ""
        refused = [(reviewed.refusal, "")] if reviewed.refusal else []
        for document in reviewed.documents:
            try:
                stdout += self._submit_one(verb, document, run_id)
                warnings += warnings_text(document.warnings)
            except _Refused as error:
                refused.append((error.refusal, document.name))
        stderr = warnings + (refusals_text(tuple(refused), filename=filename) if refused else "")
        return self._answer(argv, 1 if refused else 0, stdout, stderr, began, run_id)

    def _submit_one(self, verb: Verb, document: ReviewedDocument, run_id: str | None) -> str:
        if document.refusal is not None:
            raise _Refused(document.refusal)
        assert document.object is not None  # noqa: S101  # a document is refused or has an object
        with self._timeline.changed:  # read and write are one step, where kubectl would see a conflict and try again
            live = self._registry.view().get("Pod", document.namespace, document.name) if document.name else None
            if verb == "apply" and live is not None:
                return self._change(document, live, run_id)
            value = document.object if verb == "create" else with_last_applied(document.object, document.value)
            try:
                created = self._registry.create(value, run_id=run_id)
            except ApiError as error:
                refusal = Refusal(by="server", code=error.code, reason=error.reason, message=error.message, notes=())
                raise _Refused(refusal) from None
        return f"pod/{created['metadata']['name']} created\n"

    def _change(self, document: ReviewedDocument, live: JSON, run_id: str | None) -> str:
        merged, changed = three_way_merge(last_applied(live), live, applied_form(document.value, document.namespace))
        if not changed:
            return f"pod/{document.name} unchanged\n"
        errors = update_errors(live, merged, line=document.line)
        if errors:
            raise _Refused(refused_as_invalid("Pod", document.name, errors))
        self._registry.update(with_last_applied(merged, document.value), run_id=run_id)
        return f"pod/{document.name} configured\n"

    def _wait_until_gone(self, namespace: str, name: str, uid: str, timeout_seconds: float | None) -> bool:
        def gone() -> bool:
            current = self._registry.view().get("Pod", namespace, name)
            return current is None or current["metadata"]["uid"] != uid

        with self._timeline.changed:
            return self._timeline.changed.wait_for(gone, timeout_seconds)

    def _answer(
        self, argv: tuple[str, ...], rc: int, stdout: str, stderr: str, began: float, run_id: str | None
    ) -> CommandAnswered:
        took = self._clock.monotonic() - began
        answer = CommandAnswered(argv=argv, rc=rc, stdout=stdout, stderr=stderr, took_seconds=took, run_id=run_id)
        self._timeline.append(answer)
        return answer


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def delete_options(args: tuple[str, ...]) -> DeleteOptions | str:
    """Return what kubectl makes of delete's flags, or the error it prints (kubectl/pkg/cmd/delete: Validate)."""
    flags = {"--grace-period": "-1", "--force": "false", "--now": "false", "--wait": "true", "--ignore-not-found": "false"}
    flags |= {"--timeout": "0s"}
    for arg in args:
        flag, given, value = arg.partition("=")
        if flag not in flags:
            return f"unknown flag: {flag}"
        flags[flag] = value if given else "true"
    try:
        grace = int(flags["--grace-period"])
    except ValueError:
        value = flags["--grace-period"]
        return f'invalid argument "{value}" for "--grace-period" flag: strconv.ParseInt: parsing "{value}": invalid syntax'
    force = flags["--force"] == "true"
    if flags["--now"] == "true":
        if grace != -1:
            return "--now and --grace-period cannot be specified together"
        grace = 1
    if grace == 0 and not force:
        grace = 1  # with this flag alone kubectl asks for the shortest graceful deletion
    elif force and grace < 0:
        grace = 0
    elif force and grace > 0 and flags["--now"] != "true":
        return "--force and --grace-period greater than 0 cannot be specified together"
    timeout = duration_seconds(flags["--timeout"])
    if isinstance(timeout, str):
        return f'invalid argument "{flags["--timeout"]}" for "--timeout" flag: {timeout}'
    return DeleteOptions(
        grace_period_seconds=None if grace < 0 else grace,
        force=force,
        wait=flags["--wait"] != "false",
        ignore_not_found=flags["--ignore-not-found"] == "true",
        timeout_seconds=timeout if timeout > 0 else None,
    )


def duration_seconds(text: str) -> float | str:
    """Return the seconds of a Go duration such as ``1m30s``, or the error of Go's time.ParseDuration."""
    if text.removeprefix("-") == "0":
        return 0.0
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.removeprefix("-"):
        missing = text.removeprefix("-").replace(".", "", 1).isdecimal()
        return f'time: {"missing unit in" if missing else "invalid"} duration "{text}"'
    seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    return -seconds if text.startswith("-") else seconds


def applied_form(applied: JSON, namespace: str) -> JSON:
    """Return a manifest as kubectl apply compares it and keeps it: with its namespace and, at least empty, annotations."""
    metadata = {"annotations": {}, **applied.get("metadata", {}), "namespace": namespace}
    return {**applied, "metadata": metadata}


def last_applied(live: JSON) -> JSON:
    """Return what kubectl apply kept in the object; nothing when there is nothing, or what somebody else wrote."""
    try:
        kept = json.loads(live["metadata"].get("annotations", {}).get(LAST_APPLIED, "{}"))
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) and not decode_pod(kept, LineMap(1)).type_errors else {}


def with_last_applied(value: JSON, applied: JSON) -> JSON:
    """Return the object with the annotation in which kubectl apply keeps what it was given."""
    form = applied_form(applied, value["metadata"]["namespace"])
    text = json.dumps(form, sort_keys=True, separators=(",", ":"), ensure_ascii=False) + "\n"
    text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")  # as Go's encoder writes them
    annotations = {**value["metadata"].get("annotations", {}), LAST_APPLIED: text}
    return {**value, "metadata": {**value["metadata"], "annotations": annotations}}
