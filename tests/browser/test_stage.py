"""The stage: a run is stepped through, played, followed live, and seen as kubectl sees it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.stories import BUDGET, EXAMPLE_2, HOOK_HANGS, Stories, delete, ended, start

pytestmark = pytest.mark.browser


def opened(page: Page, path: str) -> Locator:
    """Open a run's page and wait until its picture is drawn."""
    page.goto(path)
    card = page.locator("[data-card]")
    expect(card.locator("[data-plot] .cursor")).to_be_attached()
    return card


def steps(card: Locator) -> Locator:
    return card.get_by_role("list", name="Steps").locator("> li")


def current(card: Locator) -> Locator:
    return card.locator("ol.steps > li[aria-current=step]")


def step(card: Locator, text: str) -> Locator:
    return steps(card).filter(has_text=text).first


def choose(card: Locator, text: str) -> None:
    """Click a step of the list."""
    step(card, text).locator("summary").click()
    expect(step(card, text)).to_have_attribute("aria-current", "step")


def panel(card: Locator, name: str) -> Locator:
    card.get_by_role("tab", name=name, exact=True).click()
    return card.get_by_role("tabpanel", name=name, exact=True)


def position(card: Locator) -> tuple[int, int]:
    """Return which step is shown, and of how many."""
    at, of = card.locator("[data-position]").inner_text().split(" / ")
    return int(at), int(of)


def slider(card: Locator) -> Locator:
    return card.get_by_role("slider", name="Step", exact=True)


def test_a_run_that_has_ended_opens_at_its_last_step(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    expect(current(card)).to_contain_text("The run is closed.")
    expect(current(card)).to_be_visible()
    at, of = position(card)
    assert at == of == steps(card).count()
    expect(card.locator(".later")).to_have_count(0)


def test_the_list_of_steps_is_walked_with_the_keyboard(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    count = steps(card).count()
    assert card.locator("ol.steps summary[tabindex='0']").count() == 1
    current(card).locator("summary").focus()
    page.keyboard.press("ArrowUp")
    expect(steps(card).nth(count - 2)).to_have_attribute("aria-current", "step")
    expect(steps(card).nth(count - 2).locator("summary")).to_be_focused()
    page.keyboard.press("Home")
    expect(steps(card).first).to_have_attribute("aria-current", "step")
    expect(steps(card).first.locator("summary")).to_be_focused()
    expect(steps(card).nth(1)).to_have_class(re.compile("later"))
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(steps(card).nth(1).locator("details")).to_have_attribute("open", "")
    page.keyboard.press("ArrowLeft")
    expect(steps(card).nth(1).locator("details")).not_to_have_attribute("open", "")
    page.keyboard.press("PageDown")
    expect(steps(card).nth(11)).to_have_attribute("aria-current", "step")
    page.keyboard.press("End")
    expect(steps(card).last.locator("summary")).to_be_focused()
    expect(card.locator("ol.steps .later")).to_have_count(0)


def test_the_scrubber_steps_with_buttons_and_keys_and_says_where_it_is(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    _, of = position(card)
    card.get_by_role("button", name="First step").click()
    assert position(card) == (1, of)
    expect(page.locator("#announcer")).to_contain_text("You pressed Run.")
    card.get_by_role("button", name="Step forward").click()
    assert position(card) == (2, of)
    card.get_by_role("button", name="Step back").click()
    assert position(card) == (1, of)
    expect(card.get_by_role("button", name="Step back")).to_be_disabled()
    slider(card).focus()
    page.keyboard.press("ArrowRight")
    expect(slider(card)).to_have_attribute(
        "aria-valuetext", re.compile(rf"^Step 2 of {of}, \+\d\.\d s: Pod hook-demo2 is stored")
    )
    page.keyboard.press("End")
    assert position(card) == (of, of)
    expect(slider(card)).to_have_attribute("aria-valuetext", re.compile(rf"^Step {of} of {of}, delete \+"))
    page.keyboard.press("Home")
    assert position(card) == (1, of)


def test_every_panel_shows_the_state_as_of_the_step(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    choose(card, "STATUS is now Running")
    expect(card.locator(".status")).to_contain_text("Running")
    expect(card.locator(".terminal")).to_contain_text("kubectl apply")
    expect(card.locator(".headline")).not_to_contain_text("Exit code")
    expect(panel(card, "Files").get_by_text("Hello from the preStop Handler")).to_be_hidden()
    expect(panel(card, "Files").locator("[data-empty-for]")).to_be_visible()
    assert panel(card, "Events").locator("tbody tr:visible b").all_inner_texts() == [
        "Scheduled",
        "Pulling",
        "Pulled",
        "Created",
        "Started",
    ]
    expect(panel(card, "Describe")).to_contain_text(re.compile(r"Status:\s+Running"))
    expect(panel(card, "YAML")).to_contain_text("phase: Running")
    expect(panel(card, "Signals").get_by_text("SIGQUIT 3").locator("visible=true")).to_have_count(0)
    expect(panel(card, "Hook output").locator("article:visible")).to_have_count(0)

    choose(card, "preStop started")
    expect(card.locator(".status")).to_contain_text("Terminating")
    expect(panel(card, "Hook output").locator("article")).to_contain_text("running")
    expect(panel(card, "Describe")).to_contain_text("Terminating")
    expect(panel(card, "Describe")).to_contain_text("Killing")

    card.get_by_role("button", name="Last step").click()
    expect(card.locator(".status")).to_contain_text("removed")
    expect(panel(card, "Hook output").locator("article")).to_contain_text("exit 0")
    expect(panel(card, "Files")).to_contain_text("Hello from the preStop Handler")
    expect(panel(card, "Describe")).to_contain_text("not found")
    expect(panel(card, "Signals")).to_contain_text("SIGQUIT 3")


def test_the_grace_ruler_says_how_the_time_is_spent_at_every_step(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(HOOK_HANGS))
    ruler = card.locator("[data-ruler-words]")
    said = (
        r"Grace period: 4 s\. The preStop hook used it up: 4\.\d s\. SIGTERM was sent at \+4\.\d s\. SIGKILL was sent at \+[67]"
    )
    expect(ruler).to_contain_text(re.compile(said))
    choose(card, "STATUS is now Running")
    expect(ruler).to_have_text("The grace period begins when the kubelet begins to stop a container.")
    choose(card, "preStop started")
    expect(ruler).to_contain_text(
        re.compile(r"The preStop hook has used \d\.\d s of it so far\. [34]\.\d s are left until SIGKILL\.")
    )
    expect(card.locator(".status [data-grace-left]")).to_have_text(re.compile(r"^[34]\.\d s left$"))
    choose(card, "The kubelet has SIGTERM (15) sent")
    expect(ruler).to_contain_text("The process gets 2 s, however little is left. 2.0 s are left until SIGKILL.")
    expect(card.locator(".rulers .slice.left text")).to_have_text("2.0 s left")
    expect(card.locator(".rulers .kill.due")).to_be_attached()
    choose(card, "Nothing of this run is left")
    expect(card.locator(".rulers .kill.done text")).to_have_text("SIGKILL")
    expect(card.locator(".status [data-grace-left]")).to_have_count(0)


def test_what_was_left_of_the_grace_period_stands_on_the_ruler(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    expect(card.locator(".rulers .slice.unused text")).to_have_text(re.compile(r"^2\d\.\d s unused$"))
    expect(card.locator("[data-ruler-words]")).to_contain_text(re.compile(r"2\d\.\d s were left unused\."))
    expect(card.locator("[data-ruler-words]")).not_to_contain_text("gets 2 s")
    expect(card.locator(".rulers .floor")).to_have_count(0)
    expect(card.get_by_role("group", name="Lifelines").get_by_text(re.compile(r"^2\d\.\d s folded$")).first).to_be_visible()


def test_the_lifelines_draw_status_events_process_hook_signals_and_files(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    assert card.locator("[data-gutter] g > text:not(.ruler-title)").evaluate_all(
        "all => all.map(text => text.firstChild.data)"
    ) == [
        "kubectl STATUS",
        "events",
        "hook-demo2 · PID 1",
        "hook-demo2 · hooks",
        "files",
    ]
    plot = card.locator("[data-plot]")
    for words in ("Terminating", "Killing", "SIGQUIT 3", "exit 0", "/usr/share/message"):
        expect(plot.locator(".words").get_by_text(words, exact=False).first).to_be_visible()
    expect(plot.locator(".words").get_by_text(re.compile("preStop · exit 0"))).to_be_visible()
    expect(plot.locator(".arrow.caught").first).to_be_attached()


def test_no_words_of_the_picture_lie_over_each_other(page: Page, stories: Stories) -> None:
    for story in (EXAMPLE_2, HOOK_HANGS, BUDGET):
        card = opened(page, stories.path(story))
        overlapping = card.locator("[data-plot] .words text").evaluate_all(
            """texts => {
              const shown = texts.filter(t => t.getClientRects().length).map(t => [t.textContent, t.getBoundingClientRect()])
              const across = (p, q) => p.left < q.right - 1 && q.left < p.right - 1
              const down = (p, q) => p.top + 3 < q.bottom - 3 && q.top + 3 < p.bottom - 3
              return shown.flatMap(([a, p], i) =>
                shown.slice(i + 1).filter(([, q]) => across(p, q) && down(p, q)).map(([b]) => `${a} / ${b}`))
            }"""
        )
        assert overlapping == []


def test_a_mark_and_its_step_light_each_other_up(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    row = step(card, "Killing")
    row.locator("summary").hover()
    expect(card.locator("[data-plot] .point.linked title")).to_have_text("Killing")
    card.locator("[data-plot] .point", has=page.locator("title", has_text="Killing")).first.hover()
    expect(row).to_have_class(re.compile("linked"))
    card.locator("[data-plot] .point", has=page.locator("title", has_text="Scheduled")).first.click()
    expect(current(card)).to_contain_text("Scheduled")
    current(card).locator("summary").focus()
    expect(card.locator("[data-plot] .point.current title")).to_have_text("Scheduled")


def test_dragging_over_the_picture_scrubs(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(BUDGET))
    plot = card.locator("[data-plot]")
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] - 70  # between the ruler and the figures: nothing to click there
    page.mouse.move(box["x"] + box["width"] - 30, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, y, steps=5)
    half, of = position(card)
    page.mouse.move(box["x"] + 17, y, steps=5)
    page.mouse.up()
    assert position(card)[0] < half < of
    expect(current(card)).to_have_attribute("data-seq", re.compile(r"^\d$"))


def test_the_future_is_dimmed_in_list_and_picture(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    choose(card, "You deleted the pod")
    expect(step(card, "preStop ended")).to_have_class(re.compile("later"))
    expect(step(card, "STATUS is now Running")).not_to_have_class(re.compile("later"))
    expect(card.locator("[data-plot] .arrow.later").first).to_be_attached()
    veil = card.locator("[data-plot] .veil").bounding_box()
    assert veil is not None
    assert veil["width"] > 50
    hook = card.locator("[data-plot] .bar-words.tone-hook")
    expect(hook.locator(".ended")).to_be_hidden()  # how the hook will end is not told yet


def test_a_run_plays_to_its_end_and_can_be_paused(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    card.get_by_role("button", name="First step").click()
    card.get_by_role("button", name="Play at real speed").click()
    card.get_by_role("button", name="Pause").click()
    at, of = position(card)
    assert at < of
    card.get_by_role("group", name="Lifelines").focus()
    page.keyboard.press("Space")
    expect(card.get_by_role("button", name="Pause")).to_be_visible()
    expect(current(card)).to_contain_text("The run is closed.")
    expect(card.get_by_role("button", name="Play at real speed")).to_be_visible()


def test_playing_is_read_aloud_step_by_step(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(BUDGET))
    choose(card, "STATUS is now Running")
    card.get_by_role("button", name="Play at real speed").click()
    expect(page.locator("#announcer")).to_contain_text("preStop started")
    expect(page.locator("#announcer")).to_contain_text("SIGTERM (15) from runc to PID 1 sh")


def test_a_live_run_is_followed_and_left_alone_while_somebody_looks_back(page: Page) -> None:
    page.goto("/lessons/graceful-deletion")
    card = page.locator("#graceful-deletion--budget")
    start(card)
    expect(current(card)).to_contain_text("STATUS is now Running")
    choose(card, "Container created")
    expect(card.get_by_role("button", name="Follow live")).to_be_visible()
    delete(card)
    expect(steps(card).filter(has_text="You deleted the pod")).to_have_count(1)
    expect(current(card)).to_contain_text("Container created")
    expect(card.locator(".status")).not_to_contain_text("Terminating")
    expect(card.get_by_role("button", name="Delete", exact=True)).to_be_enabled()
    card.get_by_role("button", name="Follow live").click()
    expect(card.get_by_role("button", name="Follow live")).to_be_hidden()
    expect(card.locator(".status")).to_contain_text("Terminating")
    ended(card)
    expect(current(card)).to_contain_text("The run is closed.")


def test_the_grace_period_counts_down_while_it_runs(page: Page) -> None:
    page.goto("/lessons/graceful-deletion")
    card = page.locator("#graceful-deletion--budget")
    start(card)
    delete(card)
    left = card.locator(".status [data-grace-left]")
    seen = set()
    for second in ("5", "4", "3", "2", "1", "0"):
        expect(left).to_have_text(re.compile(rf"^{second}\.\d s left$"))
        seen.add(card.locator("[data-plot] .cursor").get_attribute("style"))
    assert len(seen) > 3  # the cursor moves with it
    ended(card)


def test_a_reload_in_the_middle_of_a_countdown_goes_on_with_it(page: Page) -> None:
    page.goto("/lessons/graceful-deletion")
    card = page.locator("#graceful-deletion--budget")
    start(card)
    delete(card)
    expect(card.locator(".status [data-grace-left]")).to_have_text(re.compile(r"^4\.\d s left$"))
    page.reload()
    expect(card.locator(".status [data-grace-left]")).to_have_text(re.compile(r"^[0-3]\.\d s left$"))
    ended(card)


def test_cluster_view_shows_what_kubectl_shows_and_says_what_is_hidden(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    _, every = position(card)
    card.get_by_role("button", name="What kubectl shows").click()
    expect(card.locator("[data-position]")).not_to_have_text(f"{every} / {every}")
    _, shown = position(card)
    hidden = every - shown
    assert hidden == card.locator("ol.steps > [data-family=node]").count() > 0
    expect(card.locator("[data-hidden-count]")).to_contain_text(str(hidden))
    expect(card.get_by_text("This is all that kubectl can show")).to_be_visible()
    expect(card.get_by_text("kubectl gives no such account")).to_be_visible()
    expect(card.locator("[data-part=headline]")).to_be_hidden()
    expect(card.locator("[data-ruler-words]")).to_contain_text("nothing of how it is spent")
    expect(card.locator(".rulers .slice")).to_have_count(0)
    assert card.locator("[data-gutter] g > text:not(.ruler-title)").evaluate_all("all => all.map(t => t.firstChild.data)") == [
        "kubectl STATUS",
        "events",
    ]
    expect(panel(card, "Files")).to_contain_text("kubectl shows no files.")
    expect(panel(card, "Files").get_by_text("Hello from the preStop Handler")).to_be_hidden()
    card.get_by_role("button", name="Step back").click()
    expect(current(card)).not_to_have_attribute("data-family", "node")
    expect(current(card)).to_be_visible()
    page.reload()
    expect(card.get_by_role("button", name="What kubectl shows")).to_have_attribute("aria-pressed", "true")
    expect(card.locator("[data-position]")).to_have_text(f"{shown} / {shown}")
    card.get_by_role("link", name="the step that proves it").first.click()
    expect(current(card)).to_have_attribute("data-family", "node")
    expect(card.get_by_role("button", name="Truth")).to_have_attribute("aria-pressed", "true")
    card.get_by_role("button", name="Last step").click()
    expect(panel(card, "Files").get_by_text("Hello from the preStop Handler")).to_be_visible()


def test_a_link_to_a_step_goes_there(page: Page, stories: Stories) -> None:
    card = opened(page, stories.path(EXAMPLE_2))
    link = card.get_by_role("link", name="the step that proves it").first
    seq = link.get_attribute("data-go-seq")
    link.click()
    expect(card.locator(f"#step-{seq}")).to_have_attribute("aria-current", "step")
    expect(card.locator(f"#step-{seq} summary")).to_be_focused()


def test_in_calm_motion_playing_moves_from_step_to_step(browser: Browser, stories: Stories) -> None:
    context = browser.new_context(
        base_url=stories.address, locale="en-US", reduced_motion="reduce", viewport={"width": 1440, "height": 1000}
    )
    page = context.new_page()
    card = opened(page, stories.path(EXAMPLE_2))
    card.get_by_role("button", name="First step").click()
    page.evaluate(
        """() => {
          const cursor = document.querySelector('[data-plot] .cursor')
          window.places = new Set()
          const note = () => window.places.add(cursor.style.transform)
          new MutationObserver(note).observe(cursor, { attributes: true })
        }"""
    )
    card.get_by_role("button", name="Play at real speed").click()
    expect(current(card)).to_contain_text("The run is closed.")
    places = page.evaluate("window.places.size")
    assert 1 < places <= steps(card).count() + 1
    context.close()


def test_on_a_phone_only_the_picture_scrolls_sideways(page: Page, stories: Stories) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    card = opened(page, stories.path(EXAMPLE_2))
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    picture = card.locator("[data-lifelines]")
    assert picture.evaluate("element => element.scrollWidth > element.clientWidth")
    cursor = card.locator("[data-plot] .cursor i")
    for button in ("First step", "Last step"):
        card.get_by_role("button", name=button).click()
        box, frame = cursor.bounding_box(), picture.bounding_box()
        assert box is not None
        assert frame is not None
        assert frame["x"] <= box["x"] <= frame["x"] + frame["width"]
