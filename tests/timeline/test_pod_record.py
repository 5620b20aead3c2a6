"""What happened to a pod on its node, folded from its facts."""

from __future__ import annotations

from datetime import UTC, datetime

from lab.timeline.facts import (
    BackingOff,
    ContainerCreated,
    ContainerExited,
    ContainerFailed,
    ContainerRemoved,
    ContainerStarted,
    Entry,
    Fact,
    HookFailed,
    HookFinished,
    HookStarted,
    ImageLookedUp,
    LogTruncated,
    ProbeChanged,
    SandboxStarted,
    SandboxStopped,
)
from lab.timeline.pod_record import PodRecord, StartError, apply, fold

AT = datetime(2026, 1, 1, tzinfo=UTC)
TIME = "2026-01-01T00:00:00.000000000Z"
IMAGE = ImageLookedUp(image="busybox", image_id="sha256:b", size_bytes=1, took_seconds=0)


def after(*facts: Fact, container: str | None = "app") -> PodRecord:
    return fold(
        Entry(seq=seq, at=AT, elapsed_seconds=0, pod_uid="u", container=container, fact=fact)
        for seq, fact in enumerate(facts, start=1)
    )


def created(number: int = 0) -> ContainerCreated:
    return ContainerCreated(container_id=f"id-{number}", attempt=number, image="busybox", argv=("sh",), stop_signal="SIGQUIT")


def started(number: int = 0) -> ContainerStarted:
    return ContainerStarted(container_id=f"id-{number}", attempt=number, pid=1, started_at=TIME)


def exited(number: int = 0, exit_code: int = 1) -> ContainerExited:
    return ContainerExited(
        container_id=f"id-{number}",
        attempt=number,
        exit_code=exit_code,
        signal=None,
        oom_killed=False,
        started_at=TIME,
        finished_at=TIME,
    )


def probed(probe: str, result: str, failures: int = 0, number: int = 0) -> ProbeChanged:
    return ProbeChanged(
        probe=probe,  # type: ignore[arg-type]  # one of three words
        result=result,  # type: ignore[arg-type]  # one of two words
        output="",
        failures=failures,
        failure_threshold=3,
        attempt=number,
    )


HOOK_STARTED = HookStarted(hook="postStart", handler="exec", action=(), attempt=0)
HOOK_FINISHED = HookFinished(
    hook="postStart", handler="exec", attempt=0, exit_code=0, http_status=None, stdout="", stderr="", took_seconds=0
)
HOOK_FAILED = HookFailed(
    hook="postStart", handler="exec", attempt=0, exit_code=1, stdout="", stderr="", message="why", took_seconds=0
)
FAILED = ContainerFailed(attempt=0, stage="image", reason="ErrImagePull", message="no such image")
BACKING_OFF = BackingOff(attempt=1, reason="CrashLoopBackOff", message="back-off 10s", delay_seconds=10, remaining_seconds=9)


def test_nothing_is_known_before_the_first_fact() -> None:
    record = PodRecord()
    assert (record.running, record.sandbox_id, record.of("app").latest, record.of("app").running) == ((), None, None, False)


def test_a_sandbox_gives_the_address_until_it_stops() -> None:
    up = SandboxStarted(sandbox_id="s", ip="10.0.0.2", took_seconds=0)
    assert (after(up, container=None).sandbox_id, after(up, container=None).sandbox_ip) == ("s", "10.0.0.2")
    gone = after(up, SandboxStopped(sandbox_id="s"), container=None)
    assert (gone.sandbox_id, gone.sandbox_ip) == (None, "")


def test_an_instance_runs_from_its_start_to_its_exit() -> None:
    assert not after(created()).of("app").running
    assert after(created(), started()).running == ("app",)
    record = after(created(), started(), exited())
    assert (record.running, record.of("app").exited) == ((), exited())


def test_an_instance_remembers_image_and_stop_signal() -> None:
    latest = after(IMAGE, created()).of("app").latest
    assert latest is not None
    assert (latest.image, latest.image_id, latest.stop_signal) == ("busybox", "sha256:b", "SIGQUIT")


def test_instances_follow_one_another_and_the_newest_counts() -> None:
    record = after(created(0), started(0), exited(0), created(1), started(1)).of("app")
    assert [a.number for a in record.attempts] == [0, 1]
    assert (record.running, record.exited) == (True, None)
    assert record.attempts[0].exited == exited(0)


def test_a_removed_instance_is_still_known() -> None:
    record = after(created(), started(), exited(), ContainerRemoved(container_id="id-0", attempt=0)).of("app")
    assert (record.attempts[0].removed, record.exited) == (True, exited())


def test_why_a_start_failed_is_kept_until_a_start_succeeds() -> None:
    assert after(FAILED).of("app").start_error == StartError(reason="ErrImagePull", message="no such image")
    assert after(FAILED, created()).of("app").start_error is not None
    assert after(FAILED, created(), started()).of("app").start_error is None


def test_a_failed_poststart_hook_is_a_failed_start() -> None:
    record = after(created(), started(), HOOK_STARTED, HOOK_FAILED).of("app")
    assert (record.start_error, record.post_start_running) == (StartError(reason="PostStartHookError", message="why"), False)


def test_it_is_known_whether_the_poststart_hook_runs() -> None:
    assert after(created(), started(), HOOK_STARTED).of("app").post_start_running
    assert not after(created(), started(), HOOK_STARTED, HOOK_FINISHED).of("app").post_start_running


def test_a_prestop_hook_changes_nothing_of_a_start() -> None:
    pre_stop = HookFailed(
        hook="preStop", handler="exec", attempt=0, exit_code=1, stdout="", stderr="", message="why", took_seconds=0
    )
    assert after(created(), started(), pre_stop) == after(created(), started(), LogTruncated(attempt=0, limit_bytes=1))


def test_backing_off_is_the_reason_of_the_wait_until_the_next_instance() -> None:
    record = after(created(), started(), exited(), BACKING_OFF).of("app")
    assert record.start_error == StartError(reason="CrashLoopBackOff", message="back-off 10s")
    assert record.backing_off == BACKING_OFF
    again = after(created(), started(), exited(), BACKING_OFF, created(1), started(1)).of("app")
    assert (again.start_error, again.backing_off) == (None, None)


def test_a_probe_has_a_verdict_only_once_its_threshold_is_reached() -> None:
    base = (created(), started())
    assert after(*base, probed("liveness", "failure", 2)).of("app").live is None
    assert after(*base, probed("liveness", "failure", 3)).of("app").live is False
    assert after(*base, probed("readiness", "success")).of("app").ready is True
    assert after(*base, probed("startup", "success")).of("app").startup is True
    assert after(*base, probed("readiness", "success"), probed("readiness", "failure", 1)).of("app").ready is True


def test_verdicts_are_those_of_the_newest_instance() -> None:
    restarted = (created(), started(), probed("liveness", "failure", 3), exited(), created(1), started(1))
    assert after(*restarted).of("app").live is None
    assert after(*restarted, probed("readiness", "success", number=0)).of("app").ready is None


def test_every_fact_moves_the_record_on() -> None:
    entry = Entry(seq=7, at=AT, elapsed_seconds=0, pod_uid="u", container=None, fact=LogTruncated(attempt=0, limit_bytes=1))
    assert apply(PodRecord(), entry) == PodRecord(seq=7)
