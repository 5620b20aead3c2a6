"""What kubectl would do to this cluster, and what it would print: apply, create, replace, delete.

Every command appends its answer to the timeline.
Source: staging/src/k8s.io/kubectl/pkg/cmd/{apply,create,replace,delete} (v1.36).
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from lab.clock import Clock
from lab.cluster.kubectl_options import DeleteOptions, SubmitOptions, delete_options
from lab.cluster.last_applied import LAST_APPLIED, applied_form, last_applied, missing_warning, with_last_applied
from lab.cluster.registry import Registry
from lab.errors import ApiError
from lab.pods.admission import SYSTEM_PRIORITIES, Surroundings
from lab.pods.kinds import KEPT_KINDS
from lab.pods.object_yaml import object_yaml
from lab.pods.refusals import Refusal, refusals_text, refused_as_invalid, warnings_text
from lab.pods.review import ReviewedDocument, Verb, review
from lab.pods.update import three_way_merge, update_errors
from lab.timeline.facts import JSON, CommandAnswered
from lab.timeline.timeline import Timeline

FORCE_WARNING = (
    "Warning: Immediate deletion does not wait for confirmation that the running resource has been terminated. "
    "The resource may continue to run on the cluster indefinitely.\n"
)
_IMMUTABLE = "Forbidden: field is immutable when `immutable` is set"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Taken:
    """A document that was taken: what kubectl says was done (``created``) and the object as it is now."""

    document: ReviewedDocument
    done: str
    object: JSON
    warning: str = ""

    @property
    def name(self) -> str:
        return f"{KEPT_KINDS[self.document.kind].printed}/{self.object['metadata']['name']}"


class Kubectl:
    """kubectl against one cluster."""

    def __init__(self, timeline: Timeline, registry: Registry, clock: Clock, feature_gates: frozenset[str]) -> None:
        self._timeline = timeline
        self._registry = registry
        self._clock = clock
        self._feature_gates = feature_gates

    def apply(
        self,
        text: str,
        *,
        filename: str,
        namespace: str,
        options: SubmitOptions | None = None,
        args: tuple[str, ...] = (),
        run_id: str | None = None,
        recorded: bool = True,
    ) -> CommandAnswered:
        """`kubectl apply -f`: create what is not there, change what is. ``args`` are the flags as written, for the record.
        Returns the answer, and appends it where it is to be ``recorded``."""
        return self._submit(_Submission("apply", text, filename, namespace, options or SubmitOptions(), args, run_id, recorded))

    def create(
        self,
        text: str,
        *,
        filename: str,
        namespace: str,
        options: SubmitOptions | None = None,
        args: tuple[str, ...] = (),
        run_id: str | None = None,
        recorded: bool = True,
    ) -> CommandAnswered:
        """`kubectl create -f`: create, or say that it already exists. Returns and appends the answer."""
        return self._submit(_Submission("create", text, filename, namespace, options or SubmitOptions(), args, run_id, recorded))

    def replace(
        self,
        text: str,
        *,
        filename: str,
        namespace: str,
        options: SubmitOptions | None = None,
        args: tuple[str, ...] = (),
        run_id: str | None = None,
        recorded: bool = True,
    ) -> CommandAnswered:
        """`kubectl replace -f`: put the file's objects into the place of those that are there. Returns and appends the
        answer."""
        return self._submit(_Submission("replace", text, filename, namespace, options or SubmitOptions(), args, run_id, recorded))

    def delete(self, name: str, *, namespace: str, args: tuple[str, ...] = (), run_id: str | None = None) -> CommandAnswered:
        """`kubectl delete pod NAME ARGS…`. Blocks until the object is gone, as kubectl does (unless --wait=false).
        Returns and appends the answer."""
        argv = ("kubectl", "delete", "pod", name, *args)
        began = self._clock.monotonic()
        options = delete_options(args)
        if isinstance(options, str):
            return self._answer(argv, 1, "", f"error: {options}\n", began, run_id)
        return self._answer(argv, *self._deleted(name, namespace, options, run_id), began, run_id)

    def _deleted(self, name: str, namespace: str, options: DeleteOptions, run_id: str | None) -> tuple[int, str, str]:
        warning = FORCE_WARNING if options.force else ""
        try:
            pod = self._registry.delete(
                namespace, name, grace_period_seconds=options.grace_period_seconds, writer="user", run_id=run_id
            )
        except ApiError as error:
            if options.ignore_not_found and error.code == 404:
                return 0, "", warning
            return 1, "", f"{warning}Error from server ({error.reason}): {error.message}\n"
        forced = "force deleted" if options.force else "deleted"
        stdout = f'pod "{name}" {forced} from {namespace} namespace\n'
        if options.wait and not self._wait_until_gone(namespace, name, pod["metadata"]["uid"], options.timeout_seconds):
            return 1, stdout, f"{warning}error: timed out waiting for the condition on pods/{name}\n"
        return 0, stdout, warning

    def _wait_until_gone(self, namespace: str, name: str, uid: str, timeout_seconds: float | None) -> bool:
        def gone() -> bool:
            current = self._registry.view().get("Pod", namespace, name)
            return current is None or current["metadata"]["uid"] != uid

        with self._timeline.changed:
            return self._timeline.changed.wait_for(gone, timeout_seconds)

    # --- apply, create, replace ---

    def _submit(self, given: _Submission) -> CommandAnswered:
        argv = ("kubectl", given.verb, "-f", given.filename, *given.args)
        began, options = self._clock.monotonic(), given.options
        reviewed = review(
            given.text,
            filename=given.filename,
            namespace=given.namespace,
            feature_gates=self._feature_gates,
            verb=given.review_verb,
            around=self._surroundings(given.namespace),
            validation=options.validation,
        )
        taken, refused, warnings = list[_Taken](), [(reviewed.refusal, "")] if reviewed.refusal else [], ""
        for document in reviewed.documents:
            try:
                done = self._submit_one(given, document)
            except _Refused as error:
                refused.append((error.refusal, document.name))
            else:
                taken.append(done)
                warnings += done.warning + warnings_text(document.warnings)
        stderr = warnings + (refusals_text(tuple(refused), filename=given.filename, doing=given.doing) if refused else "")
        rc, stdout = 1 if refused else 0, _printed(taken, options)
        if not given.recorded:
            took = self._clock.monotonic() - began
            return CommandAnswered(argv=argv, rc=rc, stdout=stdout, stderr=stderr, took_seconds=took, run_id=given.run_id)
        return self._answer(argv, rc, stdout, stderr, began, given.run_id)

    def _surroundings(self, namespace: str) -> Surroundings:
        view = self._registry.view()
        classes = {pc["metadata"]["name"]: pc.get("value", 0) for pc in view.list("PriorityClass")}
        accounts = frozenset(account["metadata"]["name"] for account in view.list("ServiceAccount", namespace))
        return Surroundings(accounts=accounts | {"default"}, priorities={**SYSTEM_PRIORITIES, **classes})

    def _submit_one(self, given: _Submission, document: ReviewedDocument) -> _Taken:
        refusal, client = document.refusal, given.options.dry_run == "client"
        if refusal is not None and not (client and refusal.by != "client"):  # a client's dry run asks no server
            raise _Refused(refusal)
        with self._registry.step():  # read and write are one step, where kubectl would see a conflict and try again
            live = self._registry.get(document.kind, document.namespace, document.name) if document.name else None
            if given.verb == "apply" and live is not None:
                return self._change(given, document, live)
            if given.verb == "replace":
                return self._replace(given, document, live)
            return self._create(given, document)

    def _create(self, given: _Submission, document: ReviewedDocument) -> _Taken:
        keeps = given.verb == "apply" or given.options.save_config
        value = document.object or applied_form(document.value, document.namespace)
        if keeps and not given.options.server_side:
            value = with_last_applied(value, document.value)
        if given.options.dry_run == "none":
            try:
                value = self._registry.create(value, run_id=given.run_id)
            except ApiError as error:
                raise _Refused(_by_server(error)) from None
        elif given.options.dry_run == "server" and self._registry.get(document.kind, document.namespace, document.name):
            message = f'{KEPT_KINDS[document.kind].qualified_resource} "{document.name}" already exists'
            raise _Refused(_by_server(ApiError(409, "AlreadyExists", message)))
        return _Taken(document=document, done="created", object=value)

    def _change(self, given: _Submission, document: ReviewedDocument, live: JSON) -> _Taken:
        written = applied_form(document.value, document.namespace)
        warning = ""
        if LAST_APPLIED not in live["metadata"].get("annotations", {}) and not given.options.server_side:
            warning = missing_warning(f"{KEPT_KINDS[document.kind].resource}/{document.name}")
        if document.kind == "Pod":
            merged, changed = three_way_merge(last_applied(live), live, written)
        else:
            merged = document.object or live
            changed = last_applied(live) != written
        if not changed:
            return _Taken(document=document, done="unchanged", object=live, warning=warning)
        self._store(given, document, live, with_last_applied(merged, document.value))
        return _Taken(document=document, done="configured", object=merged, warning=warning)

    def _replace(self, given: _Submission, document: ReviewedDocument, live: JSON | None) -> _Taken:
        if live is None:
            message = f'{KEPT_KINDS[document.kind].qualified_resource} "{document.name}" not found'
            raise _Refused(_by_server(ApiError(404, "NotFound", message)))
        merged = document.object or live
        if document.kind == "Pod":
            kept = {k: v for k, v in live["metadata"].items() if k not in ("labels", "annotations", "finalizers")}
            node = {"nodeName": live["spec"]["nodeName"]} if "nodeName" in live["spec"] else {}
            merged = {**live, "metadata": {**merged["metadata"], **kept}, "spec": {**merged["spec"], **node}}
        self._store(given, document, live, merged)
        return _Taken(document=document, done="replaced", object=merged)

    def _store(self, given: _Submission, document: ReviewedDocument, live: JSON, merged: JSON) -> None:
        """Store a changed object, or refuse as the server does."""
        if document.kind == "Pod":
            errors = update_errors(live, merged, line=document.line)
            if errors and given.options.dry_run != "client":
                raise _Refused(refused_as_invalid("Pod", document.name, errors))
        elif live.get("immutable") and any(live.get(field) != merged.get(field) for field in ("data", "binaryData", "immutable")):
            field = next(field for field in ("immutable", "data", "binaryData") if live.get(field) != merged.get(field))
            raise _Refused(refused_as_invalid(document.kind, document.name, (document.note(field, _IMMUTABLE),)))
        if given.options.dry_run == "none":
            write = self._registry.update if document.kind == "Pod" else self._registry.change
            write(merged, run_id=given.run_id)

    def _answer(
        self, argv: tuple[str, ...], rc: int, stdout: str, stderr: str, began: float, run_id: str | None
    ) -> CommandAnswered:
        took = self._clock.monotonic() - began
        answer = CommandAnswered(argv=argv, rc=rc, stdout=stdout, stderr=stderr, took_seconds=took, run_id=run_id)
        self._timeline.append(answer)
        return answer


@dataclass(frozen=True, slots=True)
class _Submission:
    """One apply, create or replace of a file."""

    verb: str
    text: str
    filename: str
    namespace: str
    options: SubmitOptions
    args: tuple[str, ...]
    run_id: str | None
    recorded: bool

    @property
    def review_verb(self) -> Verb:
        return "apply" if self.verb == "apply" else "create"

    @property
    def doing(self) -> str:
        return "replacing" if self.verb == "replace" else "creating"


class _Refused(Exception):
    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


def _by_server(error: ApiError) -> Refusal:
    return Refusal(by="server", code=error.code, reason=error.reason, message=error.message, notes=())


def _printed(taken: list[_Taken], options: SubmitOptions) -> str:
    match options.output:
        case "":
            done = "serverside-applied" if options.server_side else ""
            return "".join(f"{item.name} {done or item.done}{options.suffix}\n" for item in taken)
        case "name":
            return "".join(f"{item.name}\n" for item in taken)
        case output:
            objects = [item.object for item in taken]
            shown: JSON = (
                objects[0] if len(objects) == 1 else {"apiVersion": "v1", "items": objects, "kind": "List", "metadata": {}}
            )
            if output == "json":
                return json.dumps(shown, indent=4) + "\n" if objects else ""
            return object_yaml(shown) if objects else ""
