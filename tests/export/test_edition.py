"""The static edition is whole: all that its pages name is in it, in both languages, and nothing asks a server."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from urllib.parse import urlsplit
from zipfile import ZipFile

import pytest

from lab.errors import ContentError
from lab.export.addresses import Addresses
from lab.export.edition import MANIFEST, Edition, make_edition, write_edition, write_zip
from lab.export.reader import Reader
from lab.export.weight import weights
from lab.lessons import LANGUAGES, Catalog
from lab.share import CONTENT

GOAL_BYTES = 300_000  # of a page with all that it loads, compressed
REFERENCE = re.compile(r'<[a-z][^<>]*?\s(?:href|src|action|data-recording)="([^"]*)"[^<>]*>')
ID = re.compile(r'\sid="([^"]+)"')


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load(CONTENT)


@pytest.fixture(scope="session")
def edition(catalog: Catalog) -> Edition:
    return make_edition(catalog, Reader(catalog))


def text(edition: Edition, file: str) -> str:
    return edition.files[file].decode()


def message(edition: Edition, file: str) -> dict[str, object]:
    """Return what a recording's script hands over."""
    found: dict[str, object] = json.loads(text(edition, file).removeprefix("self.recorded(").removesuffix(");\n"))
    return found


def rows(edition: Edition, language: str) -> list[list[str]]:
    """Return what the search knows."""
    script = text(edition, f"{language}/search-index.js")
    found: list[list[str]] = json.loads(script.removeprefix("self.searchPassages = ").removesuffix(";\n"))
    return found


def markup(edition: Edition) -> Iterator[tuple[str, str]]:
    """Yield all HTML with the page that it stands in: of pages, and of recordings as their page shows them."""
    for page in edition.pages:
        html = text(edition, page)
        yield page, html
        for name in re.findall(r'data-recording="([^"]+)"', html):
            frames = message(edition, posixpath.normpath(posixpath.join(posixpath.dirname(page), name)))["frames"]
            assert isinstance(frames, list)
            for frame in frames:
                pieces = [frame.get("step", {}).get("html", ""), *frame.get("parts", {}).values()]
                pieces += [row["html"] or "" for row in frame.get("rows", ())]
                yield page, "\n".join(pieces)


def links(edition: Edition) -> Iterator[tuple[str, str, str]]:
    """Yield each link: the page, what is named, and the tag."""
    for page, html in markup(edition):
        for match in REFERENCE.finditer(html):
            yield page, unescape(match[1]), match[0]
    for language in LANGUAGES:
        for url, *_ in rows(edition, language) if f"{language}/search-index.js" in edition.files else ():
            yield f"{language}/search.html", url, "a passage of the search"


@pytest.fixture(scope="session")
def part(catalog: Catalog) -> Edition:
    """Two lessons in one language."""
    chosen = catalog.only(("05", "stop-signal"))
    left_out = {lesson.slug for lesson in catalog.lessons} - {lesson.slug for lesson in chosen.lessons}
    return make_edition(chosen, Reader(chosen), Addresses(left_out, ("zh",)))


@pytest.mark.parametrize("which", ["edition", "part"])
def test_everything_that_is_named_is_in_the_folder_and_so_is_the_place_in_it(which: str, request: pytest.FixtureRequest) -> None:
    edition: Edition = request.getfixturevalue(which)
    ids = {page: set(ID.findall(text(edition, page))) for page in edition.pages}
    dead = []
    for page, url, tag in links(edition):
        parts = urlsplit(url)
        if parts.scheme or 'data-go-seq="' in tag:
            continue  # outside, or a step of the stage, which the stage itself finds
        file = posixpath.normpath(posixpath.join(posixpath.dirname(page), parts.path)) if parts.path else page
        if file not in edition.files or (parts.fragment and file in ids and parts.fragment not in ids[file]):
            dead.append((page, url))
    assert dead == []


def test_only_links_that_are_marked_lead_out_of_the_folder(edition: Edition) -> None:
    out = [
        (page, tag) for page, url, tag in links(edition) if urlsplit(url).scheme in ("http", "https") and "external" not in tag
    ]
    absolute = [(page, url) for page, url, _ in links(edition) if url.startswith("/") or "localhost" in url]
    assert (out, absolute) == ([], [])
    styles = re.findall(r"url\((?!\"?data:)([^)]*)\)", text(edition, "assets/app.css"))
    assert styles
    assert {f"assets/{posixpath.basename(name.strip(chr(34)))}" for name in styles} <= set(edition.files)


def test_every_page_is_there_in_both_languages_and_leads_to_its_twin(edition: Edition, catalog: Catalog) -> None:
    names = {x: {page[3:] for page in edition.pages if page.startswith(f"{x}/")} for x in LANGUAGES}
    assert names["en"] == names["zh"]
    lessons = {f"lessons/{lesson.slug}.html" for lesson in catalog.lessons}
    challenges = {f"challenges/{example.id.replace('/', '--')}.html" for example in catalog.examples if example.challenge}
    fixed = {"index.html", "challenges.html", "reference.html", "glossary.html", "search.html"}
    assert names["en"] == lessons | challenges | fixed
    for name in names["en"]:
        twin = posixpath.relpath(f"zh/{name}", posixpath.dirname(f"en/{name}"))
        assert f'href="{twin}" hreflang="zh"' in text(edition, f"en/{name}")
        assert '<html lang="zh-CN"' in text(edition, f"zh/{name}")


@pytest.mark.parametrize(("language", "said"), [("en", "This edition is a recording."), ("zh", "这个版本是录制的。")])
def test_every_page_says_that_it_is_a_recording_and_has_nothing_that_needs_a_server(
    edition: Edition, language: str, said: str
) -> None:
    for page in edition.pages:
        if not page.startswith(language):
            continue
        html = text(edition, page)
        assert said in html
        assert "make run" in html
        asks = re.findall(r'method="post"|hx-\w+=|<textarea|csrf|data-stream|type="module"|fetch\(', html)
        assert (page, asks) == (page, [])


def test_every_recording_that_a_card_names_is_that_of_the_lab_for_that_card(edition: Edition, catalog: Catalog) -> None:
    recorded = [name for name in edition.files if "/recordings/" in name]
    assert len(recorded) >= 2 * 25
    for name in recorded:
        key = posixpath.basename(name).removesuffix(".js")
        told = message(edition, name)
        assert (told["card"], told["live"], told["reset"]) == (key, False, True)
    reader = Reader(catalog)
    (name,) = [name for name in recorded if name.endswith("en/recordings/stopping-nginx--host-path.js")]
    served = json.loads(reader.get("/recordings/stopping-nginx/host-path.json", "en"))["frames"]
    exported = message(edition, name)["frames"]
    assert isinstance(exported, list)
    for lab, file in zip(served, exported, strict=True):
        assert {k: v for k, v in lab.items() if k not in ("step", "parts")} == {
            k: v for k, v in file.items() if k not in ("step", "parts")
        }


def test_the_same_course_gives_the_same_bytes(edition: Edition, catalog: Catalog) -> None:
    assert make_edition(catalog, Reader(catalog)).files == edition.files


def test_a_page_with_all_that_it_loads_stays_light(edition: Edition) -> None:
    heaviest, *rest = weights(edition)
    assert len(rest) == len(edition.pages) - 1
    assert 100_000 < heaviest.bytes < GOAL_BYTES  # with fonts and at least one recording


def test_with_an_address_pages_say_where_they_are_and_in_which_languages(catalog: Catalog) -> None:
    edition = make_edition(catalog, Reader(catalog), base_url="https://docs.example.org/hooks/")
    html = text(edition, "zh/lessons/pre-stop.html")
    assert '<link rel="canonical" href="https://docs.example.org/hooks/zh/lessons/pre-stop.html">' in html
    assert '<link rel="alternate" hreflang="en" href="https://docs.example.org/hooks/en/lessons/pre-stop.html">' in html
    assert (
        text(edition, "sitemap.xml").count("<loc>https://docs.example.org/hooks/") == len(edition.pages) - 1
    )  # the first only forwards


def test_a_link_to_what_only_a_lab_serves_is_refused() -> None:
    with pytest.raises(ContentError, match=r"cannot export the page en/index.html: it links to /runs/1"):
        Addresses().relinked('<a href="/runs/1">', "en/index.html", "en")


def test_text_that_looks_like_a_link_is_left_alone() -> None:
    html = '<p title="a">href="/nowhere" &lt;a href="/x"&gt;</p><a href="https://example.org/">'
    assert Addresses().relinked(html, "en/index.html", "en") == html


def test_an_edition_is_written_again_over_itself_and_what_is_gone_from_it_is_removed(tmp_path: Path) -> None:
    first = {
        "en/index.html": b"1",
        "en/lessons/old.html": b"1",
        MANIFEST: json.dumps({"files": ["en/lessons/old.html"]}).encode(),
    }
    (tmp_path / ".git").mkdir()
    write_edition(Edition(files=first, pages=()), tmp_path)
    (tmp_path / "CNAME").write_text("hooks.example.org")
    write_edition(Edition(files={"en/index.html": b"2", MANIFEST: b'{"files": []}'}, pages=()), tmp_path)
    left = sorted(file.relative_to(tmp_path).as_posix() for file in tmp_path.rglob("*"))
    assert left == [".git", "CNAME", MANIFEST, "en", "en/index.html"]
    assert (tmp_path / "en/index.html").read_bytes() == b"2"


def test_a_folder_with_other_files_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ContentError, match="it holds other files; choose an empty folder"):
        write_edition(Edition(files={"index.html": b""}, pages=()), tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_edition_whose_list_leads_out_of_the_folder_removes_nothing_there(tmp_path: Path) -> None:
    mine, folder = tmp_path / "mine.txt", tmp_path / "edition"
    mine.write_text("mine")
    folder.mkdir()
    (folder / MANIFEST).write_text(json.dumps({"files": ["../mine.txt", str(mine)]}))
    write_edition(Edition(files={"index.html": b""}, pages=()), folder)
    assert mine.read_text() == "mine"


def test_an_edition_of_some_lessons_in_one_language_has_nothing_else(part: Edition) -> None:
    assert [page for page in part.pages if "/lessons/" in page] == ["zh/lessons/pre-stop.html", "zh/lessons/stop-signal.html"]
    assert not [name for name in part.files if name.startswith("en/") or "post-start" in name]
    home = text(part, "index.html")
    assert 'location.replace("zh/index.html")' in home
    assert "English" not in home
    assert 'href="lessons/stop-signal.html' in text(part, "zh/index.html")


def test_words_that_linked_to_a_lesson_that_was_left_out_are_still_there(part: Edition, edition: Edition) -> None:
    words = re.findall(
        r'<a href="(?:post-start-failures|without-pre-stop|graceful-deletion)\.html[^"]*">([^<]+)</a>',
        text(edition, "zh/lessons/pre-stop.html"),
    )
    assert words
    assert all(f"<a>{word}</a>" in text(part, "zh/lessons/pre-stop.html") for word in words)


def test_a_lesson_that_is_not_there_is_told_with_those_that_are(catalog: Catalog) -> None:
    with pytest.raises(ContentError, match=r"cannot find lesson 99, hooks; there are 01 what-hooks-are, .*"):
        catalog.only(("05", "99", "hooks"))


def test_an_edition_in_one_file_has_a_folder_of_its_own_and_the_same_bytes_each_time(part: Edition, tmp_path: Path) -> None:
    write_zip(part, tmp_path / "out" / "plan-b.zip")
    with ZipFile(tmp_path / "out" / "plan-b.zip") as archive:
        assert archive.testzip() is None
        found = {name: archive.read(name) for name in archive.namelist()}
    assert found == {f"plan-b/{name}": data for name, data in part.files.items()}
    first = (tmp_path / "out" / "plan-b.zip").read_bytes()
    write_zip(part, tmp_path / "out" / "plan-b.zip")
    assert (tmp_path / "out" / "plan-b.zip").read_bytes() == first
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["plan-b.zip"]


def test_a_file_that_cannot_be_written_is_told(part: Edition, tmp_path: Path) -> None:
    (tmp_path / "plan-b.zip").mkdir()
    with pytest.raises(ContentError, match="cannot write the static edition"):
        write_zip(part, tmp_path / "plan-b.zip")
