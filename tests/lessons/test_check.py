"""Checks of challenges: read from YAML with the line of every mistake, and judged on a run and on what it must not pass for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.errors import ContentError
from lab.lessons.check import Check, read_check
from lab.lessons.problems import Problems
from lab.timeline.facts import Entry, HookFinished, KillStarted, RunAborted, RunClosed, SignalSent
from tests.kubelet.stage import Stage, container, deaf, pod, polite, takes

CHECK = """
require:
- name: hook-first
  that: {order: [app preStop finished 0, app SIGTERM sent, app exited 0]}
  pass: {en: The hook came first., zh: 钩子先结束。}
  fail: {en: The signal came before the hook was done., zh: 信号先于钩子结束到来。}
- name: in-time
  that: {all: [{never: app SIGKILL}, {within: {from: app killing, to: app exited, seconds: 6}}]}
  pass: {en: In time., zh: 及时。}
  fail: {en: Too late., zh: 太迟。}
- name: keeps-the-hook
  that: {manifest: {path: "spec.containers[app].lifecycle.preStop"}}
  pass: {en: The hook is there., zh: 钩子还在。}
  fail: {en: Keep the hook., zh: 请保留钩子。}
failcheck:
- when: {seen: app SIGKILL sent}
  say: {en: It was killed., zh: 它被强制终止了。}
hints:
- when: {not: {seen: app killing}}
  say: {en: Delete the pod., zh: 删除这个 Pod。}
"""


def read(text: str) -> tuple[Check, list[str]]:
    problems = Problems()
    check = read_check(text, "check.yaml", problems)
    try:
        problems.check()
    except ContentError as error:
        return check, str(error).splitlines()
    return check, []


@pytest.fixture
def check() -> Check:
    found, problems = read(CHECK)
    assert problems == []
    return found


def closed(entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    last = entries[-1]
    return (*entries, replace(last, seq=last.seq + 1, fact=RunClosed(run_id="r", why="all pods are gone")))


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[tuple[Entry, ...]]:
    stage = Stage(tmp_path, {"app": polite(1.0, 0, hook=takes(3.0))}, ClusterOptions(), None)
    with stage.clock:
        stage.run(pod(container(pre_stop="hook"), grace=6)).delete_to_the_end()
        yield closed(stage.timeline.read(0))
        stage.close()


def test_a_run_that_shows_everything_passes_once_it_has_ended(check: Check, stopped: tuple[Entry, ...]) -> None:
    verdict = check.judge(stopped)
    assert (verdict.passed, verdict.held, verdict.spoilt, verdict.hint) == (True, (True, True, True), None, None)
    assert not check.judge(stopped[:-1]).passed


def test_a_hint_and_a_spoilt_run_are_told_as_soon_as_the_facts_say_so(check: Check, tmp_path: Path) -> None:
    stage = Stage(tmp_path, {"app": deaf(hook=takes(3.0))}, ClusterOptions(), None)
    with stage.clock:
        story = stage.run(pod(container(pre_stop="hook"), grace=6))
        hint = check.judge(stage.timeline.read(0)).hint
        assert hint is not None
        assert hint["en"] == "Delete the pod."
        story.delete_to_the_end()
        verdict = check.judge(closed(stage.timeline.read(0)))
        stage.close()
    assert verdict.spoilt is not None
    assert (verdict.passed, verdict.held) == (False, (False, False, True))


def without(kind: type, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if not isinstance(entry.fact, kind))


def swapped(one: type, other: type, entries: tuple[Entry, ...]) -> tuple[Entry, ...]:
    places = [next(n for n, entry in enumerate(entries) if isinstance(entry.fact, kind)) for kind in (one, other)]
    mutated = list(entries)
    mutated[places[0]], mutated[places[1]] = mutated[places[1]], mutated[places[0]]
    return tuple(mutated)


def test_a_mutated_run_does_not_pass(check: Check, stopped: tuple[Entry, ...]) -> None:
    aborted = replace(stopped[-1], fact=RunAborted(run_id="r", why="the lab stopped", by="lab"))
    mutations = {
        "the signal before the hook's end": swapped(HookFinished, SignalSent, stopped),
        "no hook": without(HookFinished, stopped),
        "no stop": without(KillStarted, stopped),
        "aborted": (*stopped[:-1], aborted),
        "nothing at all": (),
    }
    assert [why for why, entries in mutations.items() if check.judge(entries).passed] == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("require: []\nhint: []\n", "check.yaml:2: cannot use the unknown field hint; known are require, failcheck, hints"),
        ("hints: []\n", "check.yaml:1: cannot do without the field require; add it"),
        ("require: 3\n", "check.yaml:1: cannot use what stands here; write a list"),
        ("a: [\n", "check.yaml:2: cannot read this as YAML"),
        (
            CHECK.replace("{seen: app SIGKILL sent}", "{sen: x}"),
            "check.yaml:16: cannot use what stands here; write one of seen, never",
        ),
        (CHECK.replace("seconds: 6", "seconds: soon"), "check.yaml:8: cannot use what stands here; write a number"),
        (CHECK.replace("zh: 及时。", "de: x"), "check.yaml:9: cannot use the unknown field de; known are en, zh"),
        (CHECK.replace("name: in-time", "name: hook-first"), "cannot use the name hook-first for two requirements; rename one"),
    ],
)
def test_a_mistake_in_a_check_is_named_with_its_line(text: str, problem: str) -> None:
    _, problems = read(text)
    assert any(problem in found for found in problems), problems
