from __future__ import annotations

import pytest

from lab.scenarios.jsonpath import UnknownTemplate, found, rendered

POD = {
    "metadata": {"name": "p", "labels": {"app": "web"}, "annotations": {"example.com/a": "x"}},
    "spec": {"containers": [{"name": "a", "image": "busybox"}, {"name": "b", "image": "nginx"}]},
    "status": {
        "conditions": [{"type": "Ready", "status": "True"}, {"type": "Other", "status": "False"}],
        "containerStatuses": [{"restartCount": 2, "ready": True, "state": {"running": {"startedAt": "t"}}}],
    },
}
LIST = {"items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]}


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("{.metadata.name}", "p"),
        (".metadata.name", "p"),
        ("{.metadata['name']}", "p"),
        ("name is {.metadata.name}!", "name is p!"),
        ("{.spec.containers[*].name}", "a b"),
        ("{.spec.containers[1].name}", "b"),
        ("{.spec.containers[-1].name}", "b"),
        ("{.spec.containers[0:1].name}", "a"),
        ("{..image}", "busybox nginx"),
        (r"{.metadata.annotations.example\.com/a}", "x"),
        ('{.status.conditions[?(@.type=="Ready")].status}', "True"),
        ('{.status.conditions[?(@.type!="Ready")].type}', "Other"),
        ("{.status.containerStatuses[?(@.restartCount>1)].restartCount}", "2"),
        ("{.status.containerStatuses[0].state}", '{"running":{"startedAt":"t"}}'),
        ("{.status.containerStatuses[0].ready}", "true"),
        ('{.metadata.name}{"\\n"}', "p\n"),
        ("{.absent.field}", ""),
        ('{range .spec.containers[*]}{.name}={.image}{";"}{end}', "a=busybox;b=nginx;"),
    ],
)
def test_a_template_prints_what_kubectl_prints(template: str, text: str) -> None:
    assert rendered(template, POD) == text


def test_ranges_go_through_a_list() -> None:
    assert rendered('{range .items[*]}{.metadata.name}{"\\n"}{end}', LIST) == "a\nb\n"


@pytest.mark.parametrize("template", ["{.a[(@.length-1)]}", "{range .items[*]}{.a}", "{end}"])
def test_a_template_that_cannot_be_read_is_said_to_be_unknown(template: str) -> None:
    with pytest.raises(UnknownTemplate):
        rendered(template, LIST)


def test_a_path_may_stand_bare() -> None:
    assert (
        found(".metadata.labels.app", POD) == found("{.metadata.labels.app}", POD) == found("metadata.labels.app", POD) == ["web"]
    )
