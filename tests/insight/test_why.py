"""What the rules of `why` say, and where they must say nothing."""

from __future__ import annotations

import pytest

from lab.insight.phrase import Phrase
from lab.insight.why import RULES
from lab.timeline.facts import BackingOff, HookSkipped, HookTimedOut, ObjectWritten
from tests.insight.life import TERM_MASK, UID, Life, text

PRE_STOP = {"preStop": {"exec": {"command": ["x"]}}}


def stopped(*, grace: int = 5, result: str = "ignored") -> Life:
    """Return a life up to the arrival of SIGTERM."""
    life = Life(grace=grace)
    life.start()
    life.delete(10.0)
    life.kill(10.0, grace)
    life.stop_signal(10.0, grace)
    life.arrives(result)  # type: ignore[arg-type]
    return life


# --- how a process ended ------------------------------------------------------------------------------------------------


def test_a_process_that_never_heard_of_sigterm_is_killed_for_that_reason() -> None:
    life = stopped(result="ignored")
    life.sigkill(15.0)
    life.exits(137, signal=9)
    assert life.said == "The kernel had dropped SIGTERM, so PID 1 never learned of it; 5 s later the kubelet had it killed."


def test_a_process_whose_handler_did_not_end_it_is_killed_for_that_reason() -> None:
    life = stopped(result="delivered")
    life.sigkill(15.0)
    life.exits(137, signal=9)
    assert life.said.startswith("PID 1’s handler took SIGTERM, but the process went on; 5 s later")


def test_without_a_witness_a_kill_is_explained_by_the_time_alone() -> None:
    life = Life(grace=5)
    life.start()
    life.kill(10.0, 5)
    life.stop_signal(10.0, 5)
    life.sigkill(15.0)
    life.exits(137, signal=9)
    assert life.said == "PID 1 still ran 5 s after SIGTERM, so the kubelet had it killed."


def test_an_exit_after_a_handler_took_the_signal_is_the_programs_choice() -> None:
    life = stopped(result="delivered")
    life.exits(0, at=10.2)
    assert life.said == "Its handler took SIGTERM, and the program then ended by itself: exit code 0 is its own choice."


def test_an_exit_after_a_dropped_signal_is_not_explained_by_the_signal() -> None:
    life = stopped(result="ignored")
    life.exits(0, at=11.0)
    assert life.said.startswith("Not because of SIGTERM, which the kernel had dropped")


def test_an_exit_after_a_signal_that_nobody_saw_arrive_is_not_explained() -> None:
    life = Life(grace=5)
    life.start()
    life.kill(10.0, 5)
    life.stop_signal(10.0, 5)
    life.exits(0, at=10.2)
    assert life.said == ""


def test_a_process_that_ended_unasked_is_said_to_have_and_that_prestop_does_not_run() -> None:
    life = Life(lifecycle=PRE_STOP)
    life.start()
    life.exits(1, at=5.0)
    assert life.said == "Nobody stopped it: the program came to an end of its own. preStop does not run for that."
    plain = Life()
    plain.start()
    plain.exits(0, at=5.0)
    assert plain.said == "Nobody stopped it: the program came to an end of its own."


def test_a_process_that_a_signal_reached_before_its_end_is_not_said_to_have_ended_unasked() -> None:
    life = Life()
    life.start()
    life.arrives("delivered", sender="sh")
    life.exits(0, at=5.0)
    assert life.said == ""


def test_a_signal_of_somebody_else_names_its_sender() -> None:
    life = Life()
    life.start()
    life.arrives("default", number=9, sender="bash")
    life.exits(137, signal=9)
    assert life.said == "bash had sent it SIGKILL; the kubelet had not."


def test_a_killing_whose_sender_is_the_kernel_is_not_explained() -> None:
    life = Life()
    life.start()
    life.arrives("default", number=9, sender="kernel")
    life.exits(137, signal=9)
    assert life.said == ""


def test_the_memory_limit_comes_before_every_other_reason() -> None:
    life = stopped(result="ignored")
    life.exits(137, signal=9, oom=True)
    assert "memory limit" in life.said


# --- signals ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("grace", "took", "left", "said"),
    [
        (6, 3.01, 3, "6 s less 3 whole seconds of the hook: 3 s are left for the process."),
        (30, 0.2, 30, "The hook took less than a second, and only whole seconds count: all 30 s are left for the process."),
        (4, 3.5, 2, "The hook has used 3.5 of 4 s. The kubelet gives the process 2 s all the same: that is its floor."),
        (6, 3.01, 4, ""),
    ],
)
def test_the_time_left_is_derived_from_the_hooks_whole_seconds_or_not_at_all(
    grace: int, took: float, left: int, said: str
) -> None:
    life = Life(grace=grace, lifecycle=PRE_STOP)
    life.start()
    life.kill(10.0, grace, hook=True)
    life.hook("preStop", "x", at=10.0)
    life.hook_ends("preStop", 10.0 + took, took)
    life.stop_signal(10.0 + took, left)
    assert life.said == said


def test_a_hook_that_used_everything_up_leaves_the_floor() -> None:
    life = Life(grace=4, lifecycle=PRE_STOP)
    life.start()
    life.kill(10.0, 4, hook=True)
    life.hook("preStop", "x", at=10.0)
    life.add(HookTimedOut(hook="preStop", attempt=0, grace_period_seconds=4), 14.0)
    life.stop_signal(14.0, 2)
    assert life.said.startswith("The hook has used 4.0 of 4 s.")


@pytest.mark.parametrize(("grace", "left", "said"), [(5, 5, "has all 5 s"), (1, 2, "less than 2 s"), (5, 3, "")])
def test_without_a_hook_the_process_has_it_all_or_the_floor(grace: int, left: int, said: str) -> None:
    life = Life(grace=grace)
    life.start()
    life.kill(10.0, grace)
    life.stop_signal(10.0, left)
    assert said in life.said
    assert bool(said) == bool(life.said)


def test_sigkill_is_explained_by_what_came_before_it() -> None:
    life = stopped()
    life.sigkill(15.0)
    assert life.said == "PID 1 still runs 5 s after SIGTERM."
    alone = Life()
    alone.start()
    alone.sigkill(15.0)
    assert alone.said == ""


def test_a_dropped_signal_is_explained_by_the_masks_that_were_seen() -> None:
    for masks, said in (({}, "no handler"), ({"ignored": TERM_MASK}, "ignores it"), ({"caught": TERM_MASK}, "")):
        life = Life()
        life.start()
        life.observed(**masks)
        life.arrives("ignored")
        assert said in life.said
        assert bool(said) == bool(life.said)


def test_a_dropped_signal_is_not_explained_without_masks_or_for_another_process() -> None:
    life = Life()
    life.start()
    life.arrives("ignored")
    assert life.said == ""
    life.observed()
    life.arrives("ignored", pid=7)
    assert life.said == ""


def test_a_signal_that_was_taken_is_explained_by_the_mask_alone() -> None:
    life = Life()
    life.start()
    life.arrives("delivered")
    assert life.said == ""
    life.observed(caught=TERM_MASK)
    life.arrives("delivered")
    assert "its bit is set in SigCgt" in life.said


def test_a_signal_from_a_program_that_a_running_hook_names_points_at_the_hook() -> None:
    life = Life(lifecycle=PRE_STOP)
    life.start("nginx")
    life.hook("preStop", "/usr/sbin/nginx", "-s", "quit", at=10.0)
    life.arrives("delivered", number=3, sender="nginx")
    assert life.said == "preStop is running just now, and its command names nginx."
    life.hook_ends("preStop", 10.1, 0.1)
    life.arrives("delivered", number=3, sender="nginx")
    assert life.said == ""


def test_a_hook_is_not_made_responsible_for_what_it_does_not_name() -> None:
    life = Life(lifecycle=PRE_STOP)
    life.start()
    life.hook("preStop", "sh", "-c", "sleep 3", at=10.0)
    life.arrives("delivered", sender="runc")
    assert life.said == ""
    life.arrives("delivered", number=17, sender="sh")
    assert life.said == ""


def test_what_dies_after_pid_1_dies_because_of_it_and_not_before() -> None:
    life = Life()
    life.start()
    life.arrives("default", number=9, sender="kernel", pid=8)
    assert life.said == ""
    life.arrives("default", number=9, sender="runc")
    life.arrives("default", number=9, sender="kernel", pid=8)
    assert life.said.startswith("PID 1 has ended, and the kernel ends whatever else")


# --- hooks and files ----------------------------------------------------------------------------------------------------------


def test_a_hook_killed_with_its_container_did_not_fail_by_itself() -> None:
    life = stopped()
    life.hook("preStop", "sh", "-c", "sleep 9", at=10.0)
    life.sigkill(15.0)
    life.hook_fails("preStop", 137)
    assert life.said.startswith("It did not fail by itself")


def test_a_hook_that_exits_with_137_while_pid_1_runs_is_not_explained_by_it() -> None:
    life = Life()
    life.start()
    life.hook("preStop", "python", at=10.0)
    life.hook_fails("preStop", 137)
    assert life.said == ""


@pytest.mark.parametrize(
    ("action", "code", "message", "said"),
    [
        (("sh", "-c", "nope"), 127, "", "127 is how a shell says that it did not find a command."),
        (("/bin/bash", "-c", "./x"), 126, "", "126 is how a shell says that it may not run a file."),
        (("python", "x.py"), 127, "", ""),
        (("sh", "-c", "false"), 1, "", ""),
        (("curl", "x"), None, 'exec: "curl": executable file not found in $PATH', "the container has no curl."),
        (("curl", "x"), 7, "", ""),
    ],
)
def test_how_a_failed_exec_hook_is_explained(action: tuple[str, ...], code: int | None, message: str, said: str) -> None:
    life = Life()
    life.start()
    life.hook("postStart", *action, at=2.0)
    life.hook_fails("postStart", code, message)
    assert said in life.said
    assert bool(said) == bool(life.said)


def test_a_refused_connection_says_that_nothing_listened() -> None:
    life = Life()
    life.start()
    life.hook("postStart", "http://x", at=2.0, handler="httpGet")
    life.hook_fails("postStart", None, "dial tcp: connect: connection refused", handler="httpGet")
    assert life.said == "At that moment nothing listened on that port."
    life.hook_fails("postStart", None, "timeout awaiting response", handler="httpGet")
    assert life.said == ""


def test_a_stop_that_waited_for_post_start_says_so() -> None:
    life = Life()
    life.start()
    life.hook("postStart", "x", at=1.0)
    life.delete(2.0)
    life.hook_ends("postStart", 9.0, 8.0)
    life.kill(9.0, 30)
    assert life.said.startswith("The deletion came 7.0 s ago")


def test_a_stop_right_after_the_deletion_needs_no_explanation() -> None:
    life = Life()
    life.start()
    life.hook("postStart", "x", at=1.0)
    life.hook_ends("postStart", 1.5, 0.5)
    life.delete(10.0)
    life.kill(10.0, 30)
    assert life.said == ""


@pytest.mark.parametrize(
    ("reason", "said"),
    [
        ("Container app failed liveness probe, will be restarted", "liveness probe"),
        ("Container app failed startup probe, will be restarted", "startup probe"),
        ("FailedPostStartHook", "postStart hook has failed"),
        ("Stopping container app", ""),
    ],
)
def test_a_stop_without_a_deletion_names_its_cause(reason: str, said: str) -> None:
    life = Life()
    life.start()
    life.kill(10.0, 30, reason=reason)
    assert said in life.said
    assert bool(said) == bool(life.said)


def test_a_file_that_one_command_names_was_written_by_it() -> None:
    life = Life(lifecycle=PRE_STOP)
    life.start("nginx")
    life.hook("preStop", "sh", "-c", "echo Hello > /usr/share/message", at=10.0)
    life.file("/usr/share/message", 10.1)
    assert life.said == "The command of preStop names this path, and no other command of the pod does."
    own = Life()
    own.start("sh", "-c", "date >/tmp/x; sleep 9")
    own.file("/tmp/x", 2.0)
    assert own.said == "The container’s own command names this path, and no hook does."


def test_nobody_is_said_to_have_written_a_file_that_two_commands_or_none_name() -> None:
    two = Life()
    two.start("sh", "-c", "cat /data/x; sleep 9")
    two.hook("preStop", "sh", "-c", "echo > /data/x", at=10.0)
    two.file("/data/x", 10.1)
    assert two.said == ""
    none = Life()
    none.start("server")
    none.hook("preStop", "sh", "-c", "echo > /data/xy", at=10.0)
    none.file("/data/x", 10.1)
    assert none.said == ""


def test_a_hook_that_has_not_begun_has_written_nothing() -> None:
    life = Life(lifecycle={"preStop": {"exec": {"command": ["sh", "-c", "echo > /data/x"]}}})
    life.start("server")
    life.file("/data/x", 5.0)
    assert life.said == ""


# --- what the API stores -------------------------------------------------------------------------------------------------------


def ended(code: int) -> dict[str, object]:
    return {
        "name": "app",
        "restartCount": 0,
        "ready": False,
        "state": {"terminated": {"exitCode": code, "reason": "Error" if code else "Completed"}},
    }


def running() -> dict[str, object]:
    return {"name": "app", "restartCount": 0, "ready": True, "state": {"running": {}}}


def creating() -> dict[str, object]:
    return {"name": "app", "restartCount": 0, "ready": False, "state": {"waiting": {"reason": "ContainerCreating"}}}


def test_running_is_explained_by_the_hook_that_it_waited_for() -> None:
    life = Life()
    life.write("status", "kubelet", 1.0, containerStatuses=[creating()])
    life.start()
    life.hook("postStart", "x", at=1.0)
    life.hook_ends("postStart", 4.0, 3.0)
    life.write("status", "kubelet", 4.0, phase="Running", containerStatuses=[running()])
    assert life.said.startswith("postStart has ended; until then kubectl said ContainerCreating")


def test_running_without_a_hook_needs_no_explanation() -> None:
    life = Life()
    life.write("status", "kubelet", 1.0, containerStatuses=[creating()])
    life.start()
    life.write("status", "kubelet", 1.1, phase="Running", containerStatuses=[running()])
    assert life.said == ""


def test_error_and_completed_are_explained_by_exit_codes() -> None:
    life = Life()
    life.start()
    life.exits(3, at=5.0)
    life.write("status", "kubelet", 5.0, phase="Failed", containerStatuses=[ended(3)])
    assert life.said == "app has ended with exit code 3, and every code but 0 reads Error."
    well = Life()
    well.start()
    well.exits(0, at=5.0)
    well.write("status", "kubelet", 5.0, phase="Succeeded", containerStatuses=[ended(0)])
    assert well.said == "Every container has ended with exit code 0."


def test_a_deletion_says_where_its_grace_period_comes_from() -> None:
    own = Life(grace=30)
    own.delete(5.0)
    assert own.said == "30 s is the pod’s terminationGracePeriodSeconds."
    asked = Life(grace=30)
    asked.delete(5.0, grace=3)
    assert asked.said.startswith("The command asked for 3 s; the pod’s own terminationGracePeriodSeconds would be 30 s.")


def test_a_forced_removal_says_that_the_container_still_runs_only_while_it_does() -> None:
    life = Life()
    life.start()
    life.delete(5.0, grace=0)
    life.write("remove", "user", 5.0)
    assert life.said.startswith("With a grace period of 0 the API does not wait")
    over = Life()
    over.start()
    over.exits(0, at=4.0)
    over.delete(5.0, grace=0)
    over.write("remove", "user", 5.0)
    assert over.said == ""


def test_the_kubelets_removal_needs_all_containers_to_have_ended() -> None:
    life = Life()
    life.start()
    life.exits(0, at=4.0)
    life.write("remove", "kubelet", 5.0)
    assert life.said == "All its containers have ended, and the kubelet has said so."
    strange = Life()
    strange.start()
    strange.write("remove", "kubelet", 5.0)
    assert strange.said == ""


def test_a_restart_names_exit_code_and_policy_and_only_a_known_one() -> None:
    life = Life()
    life.start()
    life.exits(2, at=3.0)
    life.start(at=4.0, attempt=1)
    assert life.said == "The instance before it ended with exit code 2, and restartPolicy is Always."
    unknown = Life()
    unknown.start(at=4.0, attempt=1)
    assert unknown.said == ""


def test_a_back_off_counts_the_ends_so_far() -> None:
    held = BackingOff(attempt=2, reason="CrashLoopBackOff", message="", delay_seconds=20, remaining_seconds=20)
    life = Life()
    life.start()
    life.exits(1, at=2.0)
    life.start(at=3.0, attempt=1)
    life.exits(1, at=4.0, attempt=1)
    life.add(held)
    assert life.said == "The container has ended 2 times since the pod began."
    pull = Life()
    pull.add(BackingOff(attempt=0, reason="ImagePullBackOff", message="", delay_seconds=10, remaining_seconds=10), 1.0)
    assert pull.said == ""


def test_the_event_of_a_hook_that_died_with_its_container_is_explained_and_of_another_not() -> None:
    event = ObjectWritten(
        verb="create",
        kind="Event",
        namespace="default",
        name="e",
        uid="e",
        object={
            "reason": "FailedPreStopHook",
            "message": "PreStopHook failed",
            "type": "Warning",
            "involvedObject": {"name": "p", "uid": UID, "fieldPath": "spec.containers{app}"},
        },
        writer="kubelet",
    )
    life = stopped()
    life.hook("preStop", "sh", "-c", "sleep 9", at=10.0)
    life.add(HookTimedOut(hook="preStop", attempt=0, grace_period_seconds=5), 15.0)
    life.sigkill(17.0)
    life.hook_fails("preStop", 137)
    life.add(event, container=None)
    assert life.said.startswith("The hook had overrun the grace period")
    other = Life()
    other.start()
    other.hook("preStop", "false", at=10.0)
    other.hook_fails("preStop", 1)
    other.add(event, container=None)
    assert other.said == ""


# --- all of them -----------------------------------------------------------------------------------------------------------


def test_a_fact_that_explains_itself_is_left_alone() -> None:
    life = Life(lifecycle=PRE_STOP)
    life.start()
    life.add(HookSkipped(hook="preStop", attempt=0, why="container-exited"), 2.0)
    assert life.said == ""


def test_every_rule_has_a_name_of_its_own_and_a_sentence_about_itself() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.say.__doc__ for rule in RULES)


def test_a_phrase_puts_phrases_into_phrases() -> None:
    inner = Phrase(english="128 + {n}", chinese="128 + {n}", values={"n": 9})
    assert text(Phrase(english="137 = {sum}", chinese="", values={"sum": inner})) == "137 = 128 + 9"
