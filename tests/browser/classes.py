"""A classroom in a process of its own, with one class and its instructor, and browsers that join it."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from lab.classroom.model import Class
from lab.clock import SystemClock
from lab.config import read_settings
from lab.store.store import Store
from tests.browser.serving import serving

CLASS = Class(id="monday", name="Hooks on Monday", code="QRST23", opened_at=datetime(2026, 11, 26, tzinfo=UTC))
INSTRUCTOR, PASSWORD = "Ada", "a password for tests"
EXPECT_MILLISECONDS = 20_000  # as `tests.browser.conftest`
WINDOW = {"width": 1440, "height": 900}


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedClass:
    """A lab that serves a class. Who signs in or joins gets a browser context of their own, whose pages fail the test when a
    script fails."""

    address: str
    browser: Browser
    errors: list[str]
    code: str = CLASS.code

    def instructor(self, **options: Any) -> Page:
        """Sign in."""
        page = self._context(**options).new_page()
        page.goto("/sign-in")
        page.locator("[name=name]").fill(INSTRUCTOR)
        page.locator("[name=password]").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/class")
        return page

    def learner(self, nickname: str, **options: Any) -> Page:
        """Join the class."""
        page = self._context(**options).new_page()
        page.goto(f"/join?code={self.code}")
        page.locator("[name=nickname]").fill(nickname)
        page.get_by_role("button", name="Join").click()
        page.wait_for_url(f"{self.address}/")
        return page

    def _context(self, **options: Any) -> BrowserContext:
        context = self.browser.new_context(**{"base_url": self.address, "locale": "en-US", "viewport": WINDOW, **options})
        context.set_default_timeout(EXPECT_MILLISECONDS)
        context.on("weberror", lambda error: self.errors.append(str(error.error)))
        return context


@contextlib.contextmanager
def serving_class(browser: Browser, data: Path, **settings: str) -> Iterator[ServedClass]:
    """Serve a lab with one open class; at the end every page is closed, and none may have failed."""
    lab = str(Path(sys.executable).with_name("lab"))
    made = [lab, "classroom", "init", "--name", INSTRUCTOR, "--password-file", "-"]
    subprocess.run(made, input=f"{PASSWORD}\n", env={"LAB_DATA": str(data)}, text=True, check=True, capture_output=True)
    with Store.open(read_settings({"LAB_DATA": str(data)}).database_url, SystemClock()) as store:
        store.classes.keep_class(CLASS)
    with serving(data, "--classroom", **settings) as address:
        served = ServedClass(address=address, browser=browser, errors=[])
        try:
            yield served
        finally:
            for context in browser.contexts:
                if context.pages and context.pages[0].url.startswith(address):
                    context.close()
    assert served.errors == []
