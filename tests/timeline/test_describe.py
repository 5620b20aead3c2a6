"""Texts recorded from kubectl 1.36 on a real node, against ours for the same object, events and moment."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lab.timeline.describe import describe_pod
from lab.timeline.describe_containers import describe_probe
from lab.timeline.durations import parse_timestamp
from lab.timeline.tables import pods_table

RECORDED = Path(__file__).parent / "describe"
NAMES = sorted(path.name.removesuffix(".get.txt") for path in RECORDED.glob("*.get.txt"))
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def recorded(name: str) -> tuple[dict[str, Any], list[dict[str, Any]], datetime]:
    given = json.loads((RECORDED / f"{name}.json").read_text())
    return given["pod"], given["events"], parse_timestamp(given["now"])


@pytest.mark.parametrize("name", NAMES)
def test_describe_prints_what_kubectl_printed_for_a_recorded_pod(name: str) -> None:
    pod, events, now = recorded(name)
    assert describe_pod(pod, events, now=now) == (RECORDED / f"{name}.txt").read_text()


@pytest.mark.parametrize("name", [name for name in NAMES if name != "e5"])  # e5's table has a second pod
def test_the_wide_row_is_what_kubectl_printed_for_a_recorded_pod(name: str) -> None:
    pod, _, described_at = recorded(name)
    printed = (RECORDED / f"{name}.get.txt").read_text()
    # kubectl was called again for the row, up to two seconds after describe.
    moments = (described_at + timedelta(seconds=tenths / 10) for tenths in range(20))
    assert printed in {pods_table([pod], now=now, wide=True) for now in moments}


def minimal_pod(**spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": "busybox"} | spec.pop("container", {})]
    return {
        "metadata": {"name": "p", "namespace": "n"},
        "spec": {"containers": containers, **spec},
        "status": {"phase": "Pending"},
    }


def test_a_pod_that_no_kubelet_has_seen_has_no_node_no_status_lines_and_no_events() -> None:
    text = describe_pod(minimal_pod(), [], now=NOW)
    assert "Node:         <none>\n" in text
    assert "Container ID" not in text
    assert "State:" not in text
    assert "Volumes:          <none>\n" in text
    assert text.endswith("Events:           <none>\n")


def test_a_lifecycle_hook_is_printed_nowhere() -> None:
    hook = {"exec": {"command": ["echo", "you-will-not-see-me"]}}
    text = describe_pod(minimal_pod(container={"lifecycle": {"postStart": hook, "preStop": hook}}), [], now=NOW)
    assert "you-will-not-see-me" not in text
    assert "ifecycle" not in text


def test_a_long_annotation_is_cut_and_goes_on_its_own_line() -> None:
    pod = minimal_pod()
    pod["metadata"]["annotations"] = {
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "long": "x" * 200,
        "short": "y",
    }
    text = describe_pod(pod, [], now=NOW)
    assert f"long:\n{' ' * 16}{'x' * 138}...\n" in text
    assert "short: y\n" in text
    assert "last-applied" not in text


def test_an_escape_sequence_cannot_reach_the_terminal() -> None:
    text = describe_pod(minimal_pod(container={"command": ["\x1b[31mred\r"]}), [], now=NOW)
    assert "\x1b" not in text
    assert "^[[31mred\\r" in text


def test_ports_and_environment_are_printed_with_their_names_and_sources() -> None:
    container = {
        "ports": [
            {"containerPort": 80, "name": "web", "protocol": "TCP"},
            {"containerPort": 53, "protocol": "UDP", "hostPort": 5353},
        ],
        "env": [
            {"name": "LINES", "value": "one\ntwo"},
            {"name": "WHO", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}},
            {"name": "WHERE", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "status.podIP"}}},
        ],
        "volumeMounts": [{"name": "v", "mountPath": "/z"}, {"name": "v", "mountPath": "/a", "readOnly": True, "subPath": "s"}],
        "resources": {"limits": {"memory": "64Mi", "cpu": "100m"}},
    }
    lines = [line.rstrip() for line in describe_pod(minimal_pod(container=container), [], now=NOW).splitlines()]
    assert "    Ports:       80/TCP (web), 53/UDP" in lines
    assert "    Host Ports:  0/TCP (web), 5353/UDP" in lines
    assert [line for line in lines if line.startswith("      ")] == [
        "      cpu:     100m",
        "      memory:  64Mi",
        "      LINES:  one",
        "              two",
        "      WHO:    p (v1:metadata.name)",
        "      WHERE:   (v1:status.podIP)",
        '      /a from v (ro,path="s")',
        "      /z from v (rw)",
    ]


@pytest.mark.parametrize(
    ("handler", "words"),
    [
        ({"exec": {"command": ["test", "-f", "/x"]}}, "exec [test -f /x] "),
        ({"httpGet": {"port": 8080, "path": "/a b", "scheme": "HTTP"}}, "http-get http://:8080/a%20b "),
        ({"httpGet": {"port": "web", "path": "ok", "scheme": "HTTPS", "host": "::1"}}, "http-get https://[::1]:web/ok "),
        ({"tcpSocket": {"port": 80}}, "tcp-socket :80 "),
        ({"grpc": {"port": 50051, "service": "s"}}, "grpc <pod>:50051 s "),
        ({}, "unknown "),
    ],
)
def test_a_probe_is_printed_in_one_line(handler: dict[str, Any], words: str) -> None:
    probe = handler | {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
    assert describe_probe(probe) == words + "delay=0s timeout=1s period=10s #success=1 #failure=3"
