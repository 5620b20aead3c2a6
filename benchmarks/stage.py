"""``python -m benchmarks.stage``: how smoothly the stage scrubs through a run of 5,000 facts, and what an idle page costs.

The run is made in virtual time, by the lab's kubelet on a scripted runtime: three containers with hooks that crash all day. It
is put into a lab's store, served and opened in Chromium like any other. Then the thumb of the scrubber is dragged from one end to
the other and back, and the time between frames is taken. Idle time is that of a page which follows a pod that runs on the real
engine and does nothing.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from lab.clock import SystemClock
from lab.cluster.cluster import ClusterOptions
from lab.config import read_settings
from lab.runtime.scripted import ContainerScript
from lab.store.store import Store
from lab.timeline.facts import Entry, RunClosed, RunOpened
from tests.browser.serving import CHROMIUM, CHROMIUM_ARGUMENTS
from tests.kubelet.stage import Stage, brief, container, pod, takes
from tests.served_lab import ServedLab

FACTS = 5_000
DRAG_MOVES = 150  # from end to end, as a hand does it in about three seconds
MOVE_MILLISECONDS = 20
QUIET_SECONDS = 15
RUN, CLUSTER, EXAMPLE = "5000facts", "benchmark", "post-start/post-start-message"
GOAL_P95_MILLISECONDS = 50.0
GOAL_IDLE_PERCENT = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Milliseconds, except where a name says otherwise. ``drawn``: from the navigation to the picture; ``frame_…``: between
    frames while dragging; ``idle_percent``: of one core, on the main thread of the page."""

    facts: int
    steps: int
    message_bytes: int
    drawn: float
    frame_median: float
    frame_p95: float
    frame_longest: float
    idle_percent: float
    countdown_percent: float


def entries(directory: Path) -> tuple[Entry, ...]:
    """Let three containers crash until so many facts are there."""
    scripts: dict[str, ContainerScript] = {
        name: brief((3.0, 1), hook=takes(0.4, stdout="started\n")) for name in ("web", "worker", "log")
    }
    stage = Stage(directory / "virtual", scripts, ClusterOptions(), None)
    manifest = pod(*(container(name, post_start="hook") for name in scripts), name="crashing")
    stage.timeline.append(RunOpened(run_id=RUN, example=EXAMPLE, manifest=manifest))
    answer = stage.kubectl("apply", manifest, run_id=RUN)
    assert answer.rc == 0, answer.stderr
    while stage.timeline.appended < FACTS:
        stage.clock.sleep(600.0)
    stage.cluster.kubectl.delete("crashing", namespace="default", run_id=RUN)
    stage.wait_until_cleared()
    stage.timeline.append(RunClosed(run_id=RUN, why="Its pods are gone."))
    told = stage.timeline.read(0)
    stage.close()
    return told


def keep(told: tuple[Entry, ...], data: Path) -> None:
    """Put the entries into the store of a lab."""
    settings = read_settings({"LAB_DATA": str(data)})
    data.mkdir(parents=True, exist_ok=True)
    with Store.open(settings.database_url, SystemClock()) as store:
        store.journal.open(CLUSTER, lambda seq: None)
        for entry in told:
            store.journal.submit(CLUSTER, entry)


def scrub(browser: Browser, address: str) -> tuple[float, list[float], int, int]:
    """Drag through the long run; return when it was drawn, the times between frames, its steps and the size of its message."""
    page = browser.new_page(base_url=address, viewport={"width": 1440, "height": 1000})
    page.goto(f"/runs/{RUN}")
    page.locator("[data-plot] .cursor").wait_for(state="attached")
    drawn = float(page.evaluate("performance.now()"))
    slider = page.get_by_role("slider", name="Step", exact=True)
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    y, left, right = box["y"] + box["height"] / 2, box["x"] + 8, box["x"] + box["width"] - 8
    page.mouse.move(right, y)
    page.mouse.down()
    page.evaluate(
        """() => {
          window.between = []
          let last = performance.now()
          const tick = (now) => { window.between.push(now - last); last = now; window.ticking = requestAnimationFrame(tick) }
          requestAnimationFrame((now) => { last = now; requestAnimationFrame(tick) })
        }"""
    )
    for way in (range(DRAG_MOVES + 1), range(DRAG_MOVES, -1, -1)):
        for number in way:
            page.mouse.move(right - (right - left) * number / DRAG_MOVES, y)
            page.wait_for_timeout(MOVE_MILLISECONDS)
    page.mouse.up()
    times: list[float] = page.evaluate("window.between")
    steps = int(page.locator("[data-position]").inner_text().rpartition("/")[2])
    size = int(
        page.evaluate("fetch(document.querySelector('[data-stream]').dataset.stream).then(r => r.text()).then(t => t.length)")
    )
    page.close()
    return drawn, times, steps, size


def idle(browser: Browser, address: str) -> tuple[float, float]:
    """Follow a quiet pod, then the countdown of its deletion; return what the page's main thread worked, in percent."""
    page = browser.new_page(base_url=address, viewport={"width": 1440, "height": 1000})
    page.goto("/lessons/graceful-deletion")
    card = page.locator("#graceful-deletion--budget")
    card.get_by_role("button", name="Run", exact=True).click()
    card.locator(".status .live").wait_for()
    page.wait_for_timeout(3_000)
    quiet = busy(page, QUIET_SECONDS)
    card.get_by_role("button", name="Delete", exact=True).click()
    card.get_by_role("menuitem", name="Graceful").click()
    card.get_by_text("preStop started").first.wait_for()
    counting = busy(page, 2)
    card.get_by_text("The run is closed.").first.wait_for()
    page.close()
    return quiet, counting


def busy(page: Page, seconds: float) -> float:
    """Return how much of some seconds the page's main thread worked, in percent."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")

    def worked() -> float:
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration"))

    before = worked()
    page.wait_for_timeout(seconds * 1_000)
    return 100 * (worked() - before) / seconds


def measure() -> Measured:
    """Measure everything once."""
    with tempfile.TemporaryDirectory(prefix="pod-hook-lab-stage-") as directory, sync_playwright() as playwright:
        data = Path(directory) / "lab"
        told = entries(Path(directory))
        keep(told, data)
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS)
        lab = ServedLab(data)
        try:
            drawn, times, steps, size = scrub(browser, lab.address)
            quiet, counting = idle(browser, lab.address)
        finally:
            lab.close()
            browser.close()
    return Measured(
        facts=len(told),
        steps=steps,
        message_bytes=size,
        drawn=round(drawn),
        frame_median=round(statistics.median(times), 1),
        frame_p95=round(statistics.quantiles(times, n=20)[-1], 1),
        frame_longest=round(max(times), 1),
        idle_percent=round(quiet, 2),
        countdown_percent=round(counting, 2),
    )


def main() -> int:
    """Measure and print; return 1 when a goal was missed."""
    argparse.ArgumentParser(prog="python -m benchmarks.stage", description=(__doc__ or "").split("\n\n")[0]).parse_args()
    measured = measure()
    print(json.dumps(asdict(measured), indent=2))
    return int(measured.frame_p95 > GOAL_P95_MILLISECONDS or measured.idle_percent > GOAL_IDLE_PERCENT)


if __name__ == "__main__":
    sys.exit(main())
