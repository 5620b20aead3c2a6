"""The static edition, opened from a disk: no server, no engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lab.export.edition import make_edition, write_edition
from lab.export.reader import Reader
from lab.lessons import Catalog, Language
from lab.lessons.search import find, passages
from lab.share import CONTENT
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser

EXAMPLE_2 = "#stopping-nginx--host-path"
STEPS: dict[str, str] = {"en": "Steps", "zh": "步骤"}
FILES: dict[str, str] = {"en": "Files", "zh": "文件"}


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    return Catalog.load(CONTENT)


@pytest.fixture(scope="session")
def folder(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("static edition")  # a name that an address must write otherwise
    write_edition(make_edition(catalog, Reader(catalog)), folder)
    return folder


@pytest.fixture
def disk(browser: Browser, folder: Path) -> Iterator[Page]:
    """A browser on the disk; a page that throws, logs an error, or asks for anything outside the folder fails the test."""
    context = browser.new_context(locale="en-US", viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("requestfailed", lambda request: wrong.append(request.url))
    page.on("request", lambda r: None if r.url.startswith((folder.as_uri(), "data:")) else wrong.append(r.url))
    yield page
    context.close()
    assert wrong == []


def opened(page: Page, folder: Path, file: str, card: str) -> Locator:
    """Open a page and wait until the card's recording is on its stage."""
    page.goto((folder / file).as_uri())
    found = page.locator(card)
    found.scroll_into_view_if_needed()
    expect(found.locator("[data-plot] .cursor")).to_be_attached()
    return found


def press(page: Page, control: Locator) -> None:
    """Press something in the page's head with the mouse; Playwright's own click scrolls the page first."""
    box = control.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_example_2_is_stepped_through_with_the_keyboard(disk: Page, folder: Path, language: str) -> None:
    card = opened(disk, folder, f"{language}/lessons/stopping-nginx.html", EXAMPLE_2)
    steps = card.get_by_role("list", name=STEPS[language]).locator("> li")
    written = card.get_by_role("tabpanel", name=FILES[language], exact=True).get_by_text("Hello from the preStop Handler")
    count = steps.count()
    assert count > 20
    expect(steps.nth(count - 1)).to_have_attribute("aria-current", "step")
    expect(written).to_be_visible()
    card.locator("[data-lifelines]").focus()
    disk.keyboard.press("ArrowLeft")
    expect(steps.nth(count - 2)).to_have_attribute("aria-current", "step")
    disk.keyboard.press("Home")
    expect(steps.first).to_have_attribute("aria-current", "step")
    expect(written).to_be_hidden()
    for at in range(1, count):
        disk.keyboard.press("ArrowRight")
        expect(steps.nth(at)).to_have_attribute("aria-current", "step")
    expect(written).to_be_visible()


def test_the_other_language_shows_the_same_place_in_the_colours_that_were_chosen(disk: Page, folder: Path) -> None:
    card = opened(disk, folder, "en/lessons/stopping-nginx.html", EXAMPLE_2)
    card.evaluate("(card) => card.scrollIntoView({ block: 'start', behavior: 'instant' })")
    expect(card).to_be_in_viewport()
    expect(disk.locator("html")).not_to_have_attribute("data-theme", "dark")
    press(disk, disk.locator("[data-theme-toggle]"))
    press(disk, disk.get_by_role("link", name="中文"))
    expect(disk.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(disk.locator("html")).to_have_attribute("data-theme", "dark")
    assert disk.url == (folder / "zh/lessons/stopping-nginx.html").as_uri()
    expect(disk.locator(EXAMPLE_2)).to_be_in_viewport()


def test_the_first_page_leads_to_the_readers_language(disk: Page, folder: Path) -> None:
    disk.goto((folder / "index.html").as_uri())
    disk.wait_for_url("**/en/index.html")
    disk.get_by_role("link", name="Stopping nginx").first.click()
    expect(disk.get_by_role("heading", level=1)).to_have_text("Stopping nginx")
    assert "Stopping nginx" in disk.title()


@pytest.mark.parametrize(
    ("language", "query"),
    [("en", "grace period"), ("en", "preStop hook failed"), ("zh", "宽限期"), ("zh", "preStop 钩子失败"), ("zh", "没有的词语呀")],
)
def test_search_finds_without_a_server_what_the_lab_finds(
    disk: Page, folder: Path, catalog: Catalog, language: Language, query: str
) -> None:
    hits = find(passages(catalog, language), query)
    disk.goto((folder / language / "search.html").as_uri())
    disk.locator("#query").fill(query)
    disk.keyboard.press("Enter")
    found = disk.locator(".hits > li")
    expect(disk.locator(".found")).not_to_be_empty()
    assert found.locator("a").all_text_contents() == [hit.passage.heading or hit.passage.title for hit in hits]
    assert found.locator("p").all_text_contents() == ["".join(text for text, _ in hit.excerpt) for hit in hits]
    assert found.locator("mark").all_text_contents() == [text for hit in hits for text, wanted in hit.excerpt if wanted]
    if hits:
        found.locator("a").first.click()
        expect(disk.get_by_role("heading", level=1)).to_be_visible()


def test_a_challenge_shows_its_symptom_its_recorded_failure_and_its_solution(disk: Page, folder: Path, catalog: Catalog) -> None:
    example = next(example for example in catalog.examples if example.challenge)
    key = example.id.replace("/", "--")
    card = opened(disk, folder, f"en/challenges/{key}.html", f"#{key}")
    expect(card.locator(".check li.failed").first).to_be_attached()
    disk.get_by_text("Show the solution").click()
    expect(disk.locator("details.solution pre")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_nothing(browser: Browser, folder: Path, language: str, scheme: Literal["light", "dark"]) -> None:
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    found: dict[str, list[str]] = {}
    for name in ("index", "challenges", "reference", "glossary", "search"):
        page.goto((folder / language / f"{name}.html").as_uri() + "?q=preStop")
        found[name] = violations(page)
    opened(page, folder, f"{language}/lessons/stopping-nginx.html", EXAMPLE_2)
    found["lesson"] = violations(page)
    context.close()
    assert {place: wrong for place, wrong in found.items() if wrong} == {}
