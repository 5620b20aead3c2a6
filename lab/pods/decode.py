"""An admitted API object → the typed Pod that the kubelet reads.

The object has defaults filled and is valid, so nothing is checked again. It may come from a review or from the timeline
years later. Pod-wide security settings are merged into each container here, as the kubelet does.
Source: pkg/apis/core/v1/conversion.go, pkg/securitycontext/util.go (DetermineEffectiveSecurityContext), v1.36.
"""

from __future__ import annotations

from typing import Any, Literal

from lab.pods.model import (
    Container,
    ContainerPort,
    DownwardFiles,
    EmptyDirVolume,
    EnvFrom,
    EnvVar,
    ExecAction,
    FieldReference,
    FilesVolume,
    GRPCAction,
    Handler,
    HostPathVolume,
    HTTPGetAction,
    KeyFiles,
    KeyReference,
    Lifecycle,
    NoAction,
    Pod,
    PodSpec,
    Probe,
    ProbeHandler,
    ResourceReference,
    RestartRule,
    SecurityContext,
    SleepAction,
    TCPSocketAction,
    ValueSource,
    Volume,
    VolumeMount,
)
from lab.pods.quantity import parse_quantity

JSON = dict[str, Any]

_KEY_SELECTORS: dict[str, Literal["ConfigMap", "Secret"]] = {"configMapKeyRef": "ConfigMap", "secretKeyRef": "Secret"}
_FILE_SOURCES = ("configMap", "secret", "downwardAPI")  # of a projected volume; the lab has no tokens to project


def pod_from_object(object: JSON) -> Pod:
    """Return the Pod that ``object`` (kind Pod, admitted) describes."""
    metadata = object["metadata"]
    gates = {gate["conditionType"] for gate in object["spec"].get("readinessGates", ())}
    conditions = object.get("status", {}).get("conditions", ())
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
        gate_conditions=tuple((c["type"], c["status"]) for c in conditions if c["type"] in gates),
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
        service_account_name=spec.get("serviceAccountName", "default"),
        image_pull_secrets=tuple(secret["name"] for secret in spec.get("imagePullSecrets", ()) if secret.get("name")),
        host_aliases=tuple((alias["ip"], tuple(alias.get("hostnames", ()))) for alias in spec.get("hostAliases", ())),
        readiness_gates=tuple(gate["conditionType"] for gate in spec.get("readinessGates", ())),
        fs_group=security.get("fsGroup"),
        supplemental_groups=tuple(security.get("supplementalGroups", ())),
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
        env_from=tuple(_env_from(source) for source in container.get("envFrom", ())),
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
        restart_rules=tuple(
            RestartRule(operator=rule["exitCodes"]["operator"], values=tuple(rule["exitCodes"].get("values", ())))
            for rule in container.get("restartPolicyRules", ())
        ),
        cpu_limit_cores=float(parse_quantity(limits["cpu"]).value) if "cpu" in limits else None,
        memory_limit_bytes=_bytes(limits.get("memory")),
        resources=tuple(
            (f"{kind}.{name}", amount)
            for kind in ("limits", "requests")
            for name, amount in sorted(container.get("resources", {}).get(kind, {}).items())
        ),
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
    given = variable.get("valueFrom", {})
    source: ValueSource | None = None
    for selector, kind in _KEY_SELECTORS.items():
        if selector in given:
            key = given[selector]
            source = KeyReference(kind=kind, name=key.get("name", ""), key=key["key"], optional=key.get("optional", False))
    if source is None and given:
        source = _pod_reference(given)
    return EnvVar(name=variable["name"], value=variable.get("value", ""), source=source)


def _pod_reference(holder: JSON) -> FieldReference | ResourceReference:
    if "resourceFieldRef" not in holder:
        return FieldReference(path=holder["fieldRef"]["fieldPath"])
    given = holder["resourceFieldRef"]
    return ResourceReference(
        resource=given["resource"], container_name=given.get("containerName", ""), divisor=given.get("divisor", "0")
    )


def _env_from(source: JSON) -> EnvFrom:
    kind: Literal["ConfigMap", "Secret"] = "ConfigMap" if "configMapRef" in source else "Secret"
    given = source["configMapRef" if kind == "ConfigMap" else "secretRef"]
    return EnvFrom(kind=kind, name=given["name"], prefix=source.get("prefix", ""), optional=given.get("optional", False))


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
        sub_path_expr=mount.get("subPathExpr", ""),
    )


def _volume(volume: JSON) -> Volume:
    if "hostPath" in volume:
        source = volume["hostPath"]
        return HostPathVolume(name=volume["name"], path=source["path"], type=source.get("type", ""))
    for name in ("configMap", "secret", "downwardAPI", "projected"):
        if name in volume:
            return _files(volume["name"], name, volume[name])
    source = volume["emptyDir"]
    return EmptyDirVolume(name=volume["name"], medium=source.get("medium", ""), size_limit_bytes=_bytes(source.get("sizeLimit")))


def _files(name: str, kind: str, given: JSON) -> FilesVolume:
    projections = given.get("sources", ()) if kind == "projected" else ({kind: given},)
    sources = tuple(_files_source(*item) for projection in projections for item in projection.items() if item[0] in _FILE_SOURCES)
    return FilesVolume(name=name, sources=sources, default_mode=given["defaultMode"])


def _files_source(kind: str, given: JSON) -> KeyFiles | DownwardFiles:
    if kind == "downwardAPI":
        items = given.get("items", ())
        return DownwardFiles(items=tuple((item["path"], _pod_reference(item), item.get("mode")) for item in items))
    return KeyFiles(
        kind="ConfigMap" if kind == "configMap" else "Secret",
        name=given.get("secretName") or given.get("name", ""),
        items=tuple((item["key"], item["path"], item.get("mode")) for item in given.get("items", ())),
        optional=given.get("optional", False),
    )


def _security(context: JSON) -> SecurityContext:
    return SecurityContext(
        run_as_user=context.get("runAsUser"),
        run_as_group=context.get("runAsGroup"),
        run_as_non_root=context.get("runAsNonRoot"),
        read_only_root_filesystem=context.get("readOnlyRootFilesystem", False),
        added_capabilities=tuple(context.get("capabilities", {}).get("add", ())),
        dropped_capabilities=tuple(context.get("capabilities", {}).get("drop", ())),
    )


def _bytes(amount: str | None) -> int | None:
    return None if amount is None else int(parse_quantity(amount).value)


def _pairs(mapping: dict[str, str] | None) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((mapping or {}).items()))
