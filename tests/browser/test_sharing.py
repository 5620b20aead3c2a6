"""Runs as files and examples in frames: what is shared reads the same elsewhere, and asks for no cookie."""

from __future__ import annotations

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from lab.clock import SystemClock
from tests.browser.serving import serving
from tests.browser.stories import EXAMPLE_2, Stories

pytestmark = pytest.mark.browser

NAMED, UNNAMED = "127.0.0.1", "localhost"  # to a browser two sites; the lab is reached at the second


@pytest.fixture(scope="module")
def embeddable_lab(tmp_path_factory: pytest.TempPathFactory, lab_images: object) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("embeddable"), LAB_EMBED_ANCESTORS=f"http://{NAMED}:*") as address:
        yield address


@pytest.fixture(scope="module")
def other_site(embeddable_lab: str) -> Iterator[int]:
    """Serve a page of somebody else with an example of the lab in a frame; give its port."""
    frame = f"{embeddable_lab}/embed/{EXAMPLE_2.lesson}/{EXAMPLE_2.example}"
    body = f'<!doctype html><title>Docs</title><iframe src="{frame}" width="1000" height="800"></iframe>'.encode()

    class Docs(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Docs)
    thread = SystemClock().spawn("docs", server.serve_forever)
    yield server.server_port
    server.shutdown()
    thread.join(10)
    server.server_close()


def told(page: Page) -> dict[str, str]:
    """Return what a run's page says, piece by piece."""
    expect(page.locator("[data-plot] .cursor")).to_be_attached()
    pieces = {
        "steps": "ol.steps",
        "headline": "[data-part=headline]",
        "ruler": "[data-ruler-words]",
        "describe": "[data-text=describe]",
        "yaml": "[data-text=yaml]",
        "files": "[data-list=files]",
    }
    run_id = page.url.partition("?")[0].rpartition("/")[2]
    return {name: str(page.locator(place).first.text_content()).replace(run_id, "RUN") for name, place in pieces.items()}


def test_a_downloaded_run_steps_through_identically_in_a_lab_without_an_engine(
    browser: Browser, stories: Stories, lab_without_engine: str, tmp_path: Path
) -> None:
    context = browser.new_context(base_url=stories.address, locale="en-US", viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.goto(stories.path(EXAMPLE_2))
    here = told(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    file = tmp_path / "run.json"
    download.value.save_as(file)
    context.close()

    context = browser.new_context(base_url=lab_without_engine, locale="en-US", viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.goto("/open")
    page.get_by_label("A run’s file").set_input_files(file)
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("opened from a file")).to_be_visible()
    there = told(page)
    for name, text in here.items():
        assert " ".join(there[name].split()) == " ".join(text.split()), name
    count = page.locator("ol.steps > li").count()
    page.locator("[data-lifelines]").focus()
    page.keyboard.press("Home")
    expect(page.locator("[data-position]")).to_have_text(f"1 / {count}")
    expect(page.locator("[data-part=headline]")).to_contain_text("The manifest goes to the API server.")
    context.close()


def test_a_file_that_is_dropped_is_opened_and_one_that_is_no_run_says_why(browser: Browser, lab_without_engine: str) -> None:
    context = browser.new_context(base_url=lab_without_engine, locale="en-US")
    page = context.new_page()
    page.goto("/open")
    transfer = page.evaluate_handle(
        """() => {
          const transfer = new DataTransfer()
          transfer.items.add(new File(['{"format": "another"}'], "run.json", { type: "application/json" }))
          return transfer
        }"""
    )
    page.locator("[data-drop]").dispatch_event("drop", {"dataTransfer": transfer})
    expect(page.get_by_role("alert")).to_contain_text("it is not a run of this lab")
    context.close()


def test_an_example_in_a_frame_of_another_site_is_edited_run_and_deleted_without_a_cookie(
    browser: Browser, other_site: int
) -> None:
    context = browser.new_context(locale="en-US", viewport={"width": 1100, "height": 900})
    page = context.new_page()
    page.goto(f"http://{NAMED}:{other_site}/")
    card = page.frame_locator("iframe").locator("[data-card]")
    card.get_by_role("button", name="Run", exact=True).click()
    expect(card.locator(".status")).to_contain_text("Running")
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("menuitem", name="Graceful").click()
    expect(card.locator("ol.steps")).to_contain_text("The run is closed.")
    expect(card.locator("[data-part=headline]")).to_contain_text("/tmp/message is still on the node")
    assert [cookie["name"] for cookie in context.cookies()] == []
    context.close()


def test_a_site_that_is_not_named_gets_no_frame(browser: Browser, other_site: int) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    with page.expect_console_message(lambda message: "frame-ancestors" in message.text):
        page.goto(f"http://{UNNAMED}:{other_site}/")
    assert page.frame_locator("iframe").locator("[data-card]").count() == 0
    context.close()
