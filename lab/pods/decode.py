"""An admitted API object → the typed Pod that the kubelet reads.

The object has defaults filled and is valid, so nothing is checked again. It may come from a review or from the timeline
years later. Pod-wide security settings are merged into each container here, as the kubelet does.
Source: pkg/apis/core/v1/conversion.go, pkg/securitycontext/util.go (DetermineEffectiveSecurityContext), v1.36.
"""

from __future__ import annotations

from typing import Any

from lab.pods.model import (
    Container,
    ContainerPort,
    EmptyDirVolume,
    EnvVar,
    ExecAction,
    GRPCAction,
    Handler,
    HostPathVolume,
    HTTPGetAction,
    Lifecycle,
    NoAction,
    Pod,
    PodSpec,
    Probe,
    ProbeHandler,
    SecurityContext,
    SleepAction,
    TCPSocketAction,
    Volume,
    VolumeMount,
)
from lab.pods.quantity import parse_quantity

JSON = dict[str, Any]


def pod_from_object(object: JSON) -> Pod:
    """Return the Pod that ``object`` (kind Pod, admitted) describes."""
    metadata = object["metadata"]
    return Pod(
        name=metadata["name"],
        namespace=metadata["namespace"],
        uid=metadata.get("uid", ""),
        spec=_spec(object["spec"]),
        labels=_pairs(metadata.get("labels")),
        annotations=_pairs(metadata.get("annotations")),
        finalizers=tuple(metadata.get("finalizers", ())),
        generation=metadata.get("generation", 1),
        deletion_timestamp=metadata.get("deletionTimestamp"),
        deletion_grace_period_seconds=metadata.get("deletionGracePeriodSeconds"),
    )


def _spec(spec: JSON) -> PodSpec:
    security = spec.get("securityContext", {})
    return PodSpec(
        containers=tuple(_container(container, security) for container in spec["containers"]),
        init_containers=tuple(_container(container, security) for container in spec.get("initContainers", ())),
        restart_policy=spec["restartPolicy"],
        termination_grace_period_seconds=spec["terminationGracePeriodSeconds"],
        active_deadline_seconds=spec.get("activeDeadlineSeconds"),
        volumes=tuple(_volume(volume) for volume in spec.get("volumes", ())),
        hostname=spec.get("hostname", ""),
        node_selector=_pairs(spec.get("nodeSelector")),
    )


def _container(container: JSON, pod_security: JSON) -> Container:
    limits = container.get("resources", {}).get("limits", {})
    return Container(
        name=container["name"],
        image=container["image"],
        image_pull_policy=container["imagePullPolicy"],
        command=tuple(container.get("command", ())),
        args=tuple(container.get("args", ())),
        working_dir=container.get("workingDir", ""),
        env=tuple(_variable(variable) for variable in container.get("env", ())),
        ports=tuple(_port(port) for port in container.get("ports", ())),
        volume_mounts=tuple(_mount(mount) for mount in container.get("volumeMounts", ())),
        lifecycle=_lifecycle(container["lifecycle"]) if "lifecycle" in container else None,
        liveness_probe=_probe(container.get("livenessProbe")),
        readiness_probe=_probe(container.get("readinessProbe")),
        startup_probe=_probe(container.get("startupProbe")),
        security_context=_security({**pod_security, **container.get("securityContext", {})}),
        termination_message_path=container["terminationMessagePath"],
        termination_message_policy=container["terminationMessagePolicy"],
        restart_policy=container.get("restartPolicy"),
        cpu_limit_cores=float(parse_quantity(limits["cpu"]).value) if "cpu" in limits else None,
        memory_limit_bytes=_bytes(limits.get("memory")),
        stdin=container.get("stdin", False),
        tty=container.get("tty", False),
    )


def _lifecycle(lifecycle: JSON) -> Lifecycle:
    return Lifecycle(
        post_start=_hook(lifecycle.get("postStart")),
        pre_stop=_hook(lifecycle.get("preStop")),
        stop_signal=lifecycle.get("stopSignal"),
    )


def _hook(handler: JSON | None) -> Handler | None:
    if handler is None:
        return None
    if "exec" in handler:
        return _exec(handler["exec"])
    if "httpGet" in handler:
        return _http_get(handler["httpGet"])
    if "tcpSocket" in handler:
        return _tcp_socket(handler["tcpSocket"])
    if "sleep" in handler:
        return SleepAction(seconds=handler["sleep"]["seconds"])
    return NoAction()


def _probe(probe: JSON | None) -> Probe | None:
    if probe is None:
        return None
    return Probe(
        handler=_probe_handler(probe),
        initial_delay_seconds=probe.get("initialDelaySeconds", 0),
        timeout_seconds=probe["timeoutSeconds"],
        period_seconds=probe["periodSeconds"],
        success_threshold=probe["successThreshold"],
        failure_threshold=probe["failureThreshold"],
        termination_grace_period_seconds=probe.get("terminationGracePeriodSeconds"),
    )


def _probe_handler(probe: JSON) -> ProbeHandler:
    if "exec" in probe:
        return _exec(probe["exec"])
    if "httpGet" in probe:
        return _http_get(probe["httpGet"])
    if "tcpSocket" in probe:
        return _tcp_socket(probe["tcpSocket"])
    return GRPCAction(port=probe["grpc"]["port"], service=probe["grpc"].get("service", ""))


def _exec(action: JSON) -> ExecAction:
    return ExecAction(command=tuple(action["command"]))


def _http_get(action: JSON) -> HTTPGetAction:
    return HTTPGetAction(
        port=action["port"],
        path=action["path"],
        host=action.get("host", ""),
        scheme=action["scheme"],
        http_headers=tuple((header["name"], header["value"]) for header in action.get("httpHeaders", ())),
    )


def _tcp_socket(action: JSON) -> TCPSocketAction:
    return TCPSocketAction(port=action["port"], host=action.get("host", ""))


def _variable(variable: JSON) -> EnvVar:
    reference = variable.get("valueFrom", {}).get("fieldRef", {})
    return EnvVar(name=variable["name"], value=variable.get("value", ""), field_path=reference.get("fieldPath"))


def _port(port: JSON) -> ContainerPort:
    return ContainerPort(
        container_port=port["containerPort"],
        name=port.get("name", ""),
        protocol=port["protocol"],
        host_port=port.get("hostPort"),
    )


def _mount(mount: JSON) -> VolumeMount:
    return VolumeMount(
        name=mount["name"],
        mount_path=mount["mountPath"],
        read_only=mount.get("readOnly", False),
        sub_path=mount.get("subPath", ""),
    )


def _volume(volume: JSON) -> Volume:
    if "hostPath" in volume:
        source = volume["hostPath"]
        return HostPathVolume(name=volume["name"], path=source["path"], type=source.get("type", ""))
    source = volume["emptyDir"]
    return EmptyDirVolume(name=volume["name"], medium=source.get("medium", ""), size_limit_bytes=_bytes(source.get("sizeLimit")))


def _security(context: JSON) -> SecurityContext:
    return SecurityContext(
        run_as_user=context.get("runAsUser"),
        run_as_group=context.get("runAsGroup"),
        run_as_non_root=context.get("runAsNonRoot"),
        read_only_root_filesystem=context.get("readOnlyRootFilesystem", False),
    )


def _bytes(amount: str | None) -> int | None:
    return None if amount is None else int(parse_quantity(amount).value)


def _pairs(mapping: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((mapping or {}).items()))
