"""The instructor's board in Chromium: it lives, it is steered with and without scripts, and moves nothing under a hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.classes import CLASS, ServedClass, serving_class
from tests.browser.stories import start
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser

BOARD = f"/class/{CLASS.id}"
CARD = "#post-start--post-start-message"
LESSON = "/lessons/post-start"
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory, lab_images: object) -> Iterator[ServedClass]:
    with serving_class(browser, tmp_path_factory.mktemp("board")) as served:
        yield served


def row(board: Page, nickname: str) -> Locator:
    return board.locator("[data-learner]").filter(has=board.get_by_role("rowheader", name=nickname, exact=True))


def cell(board: Page, nickname: str, name: str) -> Locator:
    return row(board, nickname).locator(f"[data-cell={name}]")


def opened(served: ServedClass, **options: object) -> Page:
    """Sign in and open the board."""
    board = served.instructor(**options)
    board.goto(BOARD)
    return board


def leave(*pages: Page) -> None:
    for page in pages:
        page.context.close()


def test_the_board_follows_a_learner_from_the_door_to_a_running_pod_and_away(served: ServedClass) -> None:
    board = opened(served)
    mei = served.learner("Mei")
    expect(cell(board, "Mei", "now")).to_have_text("here")
    mei.goto(LESSON)
    start(mei.locator(CARD))
    expect(cell(board, "Mei", "where")).to_contain_text("PostStart")
    expect(cell(board, "Mei", "step")).to_contain_text("New file /usr/share/message")
    expect(cell(board, "Mei", "pods")).to_have_text("1")
    mei.locator(CARD).locator("[data-go=first]").click()
    expect(cell(board, "Mei", "step")).to_contain_text("1 ")
    leave(mei)
    expect(cell(board, "Mei", "now")).to_contain_text("away", timeout=40_000)
    leave(board)


def test_a_learners_run_is_read_live_and_only_the_instructors_controls_are_there(served: ServedClass) -> None:
    board, noa = opened(served), served.learner("Noa")
    noa.goto(LESSON)
    start(noa.locator(CARD))
    cell(board, "Noa", "step").get_by_role("link").click()
    expect(board.get_by_role("link", name="Noa")).to_be_visible()
    expect(board.locator("[data-delete], [name=command], [data-part=holds] button")).to_have_count(0)
    expect(board.get_by_role("button", name="Run a copy")).to_be_visible()
    steps = board.locator("ol.steps > li")
    before = steps.count()
    board.get_by_role("button", name="End this run").click()
    expect(board.locator("ol.steps")).to_contain_text("The instructor ended this run.")
    assert steps.count() > before
    expect(noa.locator(CARD).locator("ol.steps")).to_contain_text("The instructor ended this run.")
    leave(board, noa)


def test_what_changes_takes_neither_focus_nor_row_from_a_hand(served: ServedClass) -> None:
    board = opened(served)
    zoe = served.learner("Zoe")
    menu = row(board, "Zoe").locator("summary[data-keep=menu]")
    menu.focus()
    board.keyboard.press("Enter")
    name = row(board, "Zoe").locator("[name=nickname]")
    name.fill("Zoe, who is being ren")
    yan = served.learner("Yan")
    zoe.goto(LESSON)
    expect(cell(board, "Zoe", "where")).to_contain_text("PostStart")
    expect(name).to_be_focused()
    expect(name).to_have_value("Zoe, who is being ren")
    assert row(board, "Yan").count() == 0, "nothing comes between while somebody types"
    name.press("End")
    name.press_sequentially("amed")
    name.press("Enter")
    expect(board.locator(".notice")).to_contain_text("Zoe is now called Zoe, who is being renamed")
    expect(row(board, "Zoe, who is being renamed").locator("summary[data-keep=menu]")).to_be_focused()
    board.locator("#board-title").focus()
    expect(row(board, "Yan")).to_be_visible()
    leave(board, zoe, yan)


def test_a_removed_learner_is_shown_the_door_and_leaves_the_board(served: ServedClass) -> None:
    board, eve = opened(served), served.learner("Eve")
    eve.goto(LESSON)
    start(eve.locator(CARD))
    row(board, "Eve").locator("summary[data-keep=menu]").click()
    row(board, "Eve").locator("summary[data-keep=remove]").click()
    row(board, "Eve").get_by_role("button", name="Remove Eve").click()
    board.mouse.move(1, 1)
    expect(row(board, "Eve")).to_have_count(0)
    expect(board.locator("#board-title")).to_be_focused()
    eve.wait_for_url("**/join*")
    leave(board, eve)


def test_an_example_is_run_for_everybody_who_is_here(served: ServedClass) -> None:
    board, one, two = opened(served), served.learner("One"), served.learner("Two")
    one.goto(LESSON)
    board.locator(".class-actions > summary").click()
    board.locator("[name=example]").select_option("post-start/post-start-message")
    board.get_by_role("button", name="Run for everybody who is here").click()
    expect(one.locator(CARD).locator(".status")).to_contain_text("Running")
    two.get_by_role("link", name="Show", exact=True).click()
    expect(two.locator(CARD).locator(".status")).to_contain_text("Running")
    expect(board.locator(".notice")).to_contain_text("started for")
    board.get_by_text("End all runs…").click()
    board.get_by_role("button", name="End all runs").click()
    expect(one.locator(CARD).locator("ol.steps")).to_contain_text("The instructor ended this run.")
    leave(board, one, two)


def test_everything_works_without_scripts(served: ServedClass) -> None:
    learner = served.learner("Plain")
    board = opened(served, java_script_enabled=False)
    board.get_by_role("button", name="Pause").click()
    expect(board.locator(".class-state")).to_contain_text("Paused")
    board.get_by_role("button", name="Resume").click()
    row(board, "Plain").locator("summary[data-keep=menu]").click()
    row(board, "Plain").locator("[name=nickname]").fill("Plainer")
    row(board, "Plain").get_by_role("button", name="Rename").click()
    expect(board.locator(".notice")).to_contain_text("Plain is now called Plainer")
    board.get_by_role("link", name="Name", exact=True).click()
    expect(row(board, "Plainer")).to_be_visible()
    leave(board, learner)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_nothing_on_the_pages_of_a_class(served: ServedClass, language: str) -> None:
    learner = served.learner(f"A learner with quite a long name, {language}")
    learner.goto(LESSON)
    start(learner.locator(CARD))
    found: dict[str, list[str]] = {}
    board = opened(served)
    run = board.locator("[data-cell=step] a").first.get_attribute("href")
    for scheme in ("light", "dark"):
        board.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for path in ("/class", BOARD, f"{BOARD}?show=stuck", run):
            board.goto(f"{path}{'&' if '?' in str(path) else '?'}lang={language}")
            found[f"{path}, {scheme}"] = violations(board)
        board.goto(BOARD)
        board.locator(".class-actions > summary").click()
        board.locator("summary[data-keep=menu]").first.click()
        board.locator("summary[data-keep=remove]").first.click()
        found[f"opened, {scheme}"] = violations(board)
        board.set_viewport_size(PHONE)
        found[f"on a phone, {scheme}"] = violations(board)
        assert board.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        board.set_viewport_size({"width": 1440, "height": 900})
    for path in ("/join", "/sign-in"):
        stranger = served.browser.new_page(base_url=served.address)
        stranger.goto(f"{path}?lang={language}")
        found[path] = violations(stranger)
        stranger.close()
    assert {place: wrong for place, wrong in found.items() if wrong} == {}
    leave(board, learner)
