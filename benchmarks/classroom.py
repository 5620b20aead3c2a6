"""``python -m benchmarks.classroom``: a whole class in front of a lab that is served, on this machine.

So many learners follow, over HTTP on loopback; some press Run at the same moment, the others are shown the first one's run; all
read a page every ten seconds meanwhile. The clients share one thread and the machine with the lab; they go before it in the
kernel's order, because learners' own machines would. Bare Docker starts the same containers, four pods at a time, in the same
minute. ``--growth`` repeats it with more followers, ``--age RUNS`` lets the class run on and looks what grows.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import platform
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.bare_docker import bare_engine
from benchmarks.workload import ONE
from lab.clock import SystemClock
from lab.lessons import Catalog
from lab.rehearsal.browser import Browser
from lab.rehearsal.figures import RunFigures, Spread, run_figures, spread
from lab.rehearsal.play import READING_SECONDS, Classroom, Learner, Plan, PlayedRun
from lab.rehearsal.served import ServedLab, served, usage_of
from lab.share import CONTENT
from lab.store.store import Store

EXAMPLE = "post-start/post-start-message"
GROWTH = (10, 30, 100, 200, 300)
PAGE_GOAL, FACT_GOAL, ENGINE_GOAL = 0.1, 0.15, 0.85
CLIENTS_NICENESS = -15
WARM_UP_SECONDS = 3.0  # the class comes later than the lab
CLOCK = SystemClock()
Row = dict[str, Any]


def main() -> int:
    """Measure and print; return 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classroom", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--followers", type=int, default=100, help="pages that follow (default: %(default)s)")
    parser.add_argument("--pressing", type=int, default=30, help="of them press Run at once (default: %(default)s)")
    parser.add_argument("--cold", action="store_true", help="without the sandboxes that the lab starts while a page is read")
    parser.add_argument("--growth", action="store_true", help=f"with {', '.join(map(str, GROWTH))} followers")
    parser.add_argument("--age", type=int, metavar="RUNS", help="let the class go on for so many runs")
    parser.add_argument("--json", action="store_true", help="print an object instead of the tables")
    arguments = parser.parse_args()
    settings = {"LAB_WARM_SANDBOXES": "0"} if arguments.cold else {}
    if arguments.age:
        rows = _age(arguments.pressing, arguments.age, settings)
    elif arguments.growth:
        rows = [_class(count, min(arguments.pressing, count), settings) for count in GROWTH]
    else:
        bare = _bare(arguments.pressing)
        row = _class(arguments.followers, arguments.pressing, settings)
        rows = [row | {"bare_seconds": bare, "engine": bare / row["starting_seconds"]}]
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "load_before": [round(load, 1) for load in LOAD]}
    print(
        json.dumps({"machine": machine, "rows": rows}, indent=2, default=Spread.to_json)
        if arguments.json
        else _tables(machine, rows)
    )
    return 0 if arguments.age or all(_missed(row) == [] for row in rows) else 1


LOAD = os.getloadavg()


def _bare(pods: int) -> float:
    """Return the seconds in which bare Docker starts so many pods, the better of two."""
    with bare_engine() as bare:
        return min(bare.time(ONE, pods).run for _ in range(2))


def _class(followers: int, pressing: int, settings: dict[str, str]) -> Row:
    _tell(f"{followers} follow, {pressing} press Run")
    with _lab(settings) as (lab, data):
        row, runs, learners = asyncio.run(_once(lab, _plan(followers, pressing)))
    with Store.open(f"sqlite:///{data}/lab.sqlite", CLOCK) as store:
        own, shown = [one.own for one in learners], [one.shown for one in learners if one.shown]
        figures = run_figures(store, runs, own, shown)
        row["store_bytes_per_run"] = store.size_bytes / len(runs)
    return row | {name: getattr(figures, name) for name in RunFigures.__slots__}


async def _once(lab: ServedLab, plan: Plan) -> tuple[Row, list[PlayedRun], list[Learner]]:
    room = Classroom(lab.address, CLOCK, plan, _enter)
    empty, clients = lab.usage(), usage_of(os.getpid()).cpu_seconds
    arriving = await room.arrive(plan.learners)
    await asyncio.sleep(READING_SECONDS)
    following, begun, over = lab.usage(), CLOCK.monotonic(), asyncio.Event()
    reading = asyncio.create_task(room.read(room.learners, over))
    pressers, others = room.learners[: plan.pressing], room.learners[plan.pressing :]
    pressed = asyncio.create_task(room.press(pressers))
    while not pressers[0].own.arrivals:
        await asyncio.sleep(0.02)
    await room.watch(others, next(iter(pressers[0].own.arrivals))[0])
    runs = await pressed
    started, running = CLOCK.monotonic() - begun, lab.usage()
    over.set()
    starting = await reading
    await room.delete(pressers, runs)
    gone = lab.usage()
    room.close()
    row = {
        "followers": plan.learners,
        "pressing": plan.pressing,
        "pages_arriving": spread(arriving.seconds),
        "pages_starting": spread(starting.seconds),
        "answered": spread(run.answered_seconds for run in runs),
        "starting_seconds": started,
        "cpu_starting_seconds": running.cpu_seconds - following.cpu_seconds,
        "cpu_seconds": gone.cpu_seconds - empty.cpu_seconds,
        "clients_cpu_seconds": usage_of(os.getpid()).cpu_seconds - clients,
        "refused": len(arriving.refused) + len(starting.refused),
        "memory_empty": empty.memory_bytes,
        "memory_following": following.memory_bytes,
        "memory_running": running.memory_bytes,
        "threads": running.threads,
        "files": running.files,
    }
    return row, runs, room.learners


def _age(pressing: int, runs: int, settings: dict[str, str]) -> list[Row]:
    """Let a class run on: what the lab's process uses after each tenth of the runs."""
    with _lab(settings) as (lab, data):
        return asyncio.run(_go_on(lab, data, _plan(pressing, pressing), runs))


async def _go_on(lab: ServedLab, data: Path, plan: Plan, runs: int) -> list[Row]:
    room, rows, done = Classroom(lab.address, CLOCK, plan, _enter), list[Row](), 0
    await room.arrive(plan.learners)
    before = lab.usage().cpu_seconds
    while done < runs:
        played = await room.press(room.learners)
        await room.delete(room.learners, played)
        done += len(played)
        page, used = await room.learners[0].browser.get(plan.lesson), lab.usage()
        size = sum(file.stat().st_size for file in data.glob("lab.sqlite*"))
        rows.append(
            {
                "runs": done,
                "memory": used.memory_bytes,
                "threads": used.threads,
                "files": used.files,
                "store_bytes": size,
                "cpu_per_run": (used.cpu_seconds - before) / len(played),
                "running": statistics.median((run.running - run.pressed).total_seconds() for run in played if run.running),
                "page": page.seconds,
            }
        )
        before = used.cpu_seconds
        _tell(f"{done} of {runs} runs")
    room.close()
    return rows


def _plan(learners: int, pressing: int) -> Plan:
    example = Catalog.load(CONTENT).example(EXAMPLE)
    assert example is not None
    return Plan(learners=learners, pressing=pressing, example=EXAMPLE, manifest=example.manifest)


async def _enter(browser: Browser, number: int) -> None:
    """Nobody signs in: each browser is a learner."""


@contextlib.contextmanager
def _lab(settings: dict[str, str]) -> Iterator[tuple[ServedLab, Path]]:
    """Serve a lab; its data stay until the block around it ends."""
    directory = Path(_CLEANUP.enter_context(tempfile.TemporaryDirectory(prefix="pod-hook-lab-benchmark-")))
    niceness = os.getpriority(os.PRIO_PROCESS, 0)
    with served(directory, CLOCK, classroom=False, settings=settings) as lab:
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, CLIENTS_NICENESS)
        try:
            CLOCK.sleep(WARM_UP_SECONDS)
            yield lab, directory
        finally:
            os.setpriority(os.PRIO_PROCESS, 0, niceness)


_CLEANUP = contextlib.ExitStack()


def _missed(row: Row) -> list[str]:
    """Return the goals that a row misses."""
    pages, facts = row["pages_starting"], _worst(row["own_facts_starting"], row["shown_facts_starting"])
    goals = (
        (f"pages, 95th percentile below {PAGE_GOAL * 1000:.0f} ms", pages is None or pages.p95 < PAGE_GOAL),
        (f"facts, 95th percentile below {FACT_GOAL * 1000:.0f} ms", facts < FACT_GOAL),
        (f"engine throughput at least {ENGINE_GOAL:.0%} of bare Docker's", row.get("engine", 1.0) >= ENGINE_GOAL),
        ("nobody is refused", row["refused"] == 0),
    )
    return [what for what, met in goals if not met]


def _worst(*spreads: Spread | None) -> float:
    return max((value.p95 for value in spreads if value), default=0.0)


def _tables(machine: Row, rows: list[Row]) -> str:
    lines = [", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())]
    for row in rows:
        lines.append("")
        for name, value in row.items():
            lines.append(f"{name.replace('_', ' '):<24}{_said(name, value)}")
        if "pages_starting" in row:
            lines += [f"MISSED: {what}" for what in _missed(row)]
    return "\n".join(lines)


def _said(name: str, value: Any) -> str:
    if isinstance(value, Spread):
        median, p95, p99, most = (f"{seconds * 1000:.0f}" for seconds in (value.p50, value.p95, value.p99, value.most))
        return f"median {median}, 95 % {p95}, 99 % {p99}, longest {most} ms ({value.count})"
    if name.startswith("memory"):
        return f"{value / 2**20:.1f} MiB"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def _tell(text: str) -> None:
    print(f"\033[2K{text}", end="\r", file=sys.stderr, flush=True)


if __name__ == "__main__":
    with _CLEANUP:
        code = main()
    sys.exit(code)
