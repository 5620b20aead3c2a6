"""Runs that several browser tests read: each is told once per test process, by a learner who presses Run and Delete."""

from __future__ import annotations

from dataclasses import dataclass, field

from playwright.sync_api import Browser, Locator, Page, expect

DESKTOP = {"width": 1440, "height": 1000}


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """An example, and the item of the delete menu that ends its pod."""

    lesson: str
    example: str
    deletion: str = "Graceful"

    @property
    def card(self) -> str:
        """The selector of the example's card."""
        return f"#{self.lesson}--{self.example}"


EXAMPLE_2 = Story(lesson="stopping-nginx", example="host-path")
HOOK_HANGS = Story(lesson="pre-stop", example="hung-pre-stop")
SIGTERM_IGNORED = Story(lesson="process-1", example="deaf-shell")
FORCED = Story(lesson="stopping-nginx", example="host-path", deletion="Force")
BUDGET = Story(lesson="graceful-deletion", example="budget")


@dataclass(slots=True, kw_only=True)
class Stories:
    """The permalinks of runs that have ended."""

    browser: Browser
    address: str
    told: dict[Story, str] = field(default_factory=dict)

    def path(self, story: Story) -> str:
        """Return the permalink of a run of the story, telling it first when nobody has."""
        if story not in self.told:
            context = self.browser.new_context(base_url=self.address, locale="en-US", viewport=DESKTOP)
            self.told[story] = tell(context.new_page(), story)
            context.close()
        return self.told[story]


def tell(page: Page, story: Story) -> str:
    """Run the example to its end and return the run's permalink."""
    page.goto(f"/lessons/{story.lesson}?lang=en")
    card = page.locator(story.card)
    start(card)
    delete(card, story.deletion)
    ended(card)
    return str(card.locator("a.permalink").get_attribute("href"))


def start(card: Locator) -> None:
    """Press Run and wait until the pod runs."""
    card.get_by_role("button", name="Run", exact=True).click()
    expect(card.locator(".status")).to_contain_text("Running")


def delete(card: Locator, item: str = "Graceful") -> None:
    """Choose from the delete menu."""
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("menuitem", name=item).click()


def ended(card: Locator) -> None:
    """Wait until the run is closed."""
    expect(card.get_by_role("list", name="Steps")).to_contain_text("The run is closed.")
