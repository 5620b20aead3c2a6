"""What a page of the static edition weighs: itself and everything that it loads, compressed as hosts compress it."""

from __future__ import annotations

import gzip
import posixpath
import re
from dataclasses import dataclass

from lab.export.edition import Edition

_LOADED = re.compile(r'<(?:script|link|img|section)\b[^<>]*?\s(?:src|href|data-recording)="([^"#]+)"')
_IN_STYLES = re.compile(r"url\([\"']?([^\"')]+)[\"']?\)")
_COMPRESSED_ALREADY = (".woff2", ".png")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weight:
    """A page's weight in bytes, with all of its recordings stepped through."""

    page: str
    bytes: int


def weights(edition: Edition) -> tuple[Weight, ...]:
    """Return the weight of every page, the heaviest first."""
    sizes = {name: _size(name, data) for name, data in edition.files.items()}
    found = [Weight(page=page, bytes=sum(sizes[file] for file in _loads(edition, page))) for page in edition.pages]
    return tuple(sorted(found, key=lambda weight: (-weight.bytes, weight.page)))


def _size(name: str, data: bytes) -> int:
    return len(data) if name.endswith(_COMPRESSED_ALREADY) else len(gzip.compress(data, mtime=0))


def _loads(edition: Edition, page: str) -> set[str]:
    """Return the files that a page loads, with itself."""
    files = {page} | _named(edition, page, _LOADED)
    return files | {other for file in files if file.endswith(".css") for other in _named(edition, file, _IN_STYLES)}


def _named(edition: Edition, file: str, pattern: re.Pattern[str]) -> set[str]:
    names = pattern.findall(edition.files[file].decode())
    paths = {posixpath.normpath(posixpath.join(posixpath.dirname(file), name)) for name in names}
    return {path for path in paths if path in edition.files}
