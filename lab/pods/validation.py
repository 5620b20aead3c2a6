"""The API server's rules for a Pod as a whole: metadata, volumes, and the order in which everything is checked.

It takes a decoded pod with defaults filled in and returns all its field errors in the server's order and words.
Source: pkg/apis/core/validation/validation.go, ValidatePodCreate, ValidatePodSpec; apimachinery validation/objectmeta.go (v1.36).
"""

from __future__ import annotations

from typing import Any

from lab.pods.container_validation import PodContext, check_containers, check_identity, check_init_containers
from lab.pods.field_errors import FieldErrors
from lab.pods.lines import LineMap
from lab.pods.names import (
    config_key_errors,
    dns_label_errors,
    dns_subdomain_errors,
    label_value_errors,
    qualified_name_errors,
    range_message,
)
from lab.pods.notes import FieldNote
from lab.pods.volume_validation import check_volumes

JSON = dict[str, Any]

_LARGEST_DEADLINE_SECONDS = 2147483647  # validation.go: math.MaxInt32
_ANNOTATIONS_MAX_BYTES = 256 * 1024  # objectmeta.go: TotalAnnotationSizeLimitB
_STANDARD_FINALIZERS = ("kubernetes", "orphan", "foregroundDeletion")
_DNS_POLICIES = ("ClusterFirstWithHostNet", "ClusterFirst", "Default", "None")
_TAINT_EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")


def pod_errors(pod: JSON, lines: LineMap) -> tuple[FieldNote, ...]:
    """Return what the server would refuse; empty when it would store the pod. Exact repeats are merged, as kubectl does."""
    errors = FieldErrors(lines)
    _check_metadata(errors, pod["metadata"])
    _check_spec(errors, pod["spec"])
    unique = {(note.path, note.message): note for note in reversed(errors.notes)}
    return tuple(reversed(unique.values()))


def object_errors(object: JSON, lines: LineMap) -> tuple[FieldNote, ...]:
    """Return what the server would refuse of an object of another kind, as far as the lab reads it."""
    errors = FieldErrors(lines)
    _check_metadata(errors, object["metadata"])
    if object["kind"] in ("ConfigMap", "Secret"):
        for field in ("data", "binaryData"):
            for key in sorted(object.get(field, {})):
                errors.invalid_for_each(f"{field}[{key}]", key, config_key_errors(key))
    return tuple(errors.notes)


def _check_metadata(errors: FieldErrors, metadata: JSON) -> None:
    generate_name = metadata.get("generateName", "")
    if generate_name:
        complaints = dns_subdomain_errors(generate_name.removesuffix("-") + "a" if generate_name.endswith("-") else generate_name)
        errors.invalid_for_each("metadata.generateName", generate_name, complaints)
    name = metadata.get("name", "")
    if name:
        errors.invalid_for_each("metadata.name", name, dns_subdomain_errors(name))
    elif not generate_name:
        errors.required("metadata.name", "name or generateName is required")
    if "namespace" in metadata:
        errors.invalid_for_each("metadata.namespace", metadata["namespace"], dns_label_errors(metadata["namespace"]))
    check_labels(errors, "metadata.labels", metadata.get("labels", {}))
    annotations = metadata.get("annotations", {})
    for key in sorted(annotations):
        errors.invalid_for_each("metadata.annotations", key, qualified_name_errors(key.lower()), at=f"metadata.annotations.{key}")
    for index, finalizer in enumerate(metadata.get("finalizers", [])):
        _check_finalizer(errors, index, finalizer)


def check_labels(errors: FieldErrors, path: str, labels: JSON) -> None:
    """Check the keys and values of labels or of a selector."""
    for key in sorted(labels):
        errors.invalid_for_each(path, key, qualified_name_errors(key), at=f"{path}.{key}")
        errors.invalid_for_each(path, labels[key], label_value_errors(labels[key]), at=f"{path}.{key}")


def _check_finalizer(errors: FieldErrors, index: int, finalizer: str) -> None:
    complaints = qualified_name_errors(finalizer)
    errors.invalid_for_each("metadata.finalizers", finalizer, complaints, at=f"metadata.finalizers[{index}]")
    if "/" not in finalizer and finalizer not in _STANDARD_FINALIZERS:
        detail = "name is neither a standard finalizer name nor is it fully qualified"
        errors.invalid(f"metadata.finalizers[{index}]", finalizer, detail)


def _check_spec(errors: FieldErrors, spec: JSON) -> None:
    volumes = check_volumes(errors, spec.get("volumes", []))
    os_name = spec.get("os", {}).get("name", "")
    pod = PodContext(volumes=volumes, grace_seconds=spec["terminationGracePeriodSeconds"], os_name=os_name)
    check_containers(errors, spec, pod)
    check_init_containers(errors, spec, pod)
    if spec.get("ephemeralContainers"):
        errors.forbidden("spec.ephemeralContainers", "cannot be set on create")
    _check_choices(errors, spec)
    check_labels(errors, "spec.nodeSelector", spec.get("nodeSelector", {}))
    check_identity(errors, "spec.securityContext", spec["securityContext"])
    errors.invalid_for_each(
        "spec.serviceAccountName", spec["serviceAccountName"], dns_subdomain_errors(spec["serviceAccountName"])
    )
    deadline = spec.get("activeDeadlineSeconds")
    if deadline is not None and not 1 <= deadline <= _LARGEST_DEADLINE_SECONDS:
        errors.invalid("spec.activeDeadlineSeconds", deadline, range_message(1, _LARGEST_DEADLINE_SECONDS))
    for name in ("hostname", "subdomain"):
        if spec.get(name):
            errors.invalid_for_each(f"spec.{name}", spec[name], dns_label_errors(spec[name]))
    for index, toleration in enumerate(spec["tolerations"]):
        _check_toleration(errors, f"spec.tolerations[{index}]", toleration)
    if "os" in spec:
        if not os_name:
            errors.required("spec.os.name")
        elif os_name not in ("linux", "windows"):
            errors.not_supported("spec.os", os_name, ("linux", "windows"))


def _check_choices(errors: FieldErrors, spec: JSON) -> None:
    policies = ("Always", "OnFailure", "Never")
    if spec["restartPolicy"] not in policies:
        errors.not_supported("spec.restartPolicy", spec["restartPolicy"], policies)
    if spec["dnsPolicy"] not in _DNS_POLICIES:
        errors.not_supported("spec.dnsPolicy", spec["dnsPolicy"], _DNS_POLICIES)


def _check_toleration(errors: FieldErrors, path: str, toleration: JSON) -> None:
    key, operator = toleration.get("key", ""), toleration.get("operator", "")
    effect = toleration.get("effect", "")
    if key:
        errors.invalid_for_each(f"{path}.key", key, qualified_name_errors(key))
    if not key and operator != "Exists":
        errors.invalid(
            f"{path}.operator",
            operator,
            'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        )
    if "tolerationSeconds" in toleration and effect != "NoExecute":
        errors.invalid(f"{path}.effect", effect, "effect must be 'NoExecute' when `tolerationSeconds` is set")
    value = toleration.get("value", "")
    if operator in ("", "Equal"):
        errors.invalid_for_each(f"{path}.operator", value, label_value_errors(value))
    elif operator == "Exists":
        if value:
            errors.invalid(f"{path}.operator", toleration, "value must be empty when `operator` is 'Exists'")
    else:
        errors.not_supported(f"{path}.operator", operator, ("Equal", "Exists"))
    if effect and effect not in _TAINT_EFFECTS:
        errors.not_supported(f"{path}.effect", effect, _TAINT_EFFECTS)
