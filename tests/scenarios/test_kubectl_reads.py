from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from lab.scenarios.answers import Answer
from lab.scenarios.kubectl_line import KubectlLine
from lab.scenarios.kubectl_reads import Reader
from lab.timeline.facts import ContainerCreated, Entry, Fact, LogChunk
from lab.timeline.folds import ClusterView
from lab.timeline.layers import Layered

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def pod(name: str = "p", *, containers: tuple[str, ...] = ("app",), **status: Any) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "n", "uid": f"uid-{name}", "creationTimestamp": "2026-01-01T00:00:00Z"}
    spec = {"containers": [{"name": c, "image": "busybox"} for c in containers]}
    return {"metadata": metadata, "spec": spec, "status": {"phase": "Running"} | status}


def reader(*pods: dict[str, Any], entries: tuple[Entry, ...] = (), events: tuple[dict[str, Any], ...] = ()) -> Reader:
    kinds = {
        "Pod": Layered({("n", p["metadata"]["name"]): p for p in pods}),
        "Event": Layered({("n", f"e{i}"): e for i, e in enumerate(events)}),
    }
    return Reader(view=ClusterView(kinds=kinds), entries=entries, namespace="n", now=NOW + timedelta(seconds=5))


def ask(given: Reader, words: str) -> Answer | None:
    line = KubectlLine.parse(words.split())
    return {"get": given.get, "describe": given.describe, "logs": given.logs}[line.verb](line)


def logged(*attempts: tuple[str, ...]) -> tuple[Entry, ...]:
    """Entries of container app in pod p: instance ``id0`` wrote the first tuple, ``id1`` the second."""
    facts: list[Fact] = []
    for number, words in enumerate(attempts):
        created = ContainerCreated(container_id=f"id{number}", attempt=number, image="busybox", argv=(), stop_signal="SIGTERM")
        lines = tuple(("2026-01-01T00:00:01.5Z", "stdout", word) for word in words)
        facts += [created, LogChunk(attempt=number, offset=0, lines=lines)]
    return tuple(
        Entry(seq=n, at=NOW, elapsed_seconds=0.0, pod_uid="uid-p", container="app", fact=fact)
        for n, fact in enumerate(facts, start=1)
    )


def running(instance: str, **last: Any) -> dict[str, Any]:
    state = {"name": "app", "state": {"running": {}}, "containerID": f"docker://{instance}", "ready": True}
    return {"containerStatuses": [state | ({"lastState": {"terminated": last}} if last else {})]}


def test_a_command_line_is_taken_apart() -> None:
    line = KubectlLine.parse(["delete", "pod", "a", "-f", "m.yaml", "--grace-period", "5", "--force", "--wait=false"])
    assert (line.verb, line.names) == ("delete", ("pod", "a"))
    assert line.flags == {"filename": "m.yaml", "grace-period": "5", "force": "true", "wait": "false"}
    assert line.options == ("-f", "m.yaml", "--grace-period", "5", "--force", "--wait=false")
    assert KubectlLine.parse(["exec", "p", "-c", "x", "--", "sh", "-c", "exit 3"]).command == ("sh", "-c", "exit 3")


def test_get_lists_pods_or_says_that_there_are_none() -> None:
    assert ask(reader(), "get pods") == Answer(stderr="No resources found in n namespace.\n")
    status = {"containerStatuses": [{"name": "app", "state": {"running": {}}, "ready": True}]}
    answer = ask(reader(pod(**status)), "get pods")
    assert answer == Answer(stdout="NAME   READY   STATUS    RESTARTS   AGE\np      1/1     Running   0          5s\n")


@pytest.mark.parametrize("words", ["get pod p", "get pods p", "get po p", "get pod/p"])
def test_a_pod_may_be_named_in_several_ways(words: str) -> None:
    answer = ask(reader(pod(), pod("q")), words)
    assert answer is not None
    assert [line.split()[0] for line in answer.stdout.splitlines()] == ["NAME", "p"]


def test_get_tells_of_each_pod_that_is_missing() -> None:
    answer = ask(reader(pod()), "get pod p ghost -o name")
    assert answer == Answer(rc=1, stdout="pod/p\n", stderr='Error from server (NotFound): pods "ghost" not found\n')


def test_get_prints_an_object_as_yaml() -> None:
    answer = ask(reader(pod()), "get pod p -o yaml")
    assert answer is not None
    assert yaml.safe_load(answer.stdout) == pod()


def test_get_events_prints_the_table() -> None:
    about = {"kind": "Pod", "name": "p"}
    event = {
        "type": "Normal",
        "reason": "Started",
        "message": "m",
        "involvedObject": about,
        "lastTimestamp": "2026-01-01T00:00:01Z",
    }
    answer = ask(reader(events=(event,)), "get events")
    assert answer is not None
    assert answer.stdout.splitlines()[1].split() == ["4s", "Normal", "Started", "pod/p", "m"]


@pytest.mark.parametrize(
    "words",
    [
        "get pods -w",
        "get deploy",
        "get pods -o jsonpath={[(@.x)]}",
        "get pods -o go-template={{len",
        "get pods --server-print=false",
        "get",
        "describe node x",
        "logs deploy/x",
    ],
)
def test_what_the_lab_cannot_answer_is_not_answered(words: str) -> None:
    assert ask(reader(pod()), words) is None


def test_describe_of_a_missing_pod_is_not_found() -> None:
    assert ask(reader(), "describe pod p") == Answer(rc=1, stderr='Error from server (NotFound): pods "p" not found\n')
    answer = ask(reader(pod()), "describe pod p")
    assert answer is not None
    assert answer.stdout.startswith("Name:")


def test_logs_are_of_the_running_instance() -> None:
    given = reader(pod(**running("id1")), entries=logged(("old",), ("a", "b")))
    assert ask(given, "logs p") == Answer(stdout="a\nb\n")
    assert ask(given, "logs pod/p --tail=1") == Answer(stdout="b\n")
    assert ask(given, "logs p --tail=0") == Answer()
    assert ask(given, "logs p --timestamps --tail 1") == Answer(stdout="2026-01-01T00:00:01.5Z b\n")


def test_previous_logs_are_of_the_instance_that_ended() -> None:
    entries = logged(("old",), ("new",))
    assert ask(reader(pod(**running("id1", containerID="docker://id0")), entries=entries), "logs p --previous") == Answer(
        stdout="old\n"
    )
    refused = 'Error from server (BadRequest): previous terminated container "app" in pod "p" not found\n'
    assert ask(reader(pod(**running("id0")), entries=entries), "logs p -p") == Answer(rc=1, stderr=refused)


def test_logs_of_a_container_in_back_off_are_of_the_instance_that_ended() -> None:
    state = {"waiting": {"reason": "CrashLoopBackOff"}}
    last = {"terminated": {"containerID": "docker://id0"}}
    given = reader(pod(containerStatuses=[{"name": "app", "state": state, "lastState": last}]), entries=logged(("it",)))
    assert ask(given, "logs p") == Answer(stdout="it\n")


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("ContainerCreating", "ContainerCreating"),
        ("ErrImagePull", "image can't be pulled"),
        ("ImagePullBackOff", "trying and failing to pull image"),
    ],
)
def test_logs_of_a_container_that_never_started_are_refused(reason: str, words: str) -> None:
    given = reader(pod(containerStatuses=[{"name": "app", "state": {"waiting": {"reason": reason}}}]))
    refused = f'Error from server (BadRequest): container "app" in pod "p" is waiting to start: {words}\n'
    assert ask(given, "logs p") == Answer(rc=1, stderr=refused)


def test_logs_say_which_container_they_chose_and_which_there_are() -> None:
    both = pod(containers=("app", "side"), **running("id0"))
    defaulted = ask(reader(both, entries=logged(("x",))), "logs p")
    assert defaulted == Answer(stdout="x\n", stderr='Defaulted container "app" out of: app, side\n')
    wrong = "error: container nope is not valid for pod p out of: app, side\n"
    assert ask(reader(both), "logs p -c nope") == Answer(rc=1, stderr=wrong)


def test_logs_of_a_missing_pod_name_the_namespace() -> None:
    missing = 'error: error from server (NotFound): pods "p" not found in namespace "n"\n'
    assert ask(reader(), "logs p") == Answer(rc=1, stderr=missing)
