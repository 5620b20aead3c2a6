"""The API server's rules for containers: names, images, ports, env, mounts, resources, security.

Each function appends to the errors it is given; order and wording are the server's.
Source: pkg/apis/core/validation/validation.go, validateContainers, validateInitContainers, validateContainerCommon (v1.36).
"""

from __future__ import annotations

from collections.abc import Container as Contains
from dataclasses import dataclass
from typing import Any

from lab.pods.environment_validation import check_environment
from lab.pods.field_errors import FieldErrors
from lab.pods.handler_validation import check_lifecycle, check_probe
from lab.pods.names import (
    dns_label_errors,
    port_name_errors,
    port_number_errors,
    range_message,
)
from lab.pods.quantity import parse_quantity

JSON = dict[str, Any]

_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_LARGEST_ID = 2147483647  # validation.go: IsValidUserID, int32


@dataclass(frozen=True, slots=True, kw_only=True)
class PodContext:
    """What the rules for a container need to know of its pod. ``volumes`` are the names of the valid ones."""

    volumes: Contains[str]
    grace_seconds: int
    os_name: str


def check_containers(errors: FieldErrors, spec: JSON, pod: PodContext) -> None:
    """Check the regular containers."""
    containers = spec.get("containers", [])
    if not containers:
        errors.required("spec.containers")
    names: set[str] = set()
    for index, container in enumerate(containers):
        path = f"spec.containers[{index}]"
        _check_common(errors, path, container, pod)
        if container["name"] in names:
            errors.duplicate(f"{path}.name", container["name"])
        names.add(container["name"])
        _check_hooks_and_probes(errors, path, container, pod)
        _check_restart_policy(errors, path, container)


def check_init_containers(errors: FieldErrors, spec: JSON, pod: PodContext) -> None:
    """Check the init containers; those with ``restartPolicy: Always`` are sidecars and may have hooks and probes."""
    names = {container["name"] for container in spec.get("containers", [])}
    for index, container in enumerate(spec.get("initContainers", [])):
        path = f"spec.initContainers[{index}]"
        _check_common(errors, path, container, pod)
        _check_restart_policy(errors, path, container)
        if container["name"]:
            if container["name"] in names:
                errors.duplicate(f"{path}.name", container["name"])
            names.add(container["name"])
        if container.get("restartPolicy") == "Always":
            _check_hooks_and_probes(errors, path, container, pod)
            continue
        for name in ("lifecycle", *_PROBES):
            if name in container:
                errors.forbidden(f"{path}.{name}", "may not be set for init containers without restartPolicy=Always")


def _check_hooks_and_probes(errors: FieldErrors, path: str, container: JSON, pod: PodContext) -> None:
    if "lifecycle" in container:
        lifecycle = container["lifecycle"]
        check_lifecycle(errors, f"{path}.lifecycle", lifecycle, grace_seconds=pod.grace_seconds, os_name=pod.os_name)
    for name in _PROBES:
        if name in container:
            check_probe(errors, f"{path}.{name}", container[name], grace_seconds=pod.grace_seconds)


def _check_restart_policy(errors: FieldErrors, path: str, container: JSON) -> None:
    policy = container.get("restartPolicy")
    if policy is not None and policy not in ("Always", "Never", "OnFailure"):
        errors.not_supported(f"{path}.restartPolicy", policy, ("Always", "Never", "OnFailure"))
    rules = container.get("restartPolicyRules", [])
    if rules and policy is None:
        errors.required(f"{path}.restartPolicy", "must specify restartPolicy when restart rules are used")
    for index, rule in enumerate(rules):
        at = f"{path}.restartPolicyRules[{index}]"
        if rule.get("action") not in ("Restart", "RestartAllContainers"):
            errors.not_supported(f"{at}.action", rule.get("action", ""), ("Restart", "RestartAllContainers"))
        if "exitCodes" not in rule:
            errors.required(f"{at}.exitCodes", "must be specified")
        elif rule["exitCodes"].get("operator") not in ("In", "NotIn"):
            errors.not_supported(f"{at}.exitCodes.operator", rule["exitCodes"].get("operator", ""), ("In", "NotIn"))


def _check_common(errors: FieldErrors, path: str, container: JSON, pod: PodContext) -> None:
    if not container["name"]:
        errors.required(f"{path}.name")
    else:
        errors.invalid_for_each(f"{path}.name", container["name"], dns_label_errors(container["name"]))
    image = container.get("image", "")
    if not image:
        errors.required(f"{path}.image")
    elif image != image.strip():
        errors.invalid(f"{path}.image", image, "must not have leading or trailing whitespace")
    policies = ("FallbackToLogsOnError", "File")
    if container["terminationMessagePolicy"] not in policies:
        errors.not_supported(f"{path}.terminationMessagePolicy", container["terminationMessagePolicy"], policies)
    _check_ports(errors, f"{path}.ports", container.get("ports", []))
    check_environment(errors, path, container)
    _check_mounts(errors, f"{path}.volumeMounts", container.get("volumeMounts", []), pod.volumes)
    pull_policies = ("Always", "IfNotPresent", "Never")
    if container["imagePullPolicy"] not in pull_policies:
        errors.not_supported(f"{path}.imagePullPolicy", container["imagePullPolicy"], pull_policies)
    _check_resources(errors, f"{path}.resources", container["resources"])
    check_identity(errors, f"{path}.securityContext", container.get("securityContext", {}))


def check_identity(errors: FieldErrors, path: str, context: JSON) -> None:
    """Check the user and group of a container's or a pod's security context."""
    if context.get("privileged") and context.get("allowPrivilegeEscalation") is False:
        errors.invalid(path, context, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true")
    for name in ("runAsUser", "runAsGroup"):
        if name in context and not 0 <= context[name] <= _LARGEST_ID:
            errors.invalid(f"{path}.{name}", context[name], range_message(0, _LARGEST_ID))


def _check_ports(errors: FieldErrors, path: str, ports: list[JSON]) -> None:
    names: set[str] = set()
    for index, port in enumerate(ports):
        at = f"{path}[{index}]"
        name = port.get("name", "")
        if name:
            complaints = port_name_errors(name)
            errors.invalid_for_each(f"{at}.name", name, complaints)
            if not complaints and name in names:
                errors.duplicate(f"{at}.name", name)
            names.add(name)
        if not port["containerPort"]:
            errors.required(f"{at}.containerPort")
        else:
            errors.invalid_for_each(f"{at}.containerPort", port["containerPort"], port_number_errors(port["containerPort"]))
        if port.get("hostPort"):
            errors.invalid_for_each(f"{at}.hostPort", port["hostPort"], port_number_errors(port["hostPort"]))
        if port["protocol"] not in ("SCTP", "TCP", "UDP"):
            errors.not_supported(f"{at}.protocol", port["protocol"], ("SCTP", "TCP", "UDP"))


def _check_mounts(errors: FieldErrors, path: str, mounts: list[JSON], volumes: Contains[str]) -> None:
    paths: set[str] = set()
    for index, mount in enumerate(mounts):
        at = f"{path}[{index}]"
        if not mount["name"]:
            errors.required(f"{at}.name")
        if mount["name"] not in volumes:
            errors.not_found(f"{at}.name", mount["name"])
        if not mount["mountPath"]:
            errors.required(f"{at}.mountPath")
        if mount["mountPath"] in paths:
            errors.invalid(f"{at}.mountPath", mount["mountPath"], "must be unique")
        paths.add(mount["mountPath"])
        sub_path = mount.get("subPath", "")
        if sub_path.startswith("/"):
            errors.invalid(f"{at}.subPath", sub_path, "must be a relative path")
        if ".." in sub_path.split("/"):
            errors.invalid(f"{at}.subPath", sub_path, "must not contain '..'")
        expression = mount.get("subPathExpr", "")
        if expression and sub_path:
            errors.invalid(f"{at}.subPathExpr", expression, "subPathExpr and subPath are mutually exclusive")
        if expression.startswith("/"):
            errors.invalid(f"{at}.subPathExpr", expression, "must be a relative path")
        if ".." in expression.split("/"):
            errors.invalid(f"{at}.subPathExpr", expression, "must not contain '..'")


def _check_resources(errors: FieldErrors, path: str, resources: JSON) -> None:
    limits = resources.get("limits", {})
    for name in sorted(limits):
        _check_amount(errors, f"{path}.limits", name, limits[name])
    requests = resources.get("requests", {})
    for name in sorted(requests):
        _check_amount(errors, f"{path}.requests", name, requests[name])
        if name in limits and parse_quantity(requests[name]) > parse_quantity(limits[name]):
            detail = f"must be less than or equal to {name} limit of {limits[name]}"
            errors.invalid(f"{path}.requests", requests[name], detail, at=f"{path}.requests.{name}")


def _check_amount(errors: FieldErrors, path: str, name: str, amount: str) -> None:
    if parse_quantity(amount).value < 0:
        errors.invalid(f"{path}[{name}]", amount, "must be greater than or equal to 0", at=f"{path}.{name}")
