"""A class in Chromium: what the instructor shows, who follows, who comes back and to what."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.classes import CLASS, ServedClass, serving_class
from tests.browser.stories import delete, ended, start
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser

CARD = "#post-start--post-start-message"
LESSON = "/lessons/post-start?lang=en"
NOTE = "# a note of mine\n"


@pytest.fixture(scope="module")
def served(browser: Browser, tmp_path_factory: pytest.TempPathFactory, lab_images: object) -> Iterator[ServedClass]:
    with serving_class(browser, tmp_path_factory.mktemp("class")) as served:
        yield served


@pytest.fixture
def ada(served: ServedClass) -> Iterator[Page]:
    """The instructor, who shows nothing and has paused nothing, before and after."""
    page = served.instructor()
    yield page
    page.goto("/")
    for button in banner(page).get_by_role("button", name="Stop showing").all():
        button.click()
        expect(banner(page).locator("p")).to_have_count(0)
    page.context.close()


def grouped(code: str) -> str:
    """A code as it is shown."""
    return f"{code[:3]} {code[3:]}"


def banner(page: Page) -> Locator:
    return page.locator("#class-banner")


def shown(page: Page) -> Locator:
    return page.locator(".shown-run")


def position(card: Locator) -> str:
    return str(card.locator("[data-position]").text_content())


def show_a_run(ada: Page) -> Locator:
    """Run an example to its end and show it; return its card."""
    ada.goto(LESSON)
    card = ada.locator(CARD)
    start(card)
    delete(card)
    ended(card)
    card.get_by_role("button", name="Show this to the class").click()
    expect(banner(ada)).to_contain_text("You show")
    return card


def test_a_learner_follows_every_step_leaves_and_finds_everything_as_it_was(served: ServedClass, ada: Page) -> None:
    mei = served.learner("Mei")
    mei.goto(LESSON)
    own = mei.locator(CARD)
    own.locator(".cm-content").click()
    mei.keyboard.press("Control+Home")
    mei.keyboard.type(NOTE)

    card = show_a_run(ada)
    expect(banner(mei)).to_contain_text("Your instructor shows: Example 1, a message from postStart", use_inner_text=True)
    banner(mei).get_by_role("link", name="Follow").click()
    expect(shown(mei).get_by_role("heading", level=1)).to_be_focused()
    expect(own).to_have_count(0)

    card.locator("ol.steps > li").nth(4).locator("summary").click()
    expect(shown(mei).locator("[data-position]")).to_have_text(position(card))
    expect(shown(mei).locator("ol.steps > li[aria-current]")).to_have_text(str(card.locator("li[aria-current]").text_content()))
    card.get_by_role("tab", name="Events").click()
    expect(shown(mei).get_by_role("tab", name="Events")).to_have_attribute("aria-selected", "true")
    card.get_by_role("button", name="What kubectl shows").click()
    expect(shown(mei)).to_have_attribute("data-view", "cluster")
    expect(shown(mei).locator("[data-position]")).to_have_text(position(card))
    assert "Mei" not in str(banner(ada).text_content())

    mei.reload()  # it joins in again
    expect(shown(mei)).to_have_attribute("data-view", "cluster")
    expect(shown(mei).locator("[data-position]")).to_have_text(position(card))

    banner(mei).get_by_role("button", name="Back to my place").click()
    expect(own.locator(".cm-content")).to_contain_text(NOTE.strip())
    card.get_by_role("button", name="Truth").click()  # moves nobody who has left
    expect(own).to_be_visible()

    banner(mei).get_by_role("link", name="Follow").click()
    expect(shown(mei)).to_be_visible()
    banner(ada).get_by_role("button", name="Stop showing").click()
    expect(own.locator(".cm-content")).to_contain_text(NOTE.strip())
    expect(banner(mei).locator("p")).to_have_count(0)
    mei.context.close()


def test_coming_back_brings_the_very_same_page_with_its_place(served: ServedClass, ada: Page) -> None:
    mei = served.learner("Mei B")
    mei.goto(LESSON)
    own = mei.locator(CARD)
    own.locator(".cm-content").click()
    mei.keyboard.type("x")
    mei.evaluate("document.querySelector('.cm-editor').mine = true")
    card = show_a_run(ada)
    mei.evaluate("scrollTo({ top: 300, behavior: 'instant' })")
    banner(mei).get_by_role("link", name="Follow").evaluate("link => link.click()")  # the driver would scroll to it first
    expect(shown(mei)).to_be_visible()
    banner(mei).get_by_role("button", name="Back to my place").click()
    expect(own).to_be_visible()
    assert mei.evaluate("document.querySelector('.cm-editor').mine")
    assert mei.evaluate("scrollY") == 300
    own.get_by_role("button", name="Run", exact=True).click()  # the page's own stream goes on
    expect(own.locator("ol.steps")).to_contain_text("kubectl apply")
    expect(card).to_be_visible()
    mei.context.close()


def test_everybody_is_brought_wherever_they_are_and_may_leave(served: ServedClass, ada: Page) -> None:
    mei, li = served.learner("Mei C"), served.learner("Li C")
    mei.goto("/glossary?lang=en")
    li.goto("/progress?lang=zh")
    show_a_run(ada)
    banner(ada).get_by_role("button", name="Bring everybody").click()
    for page in (mei, li):
        expect(shown(page).locator("ol.steps > li[aria-current]")).to_have_count(1)
    expect(banner(li)).to_contain_text("你正在跟随讲师", use_inner_text=True)
    banner(mei).get_by_role("button", name="Back to my place").click()
    expect(mei.get_by_role("heading", level=1)).to_contain_text("Glossary")
    mei.reload()
    expect(banner(mei).get_by_role("link", name="Follow")).to_be_visible()
    expect(mei.get_by_role("heading", level=1)).to_contain_text("Glossary")
    late = served.learner("Late C")
    expect(shown(late)).to_be_visible()
    late.get_by_role("link", name="Lessons", exact=True).click()  # a way out as well
    expect(late.get_by_role("heading", level=1)).to_contain_text("What happens")
    expect(banner(late).get_by_role("link", name="Follow")).to_be_visible()
    for page in (mei, li, late):
        page.context.close()


def test_the_wall_shows_one_step_nobodys_name_and_all_of_it_at_once(served: ServedClass, ada: Page) -> None:
    mei = served.learner("Mei D")
    mei.goto(LESSON)
    own = mei.locator(CARD)
    start(own)
    delete(own)
    ended(own)
    wall = ada.context.new_page()
    wall.goto(f"/class/{CLASS.id}/projector?lang=en")
    expect(wall.locator(".lobby")).to_contain_text(grouped(CLASS.code))
    ada.goto(str(own.locator("a.permalink").get_attribute("href")))
    card = ada.locator("[data-card]")
    card.get_by_role("button", name="Show this to the class").click()
    steps = wall.locator("ol.steps > li:visible")
    expect(steps).to_have_count(1)
    for width, height in ((1920, 1080), (1280, 720)):
        wall.set_viewport_size({"width": width, "height": height})
        wall.evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        assert wall.evaluate("document.documentElement.scrollHeight <= innerHeight")
    card.locator("ol.steps > li").nth(3).locator("summary").click()
    expect(steps).to_contain_text(str(card.locator("li[aria-current] .sentence").text_content()))
    assert "Mei D" not in str(wall.locator("body").text_content())
    assert violations(wall) == []
    banner(ada).get_by_role("button", name="Stop showing").click()
    expect(wall.locator(".lobby")).to_contain_text(grouped(CLASS.code))
    assert violations(wall) == []
    mei.context.close()


def test_the_wall_shows_a_new_code_as_soon_as_the_old_one_opens_nothing(ada: Page) -> None:
    ada.goto("/class?lang=en")
    ada.get_by_label("Open a class").fill("A code that got around")
    ada.get_by_role("button", name="Open", exact=True).click()
    expect(ada.get_by_role("heading", level=1)).to_contain_text("A code that got around")
    old = str(ada.locator(".join-code").text_content())
    wall = ada.context.new_page()
    wall.goto(f"{ada.url.partition('?')[0]}/projector?lang=en")
    expect(wall.locator(".code")).to_have_text(old)
    ada.locator(".class-actions > summary").click()
    ada.get_by_text("New code…").click()
    ada.get_by_role("button", name="Take a new code").click()
    expect(ada.locator(".join-code")).not_to_have_text(old)
    expect(wall.locator(".code")).to_have_text(str(ada.locator(".join-code").text_content()))
    ada.locator(".class-actions > summary").click()
    ada.get_by_text("End the class…").click()
    ada.get_by_role("button", name="End the class").click()  # the other tests have one class
    expect(ada.locator(".join-code")).to_have_count(0)


def test_a_paused_class_says_so_on_every_page_and_its_run_buttons_wait(served: ServedClass, ada: Page) -> None:
    mei = served.learner("Mei E")
    mei.goto(LESSON)
    run = mei.locator(CARD).get_by_role("button", name="Run", exact=True)
    expect(run).to_be_enabled()
    ada.goto(f"/class/{CLASS.id}")
    ada.get_by_role("button", name="Pause").click()
    expect(banner(mei)).to_contain_text("paused the class")
    expect(run).to_be_disabled()
    expect(run).to_have_attribute("title", "Your instructor has paused the class; what runs goes on.")
    assert violations(mei, "#class-banner") == []
    ada.get_by_role("button", name="Resume").click()
    expect(run).to_be_enabled()
    expect(banner(mei).locator("p")).to_have_count(0)
    mei.context.close()


def test_who_is_removed_is_led_to_the_door_with_the_words(served: ServedClass, ada: Page) -> None:
    mei = served.learner("Mei F")
    mei.goto("/challenges?lang=en")
    ada.goto(f"/class/{CLASS.id}")
    row = ada.locator("tr[data-learner]", has_text="Mei F")
    row.locator("summary[data-keep=menu]").click()
    row.locator("summary[data-keep=remove]").click()
    row.get_by_role("button", name="Remove Mei F").click()
    expect(mei.get_by_role("alert")).to_contain_text("removed you from the class")
    mei.context.close()


def test_following_works_without_a_script(served: ServedClass, ada: Page) -> None:
    show_a_run(ada)
    context = served.browser.new_context(base_url=served.address, java_script_enabled=False, locale="en-US")
    li = context.new_page()
    li.goto(f"/join?code={CLASS.code}")
    li.locator("[name=nickname]").fill("Li G")
    li.get_by_role("button", name="Join").click()
    banner(li).get_by_role("link", name="Follow").click()
    expect(shown(li).locator("ol.steps > li")).not_to_have_count(0)
    context.close()
