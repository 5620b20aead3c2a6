from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.kubelet.stage import Stage, brief, container, pod, polite

Given = Callable[..., Stage]
PREEMPTION = "no new claims to deallocate, preemption: 0/1 nodes are available: 1"


def required(*expressions: dict[str, Any]) -> dict[str, Any]:
    terms = {"nodeSelectorTerms": [{"matchExpressions": list(expressions)}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}


def expression(operator: str, *values: str, key: str = "kubernetes.io/os") -> dict[str, Any]:
    return {"key": key, "operator": operator, "values": list(values)}


@pytest.mark.parametrize(
    "affinity",
    [
        {},
        {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 1, "preference": {}}]}},
        required(expression("In", "linux", "windows")),
        required(expression("NotIn", "windows"), expression("Exists"), expression("DoesNotExist", key="gpu")),
    ],
)
def test_a_pod_goes_to_the_node_that_its_affinity_allows(given: Given, affinity: dict[str, Any]) -> None:
    story = given(app=polite()).run(pod(container(), affinity=affinity))
    assert story.status["phase"] == "Running"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"affinity": required(expression("In", "windows"))}, "1 node(s) didn't match Pod's node affinity/selector"),
        ({"affinity": required(expression("Exists", key="gpu"))}, "1 node(s) didn't match Pod's node affinity/selector"),
        ({"nodeSelector": {"disk": "ssd"}}, "1 node(s) didn't match Pod's node affinity/selector"),
    ],
)
def test_a_pod_that_asks_for_another_node_stays_pending(given: Given, spec: dict[str, Any], why: str) -> None:
    story = given(app=polite()).run(pod(container(), **spec))
    assert story.status["phase"] == "Pending"
    expected = f"FailedScheduling: 0/1 nodes are available: {why}. {PREEMPTION} Preemption is not helpful for scheduling."
    assert story.events() == [expected]


def test_a_pod_that_requests_more_than_the_node_has_stays_pending(given: Given) -> None:
    large = container(resources={"requests": {"cpu": "100", "memory": "1Ti"}})
    story = given(app=polite()).run(pod(large))
    why = "1 Insufficient cpu, 1 Insufficient memory"
    expected = f"FailedScheduling: 0/1 nodes are available: {why}. {PREEMPTION} No preemption victims found for incoming pod."
    assert story.events() == [expected]
    story.delete()
    assert not story.is_in_api


def test_containers_request_together_and_init_containers_one_by_one(given: Given) -> None:
    half = {"resources": {"requests": {"cpu": "1"}}}
    fits = json.loads(pod(container("app", **half), container("side", **half)))
    fits["spec"]["initContainers"] = [container("init", resources={"requests": {"cpu": "2"}})]
    story = given(app=polite(), side=polite(), init=brief((0.1, 0))).run(json.dumps(fits))
    assert "Scheduled" in story.event_reasons()


def test_a_pod_of_another_scheduler_is_left_alone(given: Given) -> None:
    story = given(app=polite()).run(pod(container(), schedulerName="mine"))
    assert story.status["phase"] == "Pending"
    assert story.events() == []
