from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.pods.review import ReviewedDocument, review, warnings_text

Reviewed = Callable[..., ReviewedDocument]
HOOK = "    lifecycle:\n      preStop:\n"


@pytest.mark.parametrize(
    ("more", "line", "words"),
    [
        ("  terminationGracePeriodSeconds: -5\n", 9, "-5 is stored as 1"),
        ("  terminationGracePeriodSeconds: 0\n", 9, "removes the object at once"),
        ("    image: busybox\n", 9, "image stands twice, first on line 8"),
        ("    volumeMounts: [{name: a, mountPath: data}]\n  volumes: [{name: a, emptyDir: {}}]\n", 9, 'mounts it at "/data"'),
        ("    volumeMounts: [{name: a, mountPath: '/a:b'}]\n  volumes: [{name: a, emptyDir: {}}]\n", 9, "contains ':'"),
        ("  volumes:\n  - name: a\n", 10, "becomes an emptyDir"),
        ("    lifecycle: {}\n", 9, "lifecycle is empty"),
        (HOOK, 10, "preStop has no value"),
        (HOOK + "        sleep: {}\n", 11, "stored as seconds: 0"),
        (HOOK + "        httpGet: {port: 80, path: stop}\n", 11, "/stop is requested"),
        (HOOK + "        httpGet: {port: web}\n", 11, 'No port of this container is named "web"'),
        (HOOK + "        httpGet: {port: 80, host: localhost}\n", 11, "localhost is the node"),
        ("    lifecycle: {stopSignal: SIGUSR1}\n", 9, "stopSignal is dropped"),
        ("    livenessProbe: {tcpSocket: {port: web}}\n", 9, 'No port of this container is named "web"'),
        ("status: {phase: Running}\n", 9, "drops status on create"),
    ],
)
def test_a_surprise_is_accepted_with_a_remark_at_its_line(reviewed: Reviewed, more: str, line: int, words: str) -> None:
    document = reviewed(more)
    assert document.refusal is None
    (note,) = document.warnings
    assert words in note.message
    assert (note.line, note.kind) == (line, "Warning")


@pytest.mark.parametrize(
    "more",
    [
        "    ports: [{name: web, containerPort: 80}]\n" + HOOK + "        httpGet: {port: web, path: /stop}\n",
        HOOK + "        sleep: {seconds: 5}\n",
        "    command: [echo, $(HOME)]\n",
        "  volumes: [{name: a, emptyDir: {}}]\n",
    ],
)
def test_what_does_as_it_reads_gets_no_remark(reviewed: Reviewed, more: str) -> None:
    assert reviewed(more).warnings == ()


def test_a_stop_signal_is_kept_when_its_gate_is_on(reviewed: Reviewed) -> None:
    document = reviewed("    lifecycle: {stopSignal: SIGUSR1}\n  os: {name: linux}\n", gates=frozenset({"ContainerStopSignals"}))
    assert document.warnings == ()
    assert document.object is not None
    assert document.object["spec"]["containers"][0]["lifecycle"] == {"stopSignal": "SIGUSR1"}


def test_the_servers_own_warnings_are_what_kubectl_prints(reviewed: Reviewed) -> None:
    document = reviewed("    env: [{name: A}, {name: A}]\n    resources: {limits: {memory: 100m}}\n")
    assert warnings_text(document.warnings) == (
        'Warning: spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply\n'
        'Warning: spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer\n'
        'Warning: spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer\n'
    )


def test_the_server_warns_of_a_name_that_is_no_host_name() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {name: a.b}\nspec: {containers: [{name: a, image: b}]}\n"
    (document,) = review(text).documents
    assert warnings_text(document.warnings).startswith(
        "Warning: metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is"
        " recommended: [a lowercase RFC 1123 label must consist of"
    )


def test_the_server_warns_of_nothing_that_it_refuses(reviewed: Reviewed) -> None:
    document = reviewed("    env: [{name: A}, {name: A}]\n    lifecycle: {}\n  restartPolicy: x\n")
    assert document.refusal is not None
    assert warnings_text(document.warnings) == ""
    assert [note.line for note in document.warnings] == [10]
