"""``python -m tests.browser.screenshots [DIRECTORY]``: the README's pictures, taken of a real lab that runs examples 1 and 2."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, sync_playwright

from tests.browser.serving import CHROMIUM, CHROMIUM_ARGUMENTS, serving

ANSWER_MILLISECONDS = 60_000
DESKTOP = {"width": 1440, "height": 1040}
PHONE = {"width": 390, "height": 844}


def main() -> int:
    """Take the pictures into ``docs/images`` or the directory given."""
    pictures = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    pictures.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as data, serving(Path(data)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        page = visit(browser, address, "light", "en-US")
        page.goto("/")
        page.screenshot(path=pictures / "lessons.png")
        example_1(page, pictures / "example-1.png")
        example_2(visit(browser, address, "dark", "en-US"), pictures / "example-2-dark.png")
        in_chinese(visit(browser, address, "light", "zh-CN"), pictures / "example-1-zh.png")
        on_a_phone(browser, address, pictures / "phone.png")
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


def example_1(page: Page, picture: Path) -> None:
    """The message of the postStart hook, while the pod runs."""
    card = open_card(page, "post-start", "post-start-message")
    card.get_by_role("button", name="Run", exact=True).click()
    card.get_by_role("tabpanel", name="Files").get_by_text("Hello from the postStart handler").wait_for()
    page.screenshot(path=picture)
    force(card, "Delete", "Force")


def example_2(page: Page, picture: Path) -> None:
    """The message that a preStop hook left on the node, after the pod is gone."""
    card = open_card(page, "stopping-nginx", "host-path")
    card.get_by_role("button", name="Run", exact=True).click()
    card.locator(".status .live").wait_for()
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("menuitem", name="Graceful").click()
    ended(card)
    page.screenshot(path=picture)


def in_chinese(page: Page, picture: Path) -> None:
    """Signals of example 1 in Chinese."""
    card = open_card(page, "post-start", "post-start-message")
    card.get_by_role("button", name="运行", exact=True).click()
    card.locator(".status .live").wait_for()
    force(card, "删除", "优雅删除")
    card.get_by_role("tab", name="信号").click()
    page.screenshot(path=picture)


def on_a_phone(browser: Browser, address: str, picture: Path) -> None:
    """A card on a small screen."""
    context = browser.new_context(base_url=address, viewport=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True)
    context.set_default_timeout(ANSWER_MILLISECONDS)
    page = context.new_page()
    card = open_card(page, "post-start", "post-start-message")
    card.get_by_role("button", name="Run", exact=True).click()
    card.get_by_role("tabpanel", name="Files").get_by_text("Hello from the postStart handler").wait_for()
    card.locator(".run").evaluate("element => scrollTo({ top: scrollY + element.getBoundingClientRect().top - 70 })")
    page.screenshot(path=picture)
    force(card, "Delete", "Force")
    context.close()


def open_card(page: Page, lesson: str, name: str) -> Locator:
    """Open a lesson with the card in sight."""
    page.goto(f"/lessons/{lesson}")
    card = page.locator(f"#{lesson}--{name}")
    card.evaluate("element => scrollTo({ top: scrollY + element.getBoundingClientRect().top - 80, behavior: 'instant' })")
    return card


def force(card: Locator, button: str, item: str) -> None:
    """Delete the pod and wait until nothing is left of it."""
    card.get_by_role("button", name=button, exact=True).click()
    card.get_by_role("menuitem", name=item).click()
    ended(card)


def ended(card: Locator) -> None:
    """Wait until the run is closed."""
    card.locator(".status [data-live=false]").wait_for(state="attached")


if __name__ == "__main__":
    sys.exit(main())
