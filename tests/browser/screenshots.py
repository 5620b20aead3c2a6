"""``python -m tests.browser.screenshots [DIRECTORY]``: the README's pictures, taken of a real lab that runs its examples."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.classes import CLASS, serving_class
from tests.browser.serving import CHROMIUM, CHROMIUM_ARGUMENTS, serving
from tests.browser.stories import (
    BUDGET,
    EXAMPLE_2,
    FORCED,
    HOOK_HANGS,
    SIGTERM_IGNORED,
    Story,
    delete,
    ended,
    start,
    tell,
)

ANSWER_MILLISECONDS = 60_000
DESKTOP = {"width": 1440, "height": 1040}
STORIES = {"example-2": EXAMPLE_2, "hook-hangs": HOOK_HANGS, "sigterm-ignored": SIGTERM_IGNORED, "forced": FORCED}
PHONE = {"width": 390, "height": 844}
PREDICTED = Story(lesson="pre-stop", example="pre-stop-blocks")


def main() -> int:
    """Take the pictures into ``docs/images`` or the directory given."""
    pictures = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    pictures.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=ANSWER_MILLISECONDS)
    with tempfile.TemporaryDirectory() as data, serving(Path(data)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        page = visit(browser, address, "light", "en-US")
        page.goto("/")
        page.screenshot(path=pictures / "lessons.png")
        for name, story in STORIES.items():
            picture_of(page, story, pictures / f"{name}.png")
        picture_of(visit(browser, address, "dark", "en-US"), EXAMPLE_2, pictures / "example-2-dark.png")
        picture_of(visit(browser, address, "light", "zh-CN"), HOOK_HANGS, pictures / "hook-hangs-zh.png", language="zh")
        as_of_a_step(visit(browser, address, "light", "en-US"), pictures / "step.png")
        on_a_phone(browser, address, pictures / "phone.png")
        of_a_class(browser, pictures)
        browser.close()
    for picture in sorted(pictures.glob("*.png")):
        sys.stdout.write(f"{picture}\n")
    return 0


def visit(browser: Browser, address: str, scheme: str, locale: str) -> Page:
    """Return a page of a new learner."""
    context = browser.new_context(
        base_url=address,
        viewport=DESKTOP,
        color_scheme=scheme,  # type: ignore[arg-type]  # light or dark
        locale=locale,
    )
    context.set_default_timeout(ANSWER_MILLISECONDS)
    return context.new_page()


def picture_of(page: Page, story: Story, picture: Path, language: str = "en") -> None:
    """Tell a story, and take its headline, lifelines, ruler and steps as they are at the end."""
    path = tell(page, story)
    page.goto(f"{path}?lang={language}")
    take(page, picture)


def as_of_a_step(page: Page, picture: Path) -> None:
    """The budget's run at the moment at which the hook has ended."""
    page.goto(tell(page, BUDGET))
    page.locator("[data-plot] .cursor i").wait_for()
    page.locator("ol.steps > li", has_text="preStop ended").locator("summary").click()
    page.locator("ol.steps details[open] summary").press("ArrowLeft")
    page.get_by_role("tab").nth(2).click()
    take(page, picture)


def take(page: Page, picture: Path) -> None:
    """Take the card without the parts below it."""
    page.locator("[data-plot] .cursor i").wait_for()
    page.evaluate("document.activeElement.blur()")
    page.evaluate("scrollTo({ top: 0, behavior: 'instant' })")
    card = page.locator("[data-card]")
    box, end = card.bounding_box(), page.locator(".steps-and-panels").bounding_box()
    assert box is not None
    assert end is not None
    clip = {"x": box["x"] - 16, "y": box["y"] - 8, "width": box["width"] + 32, "height": end["y"] + end["height"] - box["y"] + 24}
    page.screenshot(path=picture, full_page=True, clip=clip)  # type: ignore[arg-type]  # a FloatRect


def on_a_phone(browser: Browser, address: str, picture: Path) -> None:
    """The lifelines on a small screen."""
    context = browser.new_context(base_url=address, viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True)
    context.set_default_timeout(ANSWER_MILLISECONDS)
    page = context.new_page()
    page.goto(tell(page, BUDGET))
    page.locator("[data-plot] .cursor i").wait_for()
    page.locator(".lifelines").evaluate(
        "element => scrollTo({ top: scrollY + element.getBoundingClientRect().top - 70, behavior: 'instant' })"
    )
    page.screenshot(path=picture)
    context.close()


def of_a_class(browser: Browser, pictures: Path) -> None:
    """A class in which some have predicted: how they join, the board, and what they expected."""
    with (
        tempfile.TemporaryDirectory() as data,
        serving_class(browser, Path(data), LAB_PUBLIC_URL="http://lab.example.org") as served,
    ):
        board = served.instructor()
        board.goto(f"/class/{CLASS.id}/projector")
        board.set_viewport_size({"width": 1280, "height": 720})
        board.screenshot(path=pictures / "join.png")
        learners = {nickname: served.learner(nickname) for nickname in ("Mei", "Noa", "Li", "Zoe")}
        for nickname, page in learners.items():
            page.goto("/lessons/pre-stop" if nickname != "Zoe" else "/lessons/post-start")
            card = page.locator(PREDICTED.card if nickname != "Zoe" else "#post-start--post-start-message")
            if nickname in ("Mei", "Noa"):
                card.locator(".predict summary").click()
                card.get_by_role("button", name="This is my prediction").click()
            start(card)
        for nickname in ("Mei", "Noa"):
            delete(learners[nickname].locator(PREDICTED.card))
            ended(learners[nickname].locator(PREDICTED.card))
        learners["Li"].locator(PREDICTED.card).locator("[data-go=first]").click()
        board.set_viewport_size({"width": 1440, "height": 900})
        board.goto(f"/class/{CLASS.id}")
        expect(board.locator("[data-learner]")).to_have_count(len(learners))
        board.locator("[data-cell=where]", has_text="PreStop").nth(2).wait_for()
        board.screenshot(path=pictures / "board.png")
        board.goto(f"/class/{CLASS.id}/misconceptions")
        board.screenshot(path=pictures / "misconceptions.png", full_page=True)


if __name__ == "__main__":
    sys.exit(main())
