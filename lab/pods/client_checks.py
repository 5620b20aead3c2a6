"""What kubectl itself refuses before it asks the server.

It needs an apiVersion and a kind, reads the metadata, looks the kind up and compares namespaces; ``apply`` also needs a
name. Each check returns a refusal in kubectl's words, or None.
Source: cli-runtime/pkg/resource/{visitor,mapper,metadata_decoder}.go, kubectl/pkg/validation/schema.go,
kubectl/pkg/cmd/apply/apply.go (v1.36).
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from lab.pods.field_errors import quoted
from lab.pods.kinds import KEPT_KINDS, KeptKind
from lab.pods.manifest import Document
from lab.pods.notes import FieldNote
from lab.pods.refusals import Refusal, refused_by_client

JSON = dict[str, Any]


def object_refusal(document: Document, filename: str) -> Refusal | None:
    """Refuse what has no apiVersion or kind; kubectl then reads no further in the file."""
    problems = _object_problems(document.value)
    if not problems and is_list(document.value):
        problems = [problem for item in document.value["items"] for problem in _object_problems(item)]
    if not problems:
        return None
    listed = problems[0] if len(problems) == 1 else f"[{', '.join(dict.fromkeys(problems))}]"
    message = (
        f"error validating {quoted(filename)}: error validating data: {listed};"
        " if you choose to ignore these errors, turn validation off with --validate=false"
    )
    return refused_by_client(message, FieldNote("", listed, document.line, "Client"))


def is_list(value: JSON) -> bool:
    """Whether kubectl takes the object apart into its items."""
    return value["kind"].endswith("List") and isinstance(value.get("items"), list)


def metadata_refusal(document: Document, type_errors: list[FieldNote], filename: str) -> Refusal | None:
    """Refuse metadata that does not decode: kubectl reads it itself."""
    for note in type_errors:
        if note.path == "metadata" or note.path.startswith("metadata."):
            detail = re.sub(r"Go struct field \w+\.metadata ", "Go struct field metadataOnlyObject.metadata ", note.message)
            return refused_by_client(f"unable to decode {quoted(filename)}: {detail}", replace(note, kind="Client"))
    return None


def unknown_kind_refusal(document: Document, filename: str) -> Refusal:
    """Refuse a kind that the server does not have."""
    value, metadata = document.value, metadata_of(document.value)
    unmatched = f"no matches for kind {quoted(value['kind'])} in version {quoted(value['apiVersion'])}"
    message = (
        f"resource mapping not found for name: {quoted(metadata.get('name') or '')}"
        f" namespace: {quoted(metadata.get('namespace') or '')} from {quoted(filename)}: {unmatched}"
        "\nensure CRDs are installed first"
    )
    return refused_by_client(message, FieldNote("kind", unmatched, document.lines.line("kind"), "Client"))


def namespace_refusal(document: Document, namespace: str) -> Refusal | None:
    """Refuse an object of another namespace than the one that kubectl was told."""
    given = metadata_of(document.value).get("namespace") or namespace
    if given == namespace:
        return None
    message = (
        f'the namespace from the provided object "{given}" does not match the namespace "{namespace}".'
        f" You must pass '--namespace={given}' to perform this operation."
    )
    return refused_by_client(
        message, FieldNote("metadata.namespace", message, document.lines.line("metadata.namespace"), "Client")
    )


def name_refusal(document: Document, namespace: str, filename: str, kept: KeptKind = KEPT_KINDS["Pod"]) -> Refusal | None:
    """Refuse, for ``apply``, an object without a name: apply first asks the server for the object of that name."""
    metadata = metadata_of(document.value)
    if metadata.get("name"):
        return None
    if metadata.get("generateName"):
        message = f"from {metadata['generateName']}: cannot use generate name with apply"
        line = document.lines.line("metadata.generateName")
        return refused_by_client(message, FieldNote("metadata.generateName", message, line, "Client"))
    empty = "resource name may not be empty"
    message = (
        f'error when retrieving current configuration of:\nResource: "{kept.group}/v1, Resource={kept.resource}",'
        f' GroupVersionKind: "{kept.group}/v1, Kind={kept.kind}"\n'
        f'Name: "", Namespace: "{namespace}"\nfrom server for: "{filename}": {empty}'
    )
    return refused_by_client(message, FieldNote("metadata.name", empty, document.lines.line("metadata.name"), "Client"))


def metadata_of(value: Any) -> JSON:
    """Return the document's metadata, empty where there is none."""
    metadata = value.get("metadata") if isinstance(value, dict) else None
    return metadata if isinstance(metadata, dict) else {}


def _object_problems(value: Any) -> list[str]:
    if not isinstance(value, dict):
        return ["invalid object to validate"]
    problems = []
    for name in ("apiVersion", "kind"):
        if value.get(name) is None:
            problems.append(f"{name} not set")
        elif not isinstance(value[name], str):
            problems.append(f"{name} isn't string type")
    if not problems and value["apiVersion"].count("/") > 1:
        problems.append(f"unexpected GroupVersion string: {value['apiVersion']}")
    return problems
