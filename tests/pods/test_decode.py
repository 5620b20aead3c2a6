from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lab.pods.decode import pod_from_object
from lab.pods.model import (
    Container,
    EmptyDirVolume,
    EnvVar,
    ExecAction,
    FieldReference,
    HostPathVolume,
    HTTPGetAction,
    Pod,
    SecurityContext,
    SleepAction,
    TCPSocketAction,
)
from lab.pods.review import ReviewedDocument

Reviewed = Callable[..., ReviewedDocument]


def pod(document: ReviewedDocument) -> Pod:
    assert document.object is not None, document.refusal
    return pod_from_object(document.object)


def container(reviewed: Reviewed, more: str) -> Container:
    return pod(reviewed(more)).spec.containers[0]


def test_defaults_are_in_the_typed_pod(reviewed: Reviewed) -> None:
    plain = pod(reviewed())
    assert (plain.name, plain.namespace, plain.generation) == ("demo", "default", 1)
    assert (plain.spec.restart_policy, plain.spec.termination_grace_period_seconds) == ("Always", 30)
    assert plain.spec.containers == (Container(name="app", image="busybox", image_pull_policy="Always"),)


def test_the_pull_policy_follows_the_tag(reviewed: Reviewed) -> None:
    policies = {
        "nginx": "Always",
        "nginx:latest": "Always",
        "nginx:1.27": "IfNotPresent",
        "host:5000/nginx": "Always",
        "host:5000/nginx:1": "IfNotPresent",
        f"nginx@sha256:{'0' * 64}": "IfNotPresent",
    }
    for image, policy in policies.items():
        assert container(reviewed, f"    image: {image}\n").image_pull_policy == policy


def test_hooks_decode_to_their_actions(reviewed: Reviewed) -> None:
    hooks = container(
        reviewed,
        "    lifecycle:\n      postStart: {httpGet: {port: 80, httpHeaders: [{name: A, value: b}]}}\n"
        "      preStop: {sleep: {seconds: 3}}\n",
    ).lifecycle
    assert hooks is not None
    assert hooks.post_start == HTTPGetAction(port=80, path="/", http_headers=(("A", "b"),))
    assert hooks.pre_stop == SleepAction(seconds=3)
    assert hooks.stop_signal is None


def test_a_hook_without_a_value_is_no_hook(reviewed: Reviewed) -> None:
    hooks = container(reviewed, "    lifecycle:\n      preStop:\n      postStart: {exec: {command: [a, b]}}\n").lifecycle
    assert hooks is not None
    assert (hooks.post_start, hooks.pre_stop) == (ExecAction(command=("a", "b")), None)


def test_probes_decode_with_their_numbers(reviewed: Reviewed) -> None:
    found = container(
        reviewed,
        """\
    livenessProbe: {httpGet: {port: 9}, periodSeconds: 2, terminationGracePeriodSeconds: 4}
    readinessProbe: {tcpSocket: {port: web}, timeoutSeconds: 0, successThreshold: 2}
    startupProbe: {exec: {command: [a]}, initialDelaySeconds: 7}
""",
    )
    assert found.liveness_probe is not None
    assert found.readiness_probe is not None
    assert found.startup_probe is not None
    assert found.liveness_probe.handler == HTTPGetAction(port=9, path="/")
    assert (found.liveness_probe.period_seconds, found.liveness_probe.termination_grace_period_seconds) == (2, 4)
    assert found.readiness_probe.handler == TCPSocketAction(port="web")
    assert (found.readiness_probe.timeout_seconds, found.readiness_probe.success_threshold) == (1, 2)
    assert found.startup_probe.initial_delay_seconds == 7


def test_resources_become_cores_and_bytes(reviewed: Reviewed) -> None:
    found = container(reviewed, "    resources: {limits: {cpu: 250m, memory: 64Mi}, requests: {cpu: 0.1}}\n")
    assert (found.cpu_limit_cores, found.memory_limit_bytes) == (0.25, 64 * 1024 * 1024)


def test_requests_default_to_limits_and_amounts_are_stored_canonically(reviewed: Reviewed) -> None:
    document = reviewed("    resources: {limits: {cpu: 0.5, memory: 1024Ki}, requests: {cpu: 100m}}\n")
    assert document.object is not None
    resources: dict[str, Any] = document.object["spec"]["containers"][0]["resources"]
    assert resources == {"limits": {"cpu": "500m", "memory": "1Mi"}, "requests": {"cpu": "100m", "memory": "1Mi"}}


def test_a_containers_security_context_goes_before_its_pods(reviewed: Reviewed) -> None:
    found = container(
        reviewed,
        "    securityContext: {runAsUser: 5, readOnlyRootFilesystem: true}\n"
        "  securityContext: {runAsUser: 1, runAsGroup: 2, runAsNonRoot: true}\n",
    )
    assert found.security_context == SecurityContext(
        run_as_user=5, run_as_group=2, run_as_non_root=True, read_only_root_filesystem=True
    )


def test_volumes_mounts_env_and_selector_decode(reviewed: Reviewed) -> None:
    found = pod(
        reviewed(
            """\
    env: [{name: A, value: x}, {name: B, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}]
    volumeMounts: [{name: h, mountPath: /h, readOnly: true, subPath: a/b}]
  volumes: [{name: h, hostPath: {path: /tmp, type: Directory}}, {name: e, emptyDir: {medium: Memory, sizeLimit: 1Mi}}]
  nodeSelector: {disk: ssd}
"""
        )
    )
    assert found.spec.containers[0].env == (
        EnvVar(name="A", value="x"),
        EnvVar(name="B", source=FieldReference(path="metadata.labels['app']")),
    )
    (mount,) = found.spec.containers[0].volume_mounts
    assert (mount.name, mount.mount_path, mount.read_only, mount.sub_path) == ("h", "/h", True, "a/b")
    assert found.spec.volumes == (
        HostPathVolume(name="h", path="/tmp", type="Directory"),
        EmptyDirVolume(name="e", medium="Memory", size_limit_bytes=1 << 20),
    )
    assert found.spec.node_selector == (("disk", "ssd"),)


def test_sidecars_keep_their_place_and_their_hooks(reviewed: Reviewed) -> None:
    found = pod(
        reviewed(
            """\
  initContainers:
  - {name: first, image: a}
  - {name: side, image: b, restartPolicy: Always, lifecycle: {preStop: {sleep: {seconds: 1}}}}
"""
        )
    )
    first, side = found.spec.init_containers
    assert (first.restart_policy, side.restart_policy) == (None, "Always")
    assert side.lifecycle is not None
    assert found.field_path(side) == "spec.initContainers{side}"


def test_deletion_and_identity_come_from_the_stored_object(reviewed: Reviewed) -> None:
    stored = reviewed().object
    assert stored is not None
    stored["metadata"] |= {
        "uid": "u-1",
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 5,
        "generation": 2,
    }
    found = pod_from_object(stored)
    assert (found.full_name, found.generation) == ("demo_default(u-1)", 2)
    assert (found.deletion_timestamp, found.deletion_grace_period_seconds) == ("2026-01-01T00:00:00Z", 5)
