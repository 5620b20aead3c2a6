"""The API server's rules for a pod's volumes.

Source: pkg/apis/core/validation/validation.go, ValidateVolumes, validateVolumeSource, validateProjectedVolumeSource (v1.36).
"""

from __future__ import annotations

from typing import Any

from lab.pods.environment_validation import check_field_ref, check_resource_ref
from lab.pods.field_errors import FieldErrors
from lab.pods.names import dns_label_errors
from lab.pods.quantity import parse_quantity
from lab.pods.volume_fields import VOLUME_SOURCES

JSON = dict[str, Any]

_LARGEST_MODE = 0o777
_DOWNWARD_FIELDS = (  # validVolumeDownwardAPIFieldPathExpressions, sorted
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
)
_NAMES = {"configMap": "name", "secret": "secretName"}
_HOST_PATH_TYPES = ("", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket")


def check_volumes(errors: FieldErrors, volumes: list[JSON]) -> set[str]:
    """Check the volumes and return the names that a mount may refer to: those of the valid ones."""
    valid: set[str] = set()
    for index, volume in enumerate(volumes):
        path = f"spec.volumes[{index}]"
        before = len(errors.notes)
        _check_sources(errors, path, volume)
        if not volume["name"]:
            errors.required(f"{path}.name")
        else:
            errors.invalid_for_each(f"{path}.name", volume["name"], dns_label_errors(volume["name"]))
        if volume["name"] in valid:
            errors.duplicate(f"{path}.name", volume["name"])
        if len(errors.notes) == before:
            valid.add(volume["name"])
    return valid


def _check_sources(errors: FieldErrors, path: str, volume: JSON) -> None:
    sources = [name for name in ("emptyDir", *VOLUME_SOURCES) if name in volume]
    for name in dict.fromkeys(sources[1:]):
        if name != sources[0]:
            errors.forbidden(f"{path}.{name}", "may not specify more than 1 volume type")
    if sources and sources[0] == "hostPath":
        _check_host_path(errors, f"{path}.hostPath", volume["hostPath"])
    elif sources:
        check_files(errors, f"{path}.{sources[0]}", sources[0], volume[sources[0]])
    limit = volume.get("emptyDir", {}).get("sizeLimit")
    if limit is not None and parse_quantity(limit).value < 0:
        errors.forbidden(f"{path}.emptyDir.sizeLimit", "SizeLimit field must be a valid resource quantity")


def _check_host_path(errors: FieldErrors, path: str, source: JSON) -> None:
    if not source["path"]:
        errors.required(f"{path}.path")
        return
    if ".." in source["path"].split("/"):
        errors.invalid(f"{path}.path", source["path"], "must not contain '..'")
    if source["type"] not in _HOST_PATH_TYPES:
        errors.not_supported(f"{path}.type", source["type"], _HOST_PATH_TYPES)


def check_files(errors: FieldErrors, path: str, source: str, given: JSON) -> None:
    """Check a volume, or a projection, that is made of files: configMap, secret, downwardAPI, projected."""
    _check_mode(errors, f"{path}.defaultMode", given.get("defaultMode"))
    match source:
        case "configMap" | "secret":
            if not given.get(_NAMES[source]):
                errors.required(f"{path}.{_NAMES[source]}")
            for index, item in enumerate(given.get("items", [])):
                _check_key_to_path(errors, f"{path}.items[{index}]", item)
        case "downwardAPI":
            for index, item in enumerate(given.get("items", [])):
                _check_downward_file(errors, f"{path}.items[{index}]", item)
        case "projected":
            for index, projection in enumerate(given.get("sources", [])):
                _check_projection(errors, f"{path}.sources[{index}]", projection)


def _check_projection(errors: FieldErrors, path: str, projection: JSON) -> None:
    given = list(projection)
    for name in given:
        if name == "secret":
            check_files(errors, f"{path}.secret", "secret", {**projection[name], "secretName": projection[name].get("name")})
        elif name in ("configMap", "downwardAPI"):
            check_files(errors, f"{path}.{name}", name, projection[name])
    for name in given[1:]:
        errors.forbidden(f"{path}.{name}", "may not specify more than 1 volume type per source")


def _check_key_to_path(errors: FieldErrors, path: str, item: JSON) -> None:
    if not item["key"]:
        errors.required(f"{path}.key")
    _check_local_path(errors, f"{path}.path", item["path"])
    _check_mode(errors, f"{path}.mode", item.get("mode"))


def _check_downward_file(errors: FieldErrors, path: str, item: JSON) -> None:
    _check_local_path(errors, f"{path}.path", item["path"])
    if "fieldRef" in item:
        check_field_ref(errors, f"{path}.fieldRef", item["fieldRef"], _DOWNWARD_FIELDS)
        if "resourceFieldRef" in item:
            errors.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously")
    elif "resourceFieldRef" in item:
        check_resource_ref(errors, f"{path}.resourceFieldRef", item["resourceFieldRef"], of_volume=True)
    else:
        errors.required(path, "one of fieldRef and resourceFieldRef is required")
    _check_mode(errors, f"{path}.mode", item.get("mode"))


def _check_local_path(errors: FieldErrors, path: str, value: str) -> None:
    if not value:
        errors.required(path)
    elif value.startswith("/"):
        errors.invalid(path, value, "must be a relative path")
    elif ".." in value.split("/"):
        errors.invalid(path, value, "must not contain '..'")
    elif value.startswith(".."):
        errors.invalid(path, value, "must not start with '..'")


def _check_mode(errors: FieldErrors, path: str, mode: int | None) -> None:
    if mode is not None and not 0 <= mode <= _LARGEST_MODE:
        errors.invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")
