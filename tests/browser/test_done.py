"""Somebody who has never seen Kubernetes reads off the screen what happened: nothing but what assistive technology is told."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stories import EXAMPLE_2, FORCED, HOOK_HANGS, SIGTERM_IGNORED, Stories, Story

pytestmark = pytest.mark.browser

WRITTEN_BY_THE_HOOK = r"Hello from the preStop Handler"
STILL_ON_THE_NODE = r"/tmp/message is still on the node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the screen must say of a story, question by question."""

    before_the_signal: str
    signal_and_sender: str
    grace_left: str
    exit_code: str
    file: str | None
    ruler: str


STORIES: dict[Story, Told] = {
    EXAMPLE_2: Told(
        before_the_signal=r"First preStop \(exit 0, .* s\), then SIGQUIT",
        signal_and_sender=r"SIGQUIT \(3\) from runc to PID 1 nginx : taken by its handler",
        grace_left=r"2\d\.\d s were not needed, of 30 s",
        exit_code=r"0: PID 1 took SIGQUIT and then ended by itself",
        file=STILL_ON_THE_NODE,
        ruler=r"Grace period: 30 s\. The preStop hook used .* SIGQUIT was sent at .* 2\d\.\d s were left unused\.",
    ),
    HOOK_HANGS: Told(
        before_the_signal=r"First preStop, which used up the grace period, then SIGTERM",
        signal_and_sender=r"SIGTERM \(15\) from runc to PID 1 sh : taken by its handler, then SIGKILL",
        grace_left=r"Nothing: the process was killed after the 2 s that it gets at least",
        exit_code=r"137 = 128 \+ 9 \(SIGKILL\): SIGKILL from the runtime",
        file=None,
        ruler=r"The preStop hook used it up: 4\.\d s\. SIGTERM was sent at \+4\.\d s\. SIGKILL was sent at .*gets 2 s, however",
    ),
    SIGTERM_IGNORED: Told(
        before_the_signal=r"No preStop hook ran before",
        signal_and_sender=r"SIGTERM \(15\) from runc to PID 1 sh : dropped by the kernel, then SIGKILL",
        grace_left=r"Nothing of 5 s: the process was killed when they were over",
        exit_code=r"137 = 128 \+ 9 \(SIGKILL\): SIGKILL from the runtime",
        file=None,
        ruler=r"Grace period: 5 s\. SIGTERM was sent at \+0\.\d s\. SIGKILL was sent at \+[56]\.\d s\.",
    ),
    FORCED: Told(
        before_the_signal=r"First preStop \(exit 0, .* s\), then SIGQUIT",
        signal_and_sender=r"SIGQUIT \(3\) from runc to PID 1 nginx : taken by its handler",
        grace_left=r"1\.\d s .*of",
        exit_code=r"0: PID 1 took SIGQUIT and then ended by itself",
        file=STILL_ON_THE_NODE,
        ruler=r"Grace period: 1 s\. The preStop hook used .* The process gets 2 s, however little is left\.",
    ),
}


def accessible_text(page: Page) -> str:
    """Return what the card tells assistive technology, on one line and without the markup of the snapshot."""
    snapshot = page.locator("[data-card]").aria_snapshot()
    words = re.sub(r"(?m)^\s*- (?:[a-z]+(?: \"[^\"]*\")?(?: \[[^\]]*\])?:?)?", " ", snapshot)
    return re.sub(r"\s+", " ", words.replace('"', ""))


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.example}-{story.deletion}")
def test_the_screen_alone_tells_what_happened(page: Page, stories: Stories, story: Story) -> None:
    page.goto(stories.path(story))
    expect(page.locator("[data-plot] .cursor")).to_be_attached()
    text, told = accessible_text(page), STORIES[story]
    for answer in (told.before_the_signal, told.signal_and_sender, told.grace_left, told.exit_code, told.ruler):
        assert re.search(answer, text), f"{answer}\nis not in\n{text}"
    if told.file is not None:
        assert re.search(told.file, text), text
        assert re.search(WRITTEN_BY_THE_HOOK, text), text
        assert "Written by the preStop hook." in text


def test_a_forced_delete_is_told_as_one(page: Page, stories: Stories) -> None:
    page.goto(stories.path(FORCED))
    expect(page.locator("[data-plot] .cursor")).to_be_attached()
    text = accessible_text(page)
    assert "nobody waits for the node" in text
    assert text.index("kubectl get does not find it any more") < text.index("PID 1 exited with code 0")
