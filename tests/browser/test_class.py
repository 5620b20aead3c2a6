"""A class from its first minute to its last: an instructor and three learners, each in their own browser."""

from __future__ import annotations

import csv
import io
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lab.lessons import Catalog
from lab.share import CONTENT
from lab.web.classroom.qr import qr_svg
from tests.browser.classes import INSTRUCTOR, PASSWORD, ServedClass
from tests.browser.serving import serving
from tests.browser.stories import delete, ended, start
from tests.browser.test_accessibility import violations
from tests.browser.test_course import write

pytestmark = pytest.mark.browser

LESSON, CARD = "/lessons/pre-stop", "#pre-stop--pre-stop-blocks"
CHALLENGE = next(example for example in Catalog.load(CONTENT).examples if example.name == "own-foot")  # waits and is deleted
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def served(browser: Browser, tmp_path: Path, lab_images: object) -> Iterator[ServedClass]:
    """A lab after `lab classroom init`, with no class yet."""
    init = [str(Path(sys.executable).with_name("lab")), "classroom", "init", "--name", INSTRUCTOR, "--password-file", "-"]
    subprocess.run(init, input=f"{PASSWORD}\n", env={"LAB_DATA": str(tmp_path)}, text=True, check=True, capture_output=True)
    with serving(tmp_path, "--classroom") as address:
        served = ServedClass(address=address, browser=browser, errors=[])
        yield served
        for context in browser.contexts:
            context.close()
    assert served.errors == []


def row(board: Page, nickname: str) -> Locator:
    return board.locator("[data-learner]").filter(has=board.get_by_role("rowheader", name=nickname, exact=True))


def cell(board: Page, nickname: str, name: str) -> Locator:
    return row(board, nickname).locator(f"[data-cell={name}]")


def open_menu(board: Page, nickname: str) -> Locator:
    """Open a learner's actions."""
    row(board, nickname).locator("summary[data-keep=menu]").click()
    return row(board, nickname)


def predict(page: Page) -> Locator:
    """Keep the cards in the order in which they are offered, which is wrong, and return the example's card."""
    card = page.locator(CARD)
    card.locator(".predict summary").click()
    card.get_by_role("button", name="This is my prediction").click()
    expect(card.locator(".predict")).to_contain_text("Now press Run")
    return card


def test_a_class_from_its_opening_to_its_deletion(served: ServedClass) -> None:
    board = served.instructor()
    board.locator("#class-name").fill("Hooks on Thursday")
    board.get_by_role("button", name="Open", exact=True).click()
    board.wait_for_url(re.compile(r"/class/\w+$"))
    class_url = board.url

    # Three join: one types the code, one comes by the QR code's address, one is on a telephone.
    code = "".join(str(board.locator(".join-code").text_content()).split())
    (drawn,) = re.findall(r'stroke="#000" d="([^"]+)"', qr_svg(f"{served.address}/join?code={code}"))
    assert drawn in board.locator(".join-qr").inner_html()
    served = replace(served, code=code)
    mei, noa, li = served.learner("Mei"), served.learner("Noa"), served.learner("Li", viewport=PHONE)
    for nickname in ("Mei", "Noa", "Li"):
        expect(cell(board, nickname, "now")).to_have_text("here")

    # Mei predicts and runs; Noa runs and looks at the first step of it.
    mei.goto(LESSON)
    card = predict(mei)
    start(card)
    noa.goto(LESSON)
    start(noa.locator(CARD))
    noa.locator(CARD).locator("[data-go=first]").click()
    expect(cell(board, "Mei", "step")).to_contain_text("STATUS is now Running")
    expect(cell(board, "Noa", "step")).to_contain_text("1 ")
    expect(cell(board, "Noa", "pods")).to_have_text("1")

    # The instructor reads Noa's run, live, and cannot change it; Mei may not read it.
    cell(board, "Noa", "step").get_by_role("link").click()
    expect(board.locator("ol.steps")).to_contain_text("kubectl apply")
    expect(board.locator("[data-delete]")).to_have_count(0)
    noas_run = board.url
    assert mei.context.request.get(noas_run).status == 404

    # Follow me: the class is shown Noa's run, without a name, and Mei goes where the instructor goes.
    board.get_by_role("button", name="Show this to the class").click()
    mei.locator("#class-banner").get_by_role("link", name="Follow").click()
    expect(mei.locator(".shown-run")).to_be_visible()
    assert "Noa" not in str(mei.locator("main").text_content())
    board.locator("ol.steps > li").nth(3).locator("summary").click()
    position = str(board.locator("[data-position]").first.text_content())
    expect(mei.locator(".shown-run [data-position]")).to_have_text(position)
    board.locator("#class-banner").get_by_role("button", name="Stop showing").click()
    expect(mei.locator(CARD)).to_be_visible()

    # Paused, nobody starts anything; then they go on, and the runs come to their ends.
    board.goto(class_url)
    board.get_by_role("button", name="Pause").click()
    expect(li.locator("#class-banner")).to_contain_text("paused")
    li.goto(LESSON)
    expect(li.locator(CARD).get_by_role("button", name="Run", exact=True)).to_be_disabled()
    board.get_by_role("button", name="Resume").click()
    expect(li.locator(CARD).get_by_role("button", name="Run", exact=True)).to_be_enabled()
    delete(card)
    ended(card)
    expect(card.locator(".predict summary")).to_contain_text("right")

    # Li solves a challenge, and the board says so.
    assert CHALLENGE.challenge is not None
    li.goto(f"/challenges/{CHALLENGE.id}")
    solving = li.locator("[data-card]")
    write(li, solving, CHALLENGE.challenge.solution)
    start(solving)
    delete(solving)
    ended(solving)
    expect(cell(board, "Li", "check")).to_contain_text("passed")

    # What the class expected: no names, until they are asked for.
    board.get_by_role("link", name="Misconceptions").click()
    expect(board.locator("#misconceptions")).to_contain_text("1 of 3 learners")
    expect(board.locator(".mistakes")).to_contain_text("In fact:")
    expect(board.locator("#misconceptions")).not_to_contain_text("Mei")
    delete(noa.locator(CARD))
    ended(noa.locator(CARD))
    start(predict(noa))
    delete(noa.locator(CARD))
    ended(noa.locator(CARD))
    expect(board.locator("#misconceptions")).to_contain_text("2 of 3 learners")  # by itself
    board.get_by_role("link", name="Show who").click()
    expect(board.locator(".mistakes")).to_contain_text("Mei, Noa")
    assert violations(board) == []
    board.emulate_media(color_scheme="dark")
    board.set_viewport_size(PHONE)
    board.goto(f"{class_url}/misconceptions?lang=zh")
    assert violations(board) == []
    assert board.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    board.set_viewport_size({"width": 1440, "height": 900})
    board.goto(f"{class_url}?lang=en")

    # Li comes back on another browser, which has the place from then on.
    board.goto(class_url)
    open_menu(board, "Li").get_by_role("button", name="Link back…").click()
    link = board.locator("#link-address").input_value()
    assert violations(board) == []
    other = served.browser.new_context(base_url=served.address, locale="en-US").new_page()
    other.goto(link)
    assert violations(other) == []
    other.get_by_role("button", name="Go on here").click()
    expect(other.locator(".whoami summary")).to_contain_text("Li")
    li.wait_for_url("**/join*")
    expect(li.get_by_role("alert")).to_contain_text("moved to another browser")

    # Noa is removed, and is out at once.
    board.goto(class_url)
    menu = open_menu(board, "Noa")
    menu.locator("summary[data-keep=remove]").click()
    menu.get_by_role("button", name="Remove Noa").click()
    noa.wait_for_url("**/join*")

    # The class ends: nobody starts anything, and everybody finds their place.
    board.locator(".class-actions > summary").click()
    board.get_by_text("End the class…").click()
    board.get_by_role("button", name="End the class").click()
    expect(mei.locator("#class-banner")).to_contain_text("The class has ended")
    again = mei.context.new_page()
    again.goto("/")
    again.locator(".resume a").click()
    expect(again.locator(CARD).locator("ol.steps")).to_contain_text("The run is closed.")
    expect(again.locator(CARD).get_by_role("button", name="Run", exact=True)).to_be_disabled()

    # What it leaves: everybody's runs, also of those who are gone.
    board.get_by_role("link", name="Records and export").click()
    with board.expect_download() as download:
        board.get_by_role("link", name="runs.csv").click()
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text(encoding="utf-8-sig"), newline="")))
    assert {(row["learner"], row["example"], row["check"]) for row in rows} == {
        ("Mei", "pre-stop/pre-stop-blocks", ""),
        ("Noa", "pre-stop/pre-stop-blocks", ""),
        ("Li", CHALLENGE.id, "passed"),
    }
    assert violations(board) == []

    # And it is deleted, with all of that.
    board.get_by_label("Delete all of it").check()
    board.get_by_role("button", name="Delete the class").click()
    mei.wait_for_url("**/join*")
    board.wait_for_url("**/class")
    expect(board.get_by_text("Hooks on Thursday")).to_have_count(0)
    assert board.context.request.get(noas_run).status == 404
