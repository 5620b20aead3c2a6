"""Writes the static edition: every page in every language, the recordings, the index of the search, the front end.

What an edition consists of stands in its ``edition.json``; writing it again removes what it no longer has and touches nothing
else, so that the folder may be a checkout of its own. The same course gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path, PurePosixPath
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from lab.errors import ContentError
from lab.export.addresses import ASSETS, SEARCH_INDEX, Addresses, reworked
from lab.export.reader import Reader
from lab.lessons import Catalog, Language
from lab.lessons.search import passages

MANIFEST = "edition.json"
FILE_MODE = 0o644  # in an archive
PAGES = ("/", "/challenges", "/reference", "/glossary", "/search")  # whatever else is there is linked from them
HTML_LANG: Mapping[Language, str] = {"en": "en", "zh": "zh-CN"}
_HOME_LINKS: Mapping[Language, str] = {
    "en": '<a href="en/index.html" lang="en">English</a>',
    "zh": '<a href="zh/index.html" lang="zh-CN">中文</a>',
}
NOT_SHIPPED = frozenset(("app.js", "stage.js", "manifest.json"))  # of the front end: what only a lab needs
UNUSED_PARTS = frozenset(("holds", "shell", "command"))  # of frames: what a learner's hands do

_HOME = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pod Hook Lab</title>
{head}<link rel="icon" href="data:,">
<link rel="stylesheet" href="{style}">
<script>location.replace({choice})</script>
</head>
<body>
<main class="page"><h1>Pod Hook Lab</h1>
<p>{links}</p></main>
</body>
</html>
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """All files of an edition by their path in its folder, and the pages among them."""

    files: Mapping[str, bytes]
    pages: tuple[str, ...]


def make_edition(catalog: Catalog, reader: Reader, addresses: Addresses | None = None, *, base_url: str | None = None) -> Edition:
    """Return the edition of a course; ``addresses`` say what is left out of it. With the address at which it will be found it
    tells search engines where its pages are. Raises ContentError when a page cannot be made or links to what it has not."""
    addresses = addresses or Addresses()
    files: dict[str, bytes] = {f"{ASSETS}/{name}": data for name, data in reader.front_end().items() if name not in NOT_SHIPPED}
    addresses.linked |= {(language, path) for language in addresses.languages for path in PAGES}
    pages: list[str] = []
    done: set[tuple[Language, str]] = set()
    owners: dict[tuple[Language, str], str] = {}  # of recordings: the page that shows them
    while todo := sorted(addresses.linked - done):
        for language, path in todo:
            done.add((language, path))
            file = addresses.file(path, language)
            assert file is not None  # noqa: S101 - it was linked
            if path == SEARCH_INDEX:
                files[file] = _search_index(catalog, language, addresses, file)
            elif path.startswith("/recordings/"):
                files[file] = _recording(reader, path, language, addresses, owners[language, path])
            else:
                before = set(addresses.linked)
                html = addresses.relinked(reader.get(path, language), file, language)
                owners |= {link: file for link in addresses.linked - before if link[1].startswith("/recordings/")}
                files[file] = _with_links(html, file, addresses.languages, base_url).encode()
                pages.append(file)
    files["index.html"] = _home(addresses, base_url).encode()
    files[".nojekyll"] = b""  # GitHub Pages: serve the files as they are
    if base_url:
        files["sitemap.xml"] = _sitemap(pages, base_url).encode()
    listed = sorted((*files, MANIFEST))
    files[MANIFEST] = (json.dumps({"files": listed}, indent=1) + "\n").encode()
    return Edition(files=files, pages=("index.html", *pages))


def write_edition(edition: Edition, directory: Path) -> None:
    """Write an edition into a folder that is empty or holds an earlier one. Raises ContentError when it holds something else."""
    earlier = _earlier(directory)
    try:
        for name in earlier - set(edition.files):
            (directory / name).unlink(missing_ok=True)
            for folder in list((directory / name).parents)[: len(PurePosixPath(name).parts) - 1]:
                if folder.is_dir() and not any(folder.iterdir()):
                    folder.rmdir()
        for name, data in edition.files.items():
            file = directory / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
    except OSError as error:
        raise ContentError(f"cannot write the static edition: {error}; choose another folder") from error


def write_zip(edition: Edition, file: Path) -> None:
    """Write an edition into one file, in a folder of the file's name; a file that is there is replaced. The same course gives the
    same bytes. Raises ContentError."""
    part = file.with_name(f".{file.name}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with ZipFile(part, "w", ZIP_DEFLATED) as archive:
            for name in sorted(edition.files):
                info = ZipInfo(f"{file.stem}/{name}")  # of 1980, as the format begins: the day is nobody's affair
                info.compress_type, info.external_attr = ZIP_DEFLATED, FILE_MODE << 16
                archive.writestr(info, edition.files[name])
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise ContentError(f"cannot write the static edition: {error}; choose another file") from error


def _earlier(directory: Path) -> set[str]:
    """Return the files that an earlier edition left in the folder."""
    if (directory / MANIFEST).is_file():
        try:
            names = json.loads((directory / MANIFEST).read_text())["files"]
            return {
                str(name) for name in names if not PurePosixPath(name).is_absolute() and ".." not in PurePosixPath(name).parts
            }
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ContentError(f"cannot read {directory / MANIFEST}: {error}; choose another folder") from error
    if directory.exists() and (not directory.is_dir() or any(not file.name.startswith(".") for file in directory.iterdir())):
        raise ContentError(f"cannot write the static edition into {directory}: it holds other files; choose an empty folder")
    return set()


def _recording(reader: Reader, path: str, language: Language, addresses: Addresses, page: str) -> bytes:
    message = json.loads(reader.get(path, language))
    made = reworked(message, lambda html: addresses.relinked(html, page, language), UNUSED_PARTS)
    return f"self.recorded({json.dumps(made, ensure_ascii=False, separators=(',', ':'))});\n".encode()


def _search_index(catalog: Catalog, language: Language, addresses: Addresses, file: str) -> bytes:
    rows = [
        [addresses.relative(found.url, file, language), found.title, found.heading, found.text]
        for found in passages(catalog, language)
    ]
    return f"self.searchPassages = {json.dumps(rows, ensure_ascii=False, separators=(',', ':'))};\n".encode()


def _with_links(html: str, file: str, languages: Sequence[Language], base_url: str | None) -> str:
    return html.replace("</head>", f"{_links(file, languages, base_url)}</head>", 1) if base_url else html


def _links(file: str, languages: Sequence[Language], base_url: str) -> str:
    """Return what tells search engines a page's address and those of its other languages."""
    rest = file.partition("/")[2]
    lines = [f'<link rel="canonical" href="{escape(_absolute(base_url, file))}">']
    lines += [
        f'<link rel="alternate" hreflang="{HTML_LANG[language]}" href="{escape(_absolute(base_url, f"{language}/{rest}"))}">'
        for language in languages
    ]
    return "".join(line + "\n" for line in lines)


def _home(addresses: Addresses, base_url: str | None) -> str:
    head = f'<link rel="canonical" href="{escape(_absolute(base_url, "index.html"))}">\n' if base_url else ""
    first, *more = (f'"{language}/index.html"' for language in addresses.languages)
    return _HOME.format(
        head=head,
        style=addresses.relative("/static/app.css", "index.html", addresses.languages[0]),
        choice=f"/^zh\\b/.test(navigator.language) ? {more[0]} : {first}" if more else first,
        links=" · ".join(_HOME_LINKS[language] for language in addresses.languages),
    )


def _sitemap(pages: list[str], base_url: str) -> str:
    urls = "".join(f"<url><loc>{escape(_absolute(base_url, page))}</loc></url>\n" for page in sorted(pages))
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{urls}</urlset>\n'
    )


def _absolute(base_url: str, file: str) -> str:
    return f"{base_url.rstrip('/')}/{file}"
