"""A lab and a Chromium for the browser tests: one of each per test process, a fresh browser context per test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.serving import CHROMIUM, CHROMIUM_ARGUMENTS, Relay, serving
from tests.browser.stories import Stories

EXPECT_MILLISECONDS = 20_000  # machines that run the suite are busy; nothing here measures time


@pytest.fixture(scope="session")
def lab_address(tmp_path_factory: pytest.TempPathFactory, lab_images: object) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("lab")) as address:
        yield address


@pytest.fixture(scope="session")
def lab_without_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    data: Path = tmp_path_factory.mktemp("lab-without-engine")
    with serving(data, docker_host=f"unix://{data}/nobody-listens.sock") as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=EXPECT_MILLISECONDS)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def stories(browser: Browser, lab_address: str) -> Stories:
    return Stories(browser=browser, address=lab_address)


@pytest.fixture
def page(browser: Browser, lab_address: str) -> Iterator[Page]:
    """A learner who has never been here; a page that throws or logs an error fails the test."""
    context = browser.new_context(base_url=lab_address, locale="en-US", viewport={"width": 1440, "height": 900})
    context.set_default_timeout(EXPECT_MILLISECONDS)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert errors == []


@pytest.fixture
def relay(lab_address: str) -> Iterator[Relay]:
    relay = Relay(lab_address)
    yield relay
    relay.close()
