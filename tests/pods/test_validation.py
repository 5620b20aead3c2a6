"""Rules that the recorded manifests do not reach; those are in test_recorded_answers.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.pods.names import qualified_name_errors
from lab.pods.review import ReviewedDocument

Reviewed = Callable[..., ReviewedDocument]


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ("    readinessProbe: {exec: {command: [a]}, terminationGracePeriodSeconds: 1}\n", "must not be set for readinessProbes"),
        (
            "    livenessProbe: {exec: {command: [a]}, terminationGracePeriodSeconds: 0}\n",
            "Invalid value: 0: must be greater than 0",
        ),
        ("    livenessProbe: {grpc: {}}\n", "spec.containers[0].livenessProbe.grpc.port: Invalid value: 0"),
        ("    terminationMessagePolicy: Log\n", 'supported values: "FallbackToLogsOnError", "File"'),
        ("    env: [{name: A, valueFrom: {}}]\n", "spec.containers[0].env[0].valueFrom: Invalid value"),
        (
            "    env: [{name: A, valueFrom: {fieldRef: {fieldPath: status.phase}}}]\n",
            'Unsupported value: "status.phase": supported values: "metadata.name", "metadata.namespace"',
        ),
        ("    env: [{name: A, valueFrom: {fieldRef: {fieldPath: \"metadata.name['a']\"}}}]\n", "does not support subscript"),
        (
            "    resources: {limits: {cpu: -1}}\n",
            'resources.limits[cpu]: Invalid value: "-1": must be greater than or equal to 0',
        ),
        ("  volumes: [{hostPath: {path: /a}}]\n", "spec.volumes[0].name: Required value"),
        ("  hostname: A_b\n", 'spec.hostname: Invalid value: "A_b": a lowercase RFC 1123 label'),
        ("  tolerations: [{key: a, operator: Maybe}]\n", 'spec.tolerations[0].operator: Unsupported value: "Maybe"'),
        ("  tolerations: [{value: a}]\n", "operator must be Exists when `key` is empty"),
        ("  nodeSelector: {a: b c}\n", 'spec.nodeSelector: Invalid value: "b c"'),
        ("  dnsPolicy: Mine\n", 'spec.dnsPolicy: Unsupported value: "Mine"'),
        ("  os: {name: beos}\n", 'spec.os: Unsupported value: "beos"'),
        ("  initContainers: [{name: app, image: a}]\n", 'spec.initContainers[0].name: Duplicate value: "app"'),
        (
            "  initContainers: [{name: i, image: a, startupProbe: {exec: {command: [a]}}}]\n",
            "spec.initContainers[0].startupProbe: Forbidden",
        ),
    ],
)
def test_a_broken_rule_is_worded_as_the_server_words_it(reviewed: Reviewed, more: str, expected: str) -> None:
    document = reviewed(more)
    assert document.refusal is not None
    assert document.refusal.reason == "Invalid"
    assert any(expected in f"{note.path}: {note.message}" for note in document.refusal.notes), document.refusal.message


def test_a_mount_of_a_broken_volume_finds_no_volume(reviewed: Reviewed) -> None:
    document = reviewed("    volumeMounts: [{name: v, mountPath: /v}]\n  volumes: [{name: v, hostPath: {}}]\n")
    assert document.refusal is not None
    assert [f"{note.path}: {note.message}" for note in document.refusal.notes] == [
        "spec.volumes[0].hostPath.path: Required value",
        'spec.containers[0].volumeMounts[0].name: Not found: "v"',
    ]


def test_the_line_of_a_bad_label_is_the_labels_own(reviewed: Reviewed) -> None:
    document = reviewed("metadata:\n  name: demo\n  labels:\n    ok: fine\n    bad: not fine\n")
    assert document.refusal is not None
    assert [(note.path, note.line) for note in document.refusal.notes] == [("metadata.labels", 13)]


def test_a_qualified_name_may_have_one_domain_prefix() -> None:
    assert qualified_name_errors("example.com/MyName") == []
    assert qualified_name_errors("/x") == ["prefix part must be non-empty"]
    assert qualified_name_errors("a/b/c")[0].startswith("a qualified name must consist of")
    assert qualified_name_errors("x" * 64) == ["name part must be no more than 63 characters"]
