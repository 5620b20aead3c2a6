from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from lab.pods.review import ReviewedDocument, review
from lab.pods.update import three_way_merge, update_errors

JSON = dict[str, Any]
MANIFESTS = Path(__file__).parent / "manifests"
POD = """\
apiVersion: v1
kind: Pod
metadata: {name: demo, labels: {app: a}}
spec:
  terminationGracePeriodSeconds: 5
  containers:
  - name: app
    image: busybox
    env: [{name: A, value: '1'}, {name: B, value: '2'}]
    ports: [{containerPort: 80, name: web}]
    lifecycle: {preStop: {exec: {command: [a]}}}
"""


def document(text: str) -> ReviewedDocument:
    (found,) = review(text).documents
    assert found.object is not None, found.refusal
    return found


def stored(text: str) -> JSON:
    """A pod as the registry keeps it."""
    object = document(text).object
    assert object is not None
    metadata = {**object["metadata"], "uid": "u-1", "creationTimestamp": "2026-01-01T00:00:00Z", "generation": 3}
    return {**object, "metadata": metadata, "spec": {**object["spec"], "nodeName": "node"}, "status": {"phase": "Running"}}


def applied(before: str, after: str) -> tuple[JSON, JSON, bool]:
    live = stored(before)
    merged, changed = three_way_merge(document(before).value, copy.deepcopy(live), document(after).value)
    return live, merged, changed


def test_applying_the_same_again_changes_nothing() -> None:
    live, merged, changed = applied(POD, POD)
    assert not changed
    assert merged == live


def test_a_new_image_is_allowed() -> None:
    live, merged, changed = applied(POD, POD.replace("busybox", "nginx:1"))
    assert changed
    assert update_errors(live, merged) == ()
    assert merged["spec"]["containers"][0]["image"] == "nginx:1"
    assert merged["spec"]["containers"][0]["imagePullPolicy"] == "Always"  # filled when the pod was created; not in the manifest


def test_what_only_the_server_wrote_stays() -> None:
    live, merged, _ = applied(POD, POD.replace("app: a", "app: b"))
    assert merged["metadata"] == {**live["metadata"], "labels": {"app": "b"}}
    assert (merged["spec"]["nodeName"], merged["status"]) == ("node", {"phase": "Running"})
    assert update_errors(live, merged) == ()


def test_what_was_applied_and_is_gone_now_is_removed() -> None:
    live, merged, changed = applied(POD, POD.replace(", {name: B, value: '2'}", "").replace(", labels: {app: a}", ""))
    assert changed
    assert merged["spec"]["containers"][0]["env"] == [{"name": "A", "value": "1"}]
    assert "labels" not in merged["metadata"]
    assert [note.path for note in update_errors(live, merged)] == ["spec"]


def test_without_an_annotation_nothing_is_removed_and_the_pod_is_configured() -> None:
    live = stored(POD)
    merged, changed = three_way_merge({}, live, document(POD.replace(", {name: B, value: '2'}", "")).value)
    assert changed
    assert [variable["name"] for variable in merged["spec"]["containers"][0]["env"]] == ["A", "B"]


def test_another_handler_beside_one_that_apply_does_not_know_is_one_too_many() -> None:
    live = stored(POD)
    merged, _ = three_way_merge({}, live, document(POD.replace("exec: {command: [a]}", "sleep: {seconds: 1}")).value)
    assert any("may not specify more than 1 handler type" in note.message for note in update_errors(live, merged))


def test_a_changed_hook_is_forbidden_with_a_readable_difference() -> None:
    live, merged, _ = applied(POD, POD.replace("[a]", "['echo >']"))
    (note,) = update_errors(live, merged, line=7)
    assert (note.path, note.kind, note.line) == ("spec", "FieldValueForbidden", 7)
    headline, _, difference = note.message.partition("\n")
    assert headline == (
        "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,"
        "`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),"
        "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
    )
    assert difference.startswith("@@ ")
    assert '-       "a"\n+       "echo \\u003e"\n' in difference
    assert '"PreStop": {' in difference


def test_the_second_document_of_the_same_name_is_forbidden_as_recorded() -> None:
    first, second = review((MANIFESTS / "A4a.yaml").read_text()).documents
    assert first.object is not None
    merged, changed = three_way_merge(first.value, first.object, second.value)
    assert changed
    (note,) = update_errors(first.object, merged)
    for addition in ('+   "HostPath": {', '+     "ContainerPort": 80,', '+     "MountPath": "/usr/share/",', '-       "quit"'):
        assert addition in note.message


def test_a_manifest_with_volumes_is_always_configured_as_recorded() -> None:
    text = (MANIFESTS / "A3.yaml").read_text()
    live, merged, changed = applied(text, text)
    assert changed
    assert merged == live


def test_containers_may_not_be_added() -> None:
    live, merged, _ = applied(POD, POD + "  - {name: other, image: a}\n")
    assert [note.message for note in update_errors(live, merged)] == ["Forbidden: pod updates may not add or remove containers"]


def test_a_deadline_may_be_set_and_shortened_but_not_prolonged_or_taken_back() -> None:
    def with_deadline(seconds: int) -> str:
        return POD.replace("spec:\n", f"spec:\n  activeDeadlineSeconds: {seconds}\n")

    for before, after, expected in (
        (POD, with_deadline(9), []),
        (with_deadline(9), with_deadline(8), []),
        (with_deadline(8), with_deadline(9), ["Invalid value: 9: must be less than or equal to previous value"]),
        (with_deadline(8), POD, ["Invalid value: null: must not update from a positive integer to nil value"]),
    ):
        live, merged, _ = applied(before, after)
        assert [note.message for note in update_errors(live, merged)] == expected


def test_tolerations_may_be_added_but_not_taken_away() -> None:
    tolerating = POD.replace("spec:\n", "spec:\n  tolerations: [{key: a, operator: Exists}]\n")
    live, merged, _ = applied(POD, tolerating)
    assert update_errors(live, merged) == ()
    assert len(merged["spec"]["tolerations"]) == 3
    live, merged, _ = applied(tolerating, POD)
    assert [note.path for note in update_errors(live, merged)] == ["spec.tolerations"]


def test_another_volume_source_replaces_the_old_one() -> None:
    before = POD + "  volumes: [{name: v, emptyDir: {}}]\n"
    _, merged, _ = applied(before, before.replace("emptyDir: {}", "hostPath: {path: /a}"))
    assert merged["spec"]["volumes"] == [{"name": "v", "hostPath": {"path": "/a", "type": ""}}]


def test_finalizers_that_others_added_stay() -> None:
    before = POD.replace("name: demo,", "name: demo, finalizers: [a/b],")
    live = stored(before)
    live["metadata"]["finalizers"] = ["a/b", "x/y"]
    merged, _ = three_way_merge(document(before).value, live, document(before.replace("[a/b]", "[c/d]")).value)
    assert merged["metadata"]["finalizers"] == ["x/y", "c/d"]
