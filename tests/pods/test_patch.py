from __future__ import annotations

import copy
from typing import Any

import pytest

from lab.pods.patch import PatchRefused, json_patched, merge_patched, strategic_patched

POD: dict[str, Any] = {
    "metadata": {"name": "p", "labels": {"a": "1", "b": "2"}, "finalizers": ["x/y"]},
    "spec": {"containers": [{"name": "c", "image": "busybox"}, {"name": "d", "image": "nginx"}], "grace": 30},
}


def test_a_merge_patch_sets_removes_and_replaces_lists() -> None:
    patch = {"metadata": {"labels": {"a": "3", "b": None}, "finalizers": None}, "spec": {"containers": [{"name": "e"}]}}
    patched = merge_patched(POD, patch)
    assert patched["metadata"] == {"name": "p", "labels": {"a": "3"}}
    assert patched["spec"] == {"containers": [{"name": "e"}], "grace": 30}


def test_a_strategic_patch_merges_named_items_and_adds_others() -> None:
    patch = {"spec": {"containers": [{"name": "d", "image": "busybox"}, {"name": "e", "image": "x"}]}}
    assert [c["image"] for c in strategic_patched(POD, patch)["spec"]["containers"]] == ["busybox", "busybox", "x"]


def test_a_strategic_patch_knows_its_directives() -> None:
    deleted = {"spec": {"containers": [{"name": "c", "$patch": "delete"}], "$setElementOrder/containers": [{"name": "d"}]}}
    assert [c["name"] for c in strategic_patched(POD, deleted)["spec"]["containers"]] == ["d"]
    assert strategic_patched(POD, {"spec": {"$patch": "replace", "grace": 1}})["spec"] == {"grace": 1}
    removed = strategic_patched(POD, {"metadata": {"$deleteFromPrimitiveList/finalizers": ["x/y"]}})
    assert removed["metadata"]["finalizers"] == []


def test_conditions_are_merged_by_their_type() -> None:
    before = {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    patch = {"status": {"conditions": [{"type": "gate", "status": "True"}]}}
    assert [c["type"] for c in strategic_patched(before, patch)["status"]["conditions"]] == ["Ready", "gate"]


def test_a_json_patch_applies_its_operations_in_order() -> None:
    patched = json_patched(
        POD,
        [
            {"op": "test", "path": "/spec/grace", "value": 30},
            {"op": "replace", "path": "/spec/containers/0/image", "value": "nginx"},
            {"op": "add", "path": "/spec/containers/-", "value": {"name": "e"}},
            {"op": "remove", "path": "/metadata/finalizers"},
            {"op": "copy", "from": "/metadata/name", "path": "/metadata/labels/x~1y"},
            {"op": "move", "from": "/metadata/labels/a", "path": "/metadata/labels/z"},
        ],
    )
    assert patched["spec"]["containers"] == [{"name": "c", "image": "nginx"}, {"name": "d", "image": "nginx"}, {"name": "e"}]
    assert patched["metadata"] == {"name": "p", "labels": {"b": "2", "x/y": "p", "z": "1"}}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/metadata/labels/zzz"},
        {"op": "replace", "path": "/nope", "value": 1},
        {"op": "test", "path": "/spec/grace", "value": 1},
        {"op": "add", "path": "/spec/containers/9", "value": {}},
        {"op": "add", "path": "spec", "value": {}},
        {"op": "add", "path": "/spec/x"},
        {"op": "dance", "path": "/spec"},
        "remove",
    ],
)
def test_an_operation_that_does_not_fit_is_rejected_as_the_server_rejects_it(operation: object) -> None:
    with pytest.raises(PatchRefused, match="the server rejected our request due to an error in our request"):
        json_patched(POD, [operation])


def test_no_patch_changes_what_it_is_applied_to() -> None:
    before = copy.deepcopy(POD)
    merge_patched(POD, {"metadata": {"labels": {"a": "9"}}})
    strategic_patched(POD, {"spec": {"containers": [{"name": "c", "image": "x"}]}})
    json_patched(POD, [{"op": "remove", "path": "/spec/containers/0"}])
    assert before == POD
