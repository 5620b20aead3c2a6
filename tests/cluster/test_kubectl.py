"""kubectl's words, exit codes and waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cluster.cluster import ClusterOptions
from lab.cluster.kubectl import FORCE_WARNING
from lab.cluster.kubectl_options import DeleteOptions, delete_options
from lab.cluster.last_applied import LAST_APPLIED
from lab.timeline.facts import CommandAnswered
from tests.kubelet.stage import Stage, container, deaf, pod, polite


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "nodes", {"app": polite(1.0), "deaf": deaf()}, ClusterOptions(), None)
    yield stage
    stage.close()


def said(answer: CommandAnswered) -> tuple[int, str, str]:
    return answer.rc, answer.stdout, answer.stderr


def documents(*manifests: str) -> str:
    return "".join(f"---\n{manifest}\n" for manifest in manifests)


def test_apply_creates_then_changes_then_finds_nothing_to_do(stage: Stage) -> None:
    assert said(stage.kubectl("apply", pod())) == (0, "pod/p created\n", "")
    assert said(stage.kubectl("apply", pod())) == (0, "pod/p unchanged\n", "")
    assert said(stage.kubectl("apply", pod(metadata={"labels": {"a": "b"}}))) == (0, "pod/p configured\n", "")
    assert said(stage.kubectl("apply", pod())) == (0, "pod/p configured\n", "")
    assert "labels" not in stage.cluster.registry.pod("default", "p")["metadata"]


@pytest.mark.parametrize("kept", ["not JSON", "[1]", '{"spec": 5}', '{"spec": {"containers": {}}}'])
def test_apply_takes_no_notice_of_what_somebody_else_wrote_where_it_keeps_the_last_manifest(stage: Stage, kept: str) -> None:
    stage.kubectl("create", pod(metadata={"annotations": {LAST_APPLIED: kept}}))
    assert said(stage.kubectl("apply", pod(metadata={"labels": {"a": "b"}})))[:2] == (0, "pod/p configured\n")


def test_apply_cannot_change_a_hook_of_a_running_pod(stage: Stage) -> None:
    stage.kubectl("apply", pod())
    rc, stdout, stderr = said(stage.kubectl("apply", pod(container(pre_stop="hook"))))
    assert (rc, stdout) == (1, "")
    assert stderr.startswith(
        'The Pod "p" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`'
    )


def test_create_refuses_a_name_that_is_taken(stage: Stage) -> None:
    assert said(stage.kubectl("create", pod())) == (0, "pod/p created\n", "")
    already = 'Error from server (AlreadyExists): error when creating "pod.yaml": pods "p" already exists\n'
    assert said(stage.kubectl("create", pod())) == (1, "", already)


def test_create_keeps_no_record_of_what_it_was_given_and_apply_does(stage: Stage) -> None:
    stage.kubectl("create", pod())
    assert "annotations" not in stage.cluster.registry.pod("default", "p")["metadata"]
    stage.kubectl("apply", pod(name="q"))
    (kept,) = stage.cluster.registry.pod("default", "q")["metadata"]["annotations"].values()
    assert kept.startswith('{"apiVersion":"v1","kind":"Pod","metadata":{"annotations":{},"name":"q","namespace":"default"}')
    assert kept.endswith("\n")


def test_the_kept_manifest_is_escaped_as_go_escapes_it(stage: Stage) -> None:
    stage.kubectl("apply", pod(container(command=["sh", "-c", "a && b > c <d"])))
    (kept,) = stage.cluster.registry.pod("default", "p")["metadata"]["annotations"].values()
    assert "a \\u0026\\u0026 b \\u003e c \\u003cd" in kept


@pytest.mark.parametrize("verb", ["apply", "create"])
def test_a_bad_document_among_several_does_not_keep_the_good_ones_from_being_created(stage: Stage, verb: str) -> None:
    bad = pod(container(imagePullPolicy="Sometimes"), name="bad")
    rc, stdout, stderr = said(stage.kubectl(verb, documents(pod(name="one"), bad, pod(name="two"))))
    assert (rc, stdout) == (1, "pod/one created\npod/two created\n")
    assert stderr.startswith('The Pod "bad" is invalid: spec.containers[0].imagePullPolicy: Unsupported value: "Sometimes"')


def test_text_that_is_no_manifest_is_refused_by_the_client(stage: Stage) -> None:
    rc, stdout, stderr = said(stage.kubectl("apply", "a: [1"))
    assert (rc, stdout) == (1, "")
    assert stderr.startswith("error: error parsing pod.yaml: ")
    assert stage.cluster.registry.view().list("Pod") == ()


def test_every_answer_is_on_the_timeline_with_its_run(stage: Stage) -> None:
    answer = stage.kubectl("apply", pod(), run_id="r1")
    facts = [e.fact for e in stage.timeline.read(0) if isinstance(e.fact, CommandAnswered)]
    assert facts == [answer]
    assert (answer.argv, answer.run_id) == (("kubectl", "apply", "-f", "pod.yaml"), "r1")


# --- delete -------------------------------------------------------------------------------------------------------


def test_delete_waits_until_the_object_is_gone(stage: Stage) -> None:
    answer = stage.run(pod()).delete()
    assert said(answer) == (0, 'pod "p" deleted from default namespace\n', "")
    assert answer.took_seconds >= 1.0
    assert answer.argv == ("kubectl", "delete", "pod", "p")


def test_delete_without_wait_answers_at_once(stage: Stage) -> None:
    answer = stage.run(pod()).delete("--wait=false")
    assert (said(answer), answer.took_seconds) == ((0, 'pod "p" deleted from default namespace\n', ""), 0)


def test_a_forced_delete_warns(stage: Stage) -> None:
    answer = stage.run(pod(container("deaf"))).delete("--grace-period=0", "--force")
    assert said(answer) == (0, 'pod "p" force deleted from default namespace\n', FORCE_WARNING)
    assert FORCE_WARNING.startswith("Warning: Immediate deletion does not wait for confirmation")


def test_a_wait_that_times_out_fails_after_it_said_deleted(stage: Stage) -> None:
    answer = stage.run(pod(container("deaf"))).delete("--timeout=2s")
    assert said(answer) == (
        1,
        'pod "p" deleted from default namespace\n',
        "error: timed out waiting for the condition on pods/p\n",
    )
    assert answer.took_seconds == 2


def test_a_pod_that_is_not_there_is_an_error_unless_asked(stage: Stage) -> None:
    delete = stage.cluster.kubectl.delete
    missing = 'Error from server (NotFound): pods "p" not found\n'
    assert said(delete("p", namespace="default")) == (1, "", missing)
    assert said(delete("p", namespace="default", args=("--ignore-not-found",))) == (0, "", "")
    assert said(delete("p", namespace="default", args=("--force",))) == (1, "", FORCE_WARNING + missing)


def test_the_wait_is_for_that_pod_and_not_for_a_later_one_of_its_name(stage: Stage) -> None:
    story = stage.run(pod())

    def apply_again() -> None:
        stage.clock.sleep(1.5)
        stage.kubectl("apply", pod())

    stage.clock.spawn("again", apply_again)
    assert story.delete().took_seconds < 3
    stage.clock.sleep(3)
    assert stage.cluster.registry.pod("default", "p")["metadata"]["uid"] != story.uid


@pytest.mark.parametrize(
    ("args", "options"),
    [
        ((), DeleteOptions()),
        (("--grace-period=5",), DeleteOptions(grace_period_seconds=5)),
        (("--grace-period=0",), DeleteOptions(grace_period_seconds=1)),
        (("--grace-period=-1",), DeleteOptions()),
        (("--now",), DeleteOptions(grace_period_seconds=1)),
        (("--force",), DeleteOptions(grace_period_seconds=0, force=True)),
        (("--force", "--grace-period=0"), DeleteOptions(grace_period_seconds=0, force=True)),
        (("--wait=false", "--timeout=1.5s"), DeleteOptions(wait=False, timeout_seconds=1.5)),
        (("--timeout=0s",), DeleteOptions()),
        (("--timeout=2m",), DeleteOptions(timeout_seconds=120)),
        (("--timeout=1m30.5s",), DeleteOptions(timeout_seconds=90.5)),
        (("--timeout=500ms",), DeleteOptions(timeout_seconds=0.5)),
    ],
)
def test_flags_mean_what_kubectl_makes_of_them(args: tuple[str, ...], options: DeleteOptions) -> None:
    assert delete_options(args) == options


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("--now", "--grace-period=3"), "--now and --grace-period cannot be specified together"),
        (("--force", "--grace-period=3"), "--force and --grace-period greater than 0 cannot be specified together"),
        (("--now", "--force"), "--force and --grace-period greater than 0 cannot be specified together"),
        (("--dry-run=never",), 'Invalid dry-run value (never). Must be "none", "server", or "client".'),
        (("--grace=3",), "unknown flag: --grace"),
        (
            ("--grace-period=x",),
            'invalid argument "x" for "--grace-period" flag: strconv.ParseInt: parsing "x": invalid syntax',
        ),
        (("--timeout=x",), 'invalid argument "x" for "--timeout" flag: time: invalid duration "x"'),
        (("--timeout=5",), 'invalid argument "5" for "--timeout" flag: time: missing unit in duration "5"'),
    ],
)
def test_flags_that_cannot_be_are_refused(stage: Stage, args: tuple[str, ...], error: str) -> None:
    assert said(stage.cluster.kubectl.delete("p", namespace="default", args=args)) == (1, "", f"error: {error}\n")
