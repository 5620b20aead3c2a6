"""The API server's rules for environment variables and what they refer to: fields, resources, ConfigMaps, Secrets.

Source: pkg/apis/core/validation/validation.go, ValidateEnv, ValidateEnvFrom, validateObjectFieldSelector (v1.36).
"""

from __future__ import annotations

from typing import Any

from lab.pods.field_errors import FieldErrors
from lab.pods.names import config_key_errors, dns_subdomain_errors, environment_name_errors, qualified_name_errors

JSON = dict[str, Any]

ENVIRONMENT_FIELDS = (  # validEnvDownwardAPIFieldPathExpressions, sorted
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
)
_OTHER_DOWNWARD_FIELDS = (  # pods/helpers.go: converted, but not for env
    "metadata.annotations",
    "metadata.labels",
    "spec.host",
    "spec.restartPolicy",
    "spec.schedulerName",
    "status.phase",
)


_RESOURCE_FIELDS = (  # validContainerResourceFieldPathExpressions, sorted
    "limits.cpu",
    "limits.ephemeral-storage",
    "limits.memory",
    "requests.cpu",
    "requests.ephemeral-storage",
    "requests.memory",
)


def check_environment(errors: FieldErrors, path: str, container: JSON) -> None:
    """Check a container's ``env`` and ``envFrom``."""
    for index, variable in enumerate(container.get("env", [])):
        _check_variable(errors, f"{path}.env[{index}]", variable)
    for index, source in enumerate(container.get("envFrom", [])):
        _check_source(errors, f"{path}.envFrom[{index}]", source)


def check_resource_ref(errors: FieldErrors, path: str, reference: JSON, *, of_volume: bool = False) -> None:
    """Check a resourceFieldRef; a volume's must say which container it means."""
    if of_volume and not reference.get("containerName"):
        errors.required(f"{path}.containerName")
    elif not reference["resource"]:
        errors.required(f"{path}.resource")
    elif reference["resource"] not in _RESOURCE_FIELDS:
        errors.not_supported(f"{path}.resource", reference["resource"], _RESOURCE_FIELDS)


def _check_source(errors: FieldErrors, path: str, source: JSON) -> None:
    if source.get("prefix"):
        errors.invalid_for_each(f"{path}.prefix", source["prefix"], environment_name_errors(source["prefix"]))
    given = [name for name in ("configMapRef", "secretRef") if name in source]
    for name in given:
        if not source[name].get("name"):
            errors.required(f"{path}.{name}.name")
        else:
            errors.invalid_for_each(f"{path}.{name}.name", source[name]["name"], dns_subdomain_errors(source[name]["name"]))
    if not given:
        errors.invalid(path, "", "must specify one of: `configMapRef` or `secretRef`")
    elif len(given) > 1:
        errors.invalid(path, "", "may not have more than one field specified at a time")


def _check_key_ref(errors: FieldErrors, path: str, reference: JSON) -> None:
    errors.invalid_for_each(f"{path}.name", reference.get("name", ""), dns_subdomain_errors(reference.get("name", "")))
    if not reference["key"]:
        errors.required(f"{path}.key")
    else:
        errors.invalid_for_each(f"{path}.key", reference["key"], config_key_errors(reference["key"]))


def _check_variable(errors: FieldErrors, path: str, variable: JSON) -> None:
    name = variable["name"]
    if not name:
        errors.required(f"{path}.name")
    else:
        errors.invalid_for_each(f"{path}.name", name, environment_name_errors(name))
    source = variable.get("valueFrom")
    if source is None:
        return
    at = f"{path}.valueFrom"
    if "fieldRef" in source:
        check_field_ref(errors, f"{at}.fieldRef", source["fieldRef"], ENVIRONMENT_FIELDS)
    if "resourceFieldRef" in source:
        check_resource_ref(errors, f"{at}.resourceFieldRef", source["resourceFieldRef"])
    for selector in ("configMapKeyRef", "secretKeyRef"):
        if selector in source:
            _check_key_ref(errors, f"{at}.{selector}", source[selector])
    if not source:
        known = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`"
        errors.invalid(f"{path}.valueFrom", "", known)
    elif variable.get("value"):
        errors.invalid(f"{path}.valueFrom", "", "may not be specified when `value` is not empty")
    elif len(source) > 1:
        errors.invalid(f"{path}.valueFrom", "", "may not have more than one field specified at a time")


def check_field_ref(errors: FieldErrors, path: str, reference: JSON, fields: tuple[str, ...]) -> None:
    """Check a fieldRef that may name ``fields``, or a label or annotation by its key."""
    field_path = reference["fieldPath"]
    at = f"{path}.fieldPath"
    if not field_path:
        errors.required(at)
        return
    name, subscript = split_subscript(field_path)
    if (name if subscript is not None else field_path) not in (*ENVIRONMENT_FIELDS, *_OTHER_DOWNWARD_FIELDS):
        errors.invalid(at, field_path, f"error converting fieldPath: field label not supported: {field_path}")
    elif subscript is None:
        if field_path not in fields:
            errors.not_supported(at, field_path, fields)
    elif name in ("metadata.labels", "metadata.annotations"):
        errors.invalid_for_each(path, subscript, qualified_name_errors(subscript), at=at)
    else:
        errors.invalid(path, name, "does not support subscript", at=at)


def split_subscript(field_path: str) -> tuple[str, str | None]:
    """Split ``metadata.labels['app']`` into the field and the key; the key is None where there is none."""
    name, bracket, rest = field_path.partition("['")
    if not bracket or not rest.endswith("']"):
        return field_path, None
    return name, rest.removesuffix("']")
