"""Packs a root file system and a configuration as an image archive, as ``docker save`` writes it and every engine loads it.

Not ``docker import``: older engines (20.10) refuse to set a stop signal there. Touches no engine.
Source: moby/moby, image/spec/spec.md v1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.errors import LabError
from lab.runtime.recipes import Recipe

LABEL = "pod-hook-lab.image"  # the recipe's hash; the mark of an image that the lab built
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # uname's name: Go's GOARCH
_READ_BYTES = 1 << 20


def write_image_archive(recipe: Recipe, layer: Path, archive: Path, *, created_at: datetime) -> None:
    """Write the image of ``recipe`` with the one layer ``layer`` (uncompressed tar) to ``archive``.

    Raises LabError on a machine of unknown architecture.
    """
    config = json.dumps(_configuration(recipe, _digest(layer), created_at), sort_keys=True).encode()
    name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": name, "RepoTags": [recipe.tag], "Layers": ["layer.tar"]}]).encode()
    with tarfile.open(archive, "w") as target:
        target.add(layer, "layer.tar")
        for path, content in ((name, config), ("manifest.json", manifest)):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            target.addfile(member, io.BytesIO(content))


def _configuration(recipe: Recipe, layer_digest: str, created_at: datetime) -> dict[str, Any]:
    machine = platform.machine()
    if machine not in _ARCHITECTURES:
        raise LabError(f"cannot build the image {recipe.name} for {machine}: the lab knows {', '.join(_ARCHITECTURES)}")
    created = created_at.isoformat().replace("+00:00", "Z")
    return {
        "architecture": _ARCHITECTURES[machine],
        "config": {**recipe.config, "Labels": {LABEL: recipe.hash}},
        "created": created,
        "history": [
            {"created": created, "created_by": "lab images ensure", "comment": f"Debian packages: {', '.join(recipe.packages)}"}
        ],
        "os": "linux",
        "rootfs": {"type": "layers", "diff_ids": [layer_digest]},
    }


def _digest(file: Path) -> str:
    digest = hashlib.sha256()
    with file.open("rb") as source:
        while block := source.read(_READ_BYTES):
            digest.update(block)
    return f"sha256:{digest.hexdigest()}"
