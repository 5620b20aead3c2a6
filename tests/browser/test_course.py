"""A challenge from symptom to green, skipping one, progress, one's own hook, and the way to a real cluster."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from lab.lessons import Catalog, Example
from lab.share import CONTENT
from tests.browser.stories import delete, ended, start
from tests.browser.test_accessibility import violations

pytestmark = pytest.mark.browser

WORDS = {
    "en": {
        "run": "Run",
        "delete": "Delete",
        "graceful": "Graceful",
        "solved": "Solved",
        "steps": "Steps",
        "over": "The run is closed.",
    },
    "zh": {
        "run": "运行",
        "delete": "删除",
        "graceful": "优雅删除",
        "solved": "已解决",
        "steps": "步骤",
        "over": "运行结束。",
    },
}
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: gateway}
spec:
  template:
    spec:
      terminationGracePeriodSeconds: 5
      containers:
      - name: proxy
        image: kong:3.9
        lifecycle:
          postStart: {exec: {command: [sh, -c, "echo up > /tmp/up"]}}
          preStop: {exec: {command: [kong, quit, --wait=15]}}
"""


@pytest.fixture(scope="module")
def challenge() -> Example:
    """A challenge that is solved by waiting until its pod is ready and deleting it gracefully."""
    return next(example for example in Catalog.load(CONTENT).examples if example.name == "own-foot")


def write(page: Page, card: Locator, text: str) -> None:
    """Put a text into a card's editor as one who types it."""
    card.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(text)


def run_to_the_end(card: Locator, language: str = "en") -> None:
    words = WORDS[language]
    card.get_by_role("button", name=words["run"], exact=True).click()
    expect(card.locator(".status")).to_contain_text("Running")
    card.get_by_role("button", name=words["delete"], exact=True).click()
    card.get_by_role("menuitem", name=words["graceful"], exact=True).click()
    expect(card.get_by_role("list", name=words["steps"], exact=True)).to_contain_text(words["over"])


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_challenge_goes_from_its_symptom_to_green(page: Page, challenge: Example, language: str) -> None:
    assert challenge.challenge is not None
    page.goto(f"/challenges/{challenge.id}?lang={language}")
    card = page.locator("[data-card]")
    expect(page.locator(".symptom")).to_have_text(challenge.challenge.symptom[language])
    run_to_the_end(card, language)
    expect(card.locator(".check li.failed").first).to_be_visible()
    expect(card.locator(".check.passed")).to_have_count(0)
    expect(page.locator("#challenge-state .chip")).to_be_visible()
    write(page, card, challenge.challenge.solution)
    run_to_the_end(card, language)
    expect(card.locator(".check.passed")).to_be_visible()
    expect(card.locator(".check li.ok")).to_have_count(len(challenge.challenge.check.require))
    expect(page.locator("#challenge-state")).to_have_text(WORDS[language]["solved"])
    page.goto("/challenges")
    expect(page.locator(".challenge-link .chip").first).to_have_text(WORDS[language]["solved"])
    page.goto("/progress")
    row = page.locator("tbody tr", has=page.locator(f"a[href='/lessons/{challenge.lesson}']"))
    expect(row.locator("td").nth(2)).to_contain_text("1 /")


def test_skipping_puts_the_solution_into_the_editor_and_leads_on(page: Page, challenge: Example) -> None:
    page.goto(f"/challenges/{challenge.id}?lang=en")
    page.get_by_role("button", name="Skip: put the solution into the editor").click()
    expect(page.locator("#challenge-state")).to_have_text("Skipped")
    expect(page.locator(".cm-content")).to_contain_text("sleep 2; echo goodbye > /data/goodbye")
    expect(page.get_by_role("link", name="Next challenge:")).to_be_visible()
    page.reload()
    expect(page.locator("#challenge-state")).to_have_text("Skipped")
    expect(page.locator(".cm-content")).to_contain_text("sleep 2; echo goodbye > /data/goodbye")


def test_skipping_works_without_scripts(browser: Browser, lab_address: str, challenge: Example) -> None:
    assert challenge.challenge is not None
    context = browser.new_context(base_url=lab_address, locale="en-US", java_script_enabled=False)
    page = context.new_page()
    page.goto(f"/challenges/{challenge.id}")
    page.get_by_role("button", name="Skip").click()
    expect(page.locator("textarea[name=manifest]")).to_have_value(challenge.challenge.solution)
    context.close()


def test_a_judged_statement_and_a_finished_lesson_are_found_again(page: Page) -> None:
    lesson = next(lesson for lesson in Catalog.load(CONTENT).lessons if lesson.judgements("en"))
    page.goto(f"/lessons/{lesson.slug}?lang=en")
    statement = page.locator("[data-judgement]").first
    with page.expect_response("**/progress/judged"):
        statement.get_by_role("button", name="True", exact=True).click()
    expect(page.locator(".lesson-progress")).to_contain_text("1 of")
    page.get_by_role("button", name="Mark as finished").click()
    expect(page.locator(".lesson-progress .chip")).to_have_text("Finished")
    page.reload()
    expect(statement.get_by_role("button", name="True", exact=True)).to_have_attribute("aria-pressed", "true")
    page.goto("/")
    expect(page.locator(".resume a")).to_contain_text(lesson.titles["en"])
    expect(page.locator(".lessons .chip")).to_have_text("Finished")


def test_ones_own_hook_runs_on_a_stand_in_and_fails_as_was_said(page: Page) -> None:
    page.goto("/own?lang=en")
    page.get_by_label("Your manifest").fill(DEPLOYMENT)
    page.get_by_role("button", name="Make it run here").click()
    expect(page.locator(".own-remarks")).to_contain_text("preStop calls kong, which busybox does not have")
    card = page.locator("[data-card]")
    start(card)
    delete(card)
    ended(card)
    card.get_by_role("tab", name="Events").click()
    expect(card.get_by_role("tabpanel", name="Events")).to_contain_text("FailedPreStopHook")
    page.goto("/own")
    expect(page.locator(".cm-content")).to_contain_text("kong")


def test_the_commands_for_a_real_cluster_follow_the_editor_and_can_be_copied_with_the_keyboard(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/lessons/pre-stop?lang=en")
    card = page.locator("[data-card]").first
    write(
        page, card, "apiVersion: v1\nkind: Pod\nmetadata: {name: mine}\nspec:\n  containers:\n  - name: a\n    image: busybox\n"
    )
    card.get_by_role("button", name="Real cluster").click()
    there = card.get_by_role("group", name="On a real cluster")
    expect(there).to_contain_text("kubectl describe pod mine")
    there.get_by_role("button", name="Copy kubectl delete pod mine").press("Enter")
    expect(there.locator("[data-copied]")).to_have_count(1)
    assert page.evaluate("navigator.clipboard.readText()") == "kubectl delete pod mine"
    assert card.locator(".reply").inner_text().strip() == ""  # nothing was run


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(
    browser: Browser, lab_address: str, challenge: Example, language: str, scheme: Literal["light", "dark"]
) -> None:
    context = browser.new_context(
        base_url=lab_address, color_scheme=scheme, reduced_motion="reduce", viewport={"width": 390, "height": 844}
    )
    page = context.new_page()
    page.goto(f"/challenges/{challenge.id}?lang={language}")
    page.locator(".challenge-state button").click()
    expect(page.locator("#challenge-state .chip")).to_be_visible()
    found: dict[str, list[str]] = {}

    def examine(place: str) -> None:
        found[place] = violations(page)
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if wide > 0:
            found[place].append(f"{wide} px too wide")

    examine("challenge")
    card = page.locator("[data-card]")
    card.locator("button[name=example]").click()
    expect(card.locator(".copy-out")).to_be_visible()
    examine("copy-out")
    for path in ("/challenges", "/progress", "/", f"/copy-out/{challenge.id}", "/lessons/pre-stop"):
        page.goto(path)
        examine(path)
    page.goto("/own")
    examine("/own")
    page.locator("#source").fill(DEPLOYMENT)
    page.locator(".own-form button").click()
    expect(page.locator(".own-remarks")).to_be_visible()
    examine("/own with a pod")
    context.close()
    assert {place: wrong for place, wrong in found.items() if wrong} == {}
