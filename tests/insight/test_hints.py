from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest

from lab.insight.hint_rules import new_hints
from lab.insight.hints import Hint
from lab.runtime.scripted import ContainerScript, ExecScript
from lab.timeline.facts import Entry, HookFailed, HookFinished, RunOpened, SignalReceived, SignalSent
from tests.kubelet.http_server import Answers
from tests.kubelet.stage import Stage, Story, brief, container, deaf, pod, polite, takes

Given = Callable[..., Stage]


def hints_of(story: Story, manifest: str | None = None) -> tuple[Hint, ...]:
    """Return what a run's page would say about the story, in the order in which it was found."""
    hints = new_hints()
    entries = story.entries()
    if manifest is not None:
        opened = RunOpened(run_id="r", example="e", manifest=manifest)
        first = entries[0]
        hints.add(Entry(seq=0, at=first.at, elapsed_seconds=0.0, pod_uid=None, container=None, fact=opened))
    for entry in entries:
        hints.add(entry)
    return hints.found


def lint_alone(manifest: str) -> tuple[Hint, ...]:
    """Return what is said of a manifest before anything has happened."""
    hints = new_hints()
    opened = RunOpened(run_id="r", example="e", manifest=manifest)
    hints.add(Entry(seq=1, at=datetime(2026, 1, 1, tzinfo=UTC), elapsed_seconds=0.0, pod_uid=None, container=None, fact=opened))
    return hints.found


def rules(hints: Sequence[Hint]) -> list[str]:
    return [hint.rule for hint in hints]


def words(hint: Hint) -> str:
    return hint.phrase.english.format(**hint.phrase.values)


def fact_of(story: Story, hint: Hint) -> object:
    return next(entry.fact for entry in story.entries() if entry.seq == hint.seq)


def test_an_orderly_life_gets_no_hint(given: Given) -> None:
    stage = given(app=polite(hook=takes(1.0)))
    story = stage.run(pod(container(post_start="hook", pre_stop="hook"))).delete_to_the_end()
    assert hints_of(story) == ()


def test_a_hook_that_outlasts_the_grace_period_is_told_with_its_step(given: Given) -> None:
    story = given(app=polite(hook=takes(60))).run(pod(container(pre_stop="hook"), grace=4)).delete_to_the_end()
    (hint,) = hints_of(story)
    assert hint.rule == "pre-stop-overran"
    assert "grace period of 4 s" in words(hint)


def test_a_dropped_signal_is_proved_by_the_kernels_word(given: Given) -> None:
    story = given(app=deaf()).run(pod(container(), grace=5)).delete_to_the_end()
    (hint,) = hints_of(story)
    assert hint.rule == "signal-dropped"
    assert isinstance(fact_of(story, hint), SignalReceived)


def test_a_process_that_takes_its_signal_and_stays_is_told_apart_from_a_deaf_one(given: Given) -> None:
    story = given(app=polite(60)).run(pod(container(), grace=5)).delete_to_the_end()
    (hint,) = hints_of(story)
    assert hint.rule == "handler-did-not-end"
    assert "within the 5 s" in words(hint)
    assert isinstance(fact_of(story, hint), SignalSent)


def test_a_hook_that_leaves_the_process_only_the_floor_is_told(given: Given) -> None:
    story = given(app=polite(60, hook=takes(3.5))).run(pod(container(pre_stop="hook"), grace=4)).delete_to_the_end()
    assert rules(hints_of(story)) == ["killed-at-the-floor"]


def test_the_images_stop_signal_is_named_when_it_is_another(given: Given) -> None:
    story = given(app=polite(signal="SIGQUIT")).run(pod(container(image="nginx"))).delete_to_the_end()
    (hint,) = hints_of(story)
    assert (hint.rule, hint.tone) == ("stop-signal-of-the-image", "note")
    assert "SIGQUIT" in words(hint)


@pytest.mark.parametrize(("code", "found"), [(143, ["ended-by-its-stop-signal"]), (0, []), (1, [])])
def test_an_exit_code_that_only_repeats_the_signal_is_explained(given: Given, code: int, found: list[str]) -> None:
    story = given(app=polite(exit_code=code)).run(pod(container())).delete_to_the_end()
    assert rules(hints_of(story)) == found


def test_a_container_that_ends_by_itself_has_not_run_its_pre_stop(given: Given) -> None:
    story = given(app=brief((1, 0))).run(pod(container(pre_stop="hook"), restartPolicy="Never")).delete_to_the_end()
    assert rules(hints_of(story)) == ["pre-stop-not-run"]


def test_a_container_without_pre_stop_may_end_by_itself(given: Given) -> None:
    story = given(app=brief((1, 0))).run(pod(container(), restartPolicy="Never")).delete_to_the_end()
    assert hints_of(story) == ()


def test_a_delete_that_waits_for_post_start_says_how_long(given: Given) -> None:
    story = given(app=polite(hook=takes(20))).run(pod(container(post_start="hook")), 4.0).delete_to_the_end("--grace-period=3")
    found = hints_of(story)
    assert rules(found) == ["post-start-held-up", "delete-waited"]
    assert "16." in words(found[1])


def test_a_delete_of_a_running_pod_has_waited_for_nothing(given: Given) -> None:
    story = given(app=polite(hook=takes(2.5))).run(pod(container(post_start="hook")), 6.0).delete_to_the_end()
    assert rules(hints_of(story)) == ["post-start-held-up"]


def test_a_forced_delete_leaves_a_process_behind(given: Given) -> None:
    story = given(app=deaf()).run(pod(container())).delete_to_the_end("--grace-period=0", "--force")
    found = hints_of(story)
    assert rules(found) == ["signal-dropped", "ran-without-its-object"]
    assert "For 2.0 s" in words(found[1])


def test_a_second_shorter_delete_changes_nothing_on_the_node(given: Given) -> None:
    stage = given(app=deaf())
    story = stage.run(pod(container()))
    story.delete("--grace-period=20", "--wait=false")
    stage.clock.sleep(2)
    story.delete("--grace-period=1", "--wait=false")
    stage.wait_until_cleared()
    assert "second-delete" in rules(hints_of(story))


@pytest.mark.parametrize(("stdout", "stderr"), [("draining\n", ""), ("", "draining\n")])
def test_what_a_hook_printed_is_said_to_be_lost(given: Given, stdout: str, stderr: str) -> None:
    script = takes(0.5, stdout=stdout, stderr=stderr)
    story = given(app=polite(hook=script)).run(pod(container(pre_stop="hook"))).delete_to_the_end()
    (hint,) = hints_of(story)
    assert (hint.rule, hint.tone) == ("output-lost-preStop", "note")
    assert isinstance(fact_of(story, hint), HookFinished)


def test_a_failed_post_start_stops_its_container_and_leaves_its_words_in_the_status(given: Given) -> None:
    script = takes(0.5, exit_code=1, stderr="no database")
    story = given(app=polite(hook=script)).run(pod(container(post_start="hook"), restartPolicy="Never")).delete_to_the_end()
    assert rules(hints_of(story)) == ["output-lost-postStart", "post-start-kills"]


def test_a_hook_that_dies_with_its_container_is_told_for_each_hook(given: Given) -> None:
    early = given(app=brief((2, 0), hook=takes(9)))
    story = early.run(pod(container(post_start="hook"), restartPolicy="Never"), 8.0).delete_to_the_end()
    assert "killed-with-its-container-postStart" in rules(hints_of(story))


def test_a_pre_stop_that_dies_with_pid_1_is_told_with_the_hooks_failure(given: Given) -> None:
    script = takes(9, signals=("SIGTERM",))
    story = given(app=polite(1.0, hook=script)).run(pod(container(pre_stop="hook"))).delete_to_the_end()
    hint = next(hint for hint in hints_of(story) if hint.rule == "killed-with-its-container-preStop")
    assert isinstance(fact_of(story, hint), HookFailed)


def test_a_hook_that_is_killed_by_sigkill_did_not_die_of_pid_1s_end(given: Given) -> None:
    story = given(app=deaf(hook=takes(60))).run(pod(container(pre_stop="hook"), grace=2)).delete_to_the_end()
    assert not [rule for rule in rules(hints_of(story)) if rule.startswith("killed-with")]


@pytest.mark.parametrize(
    ("command", "script", "rule"),
    [
        (["nginx -s quit"], ExecScript(error="exec: no such file"), "not-startable"),
        (["sh", "-c", "nonsense"], takes(0.1, exit_code=127), "not-found-by-the-shell"),
    ],
)
def test_a_hook_whose_program_is_missing_is_told(given: Given, command: list[str], script: ExecScript, rule: str) -> None:
    handler = {"exec": {"command": command}}
    story = (
        given(app=ContainerScript(on_signal={"SIGTERM": (0.0, 0)}, execs={command[-1]: script}))
        .run(pod(container(pre_stop=handler)))
        .delete_to_the_end()
    )
    assert rule in rules(hints_of(story))


def test_a_tcp_socket_hook_is_never_executed(given: Given) -> None:
    story = given(app=polite()).run(pod(container(pre_stop={"tcpSocket": {"port": 80}}))).delete_to_the_end()
    assert rules(hints_of(story)) == ["never-executed"]


@pytest.mark.parametrize("hook", ["postStart", "preStop"])
def test_a_refused_request_is_explained_for_each_hook(given: Given, hook: str) -> None:
    lifecycle = {hook: {"httpGet": {"port": 9}}}
    stage = given(app=polite(), pod_ip="127.0.0.1")
    story = stage.run(pod(container(lifecycle=lifecycle), restartPolicy="Never")).delete_to_the_end()
    assert f"http-refused-{hook}" in rules(hints_of(story))


@pytest.mark.parametrize(("status", "found"), [(404, ["http-status"]), (200, [])])
def test_a_bad_status_is_said_to_be_a_success(given: Given, status: int, found: list[str]) -> None:
    with Answers({"/": status}) as server:
        stage = given(app=polite(), pod_ip="127.0.0.1")
        story = stage.run(pod(container(pre_stop={"httpGet": {"port": server.port}}))).delete_to_the_end()
    assert rules(hints_of(story)) == found


@pytest.mark.parametrize(("code", "told"), [(0, True), (1, False)])
def test_a_program_that_ends_well_and_is_restarted_is_told_so(given: Given, code: int, told: bool) -> None:
    story = given(app=brief((1, code))).run(pod(container()), 8.0).delete_to_the_end()
    assert ("restarted-for-ending" in rules(hints_of(story))) is told


def test_a_hint_stands_at_the_line_that_the_lint_had_found_and_takes_its_place(given: Given) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  terminationGracePeriodSeconds: 5\n  containers:\n"
        "  - name: app\n    image: busybox\n    command:\n    - sh\n    - -c\n    - |\n      echo up\n      sleep 3600\n"
    )
    (before,) = lint_alone(text)
    assert (before.rule, before.line, before.seq) == ("deaf-shell", 14, None)
    body = container(command=["sh", "-c", "echo up\nsleep 3600\n"])
    story = given(app=deaf()).run(pod(body, grace=5)).delete_to_the_end()
    (hint,) = hints_of(story, text)
    assert (hint.rule, hint.line) == ("signal-dropped", 14)
    assert hint.seq is not None
    assert hint.cause == before.phrase


def test_a_hint_without_a_lint_stands_at_its_own_field(given: Given) -> None:
    text = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: app\n    image: busybox\n"
        "    lifecycle:\n      preStop:\n        exec:\n          command: [hook]\n"
    )
    story = given(app=polite(hook=takes(0.5, stdout="x"))).run(pod(container(pre_stop="hook"))).delete_to_the_end()
    (hint,) = hints_of(story, text)
    assert (hint.rule, hint.line) == ("output-lost-preStop", 9)


def test_a_restarting_container_is_told_of_once(given: Given) -> None:
    script = takes(0.5, exit_code=1)
    story = given(app=polite(hook=script)).run(pod(container(post_start="hook")), 60.0).delete_to_the_end()
    assert rules(hints_of(story)).count("post-start-kills") == 1
