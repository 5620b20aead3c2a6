"""What a container needs before it runs: a node, volumes, a sandbox, an image, a configuration. And what happens without."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.errors import EngineError
from lab.kubelet.environment import SERVICE_VARIABLES, expand
from lab.runtime.scripted import ContainerScript
from lab.timeline.facts import BackingOff, ContainerFailed, ImageLookedUp, SandboxStarted, VolumeFailed
from tests.kubelet.stage import Stage, Story, container, pod, polite

Given = Callable[..., Stage]


def created(story: Story, name: str = "app") -> Any:
    """Return the configuration with which the runtime created the pod's container."""
    return next(config for config in story.stage.runtime.created if config.pod_uid == story.uid and config.name == name)


# --- node ---------------------------------------------------------------------------------------------------------


def test_a_pod_is_assigned_then_its_images_are_pulled_then_its_containers_created_and_started(given: Given) -> None:
    story = given(app=polite()).run(pod())
    assert story.events() == [
        "Scheduled: Successfully assigned default/p to lab-node",
        'app Pulling: Pulling image "busybox"',
        'app Pulled: Successfully pulled image "busybox" in 0s (0s including waiting). Image size: 1000 bytes.',
        "app Created: Container created",
        "app Started: Container started",
    ]
    assert story.columns() == ["Pending", "ContainerCreating", "Running"]


def test_a_pod_that_asks_for_another_node_stays_pending(given: Given) -> None:
    """[E14b]"""
    story = given().run(pod(nodeSelector={"disk": "ssd"}), seconds=30)
    assert story.columns() == ["Pending"]
    assert list(story.event_reasons()) == ["FailedScheduling"]
    assert "didn't match Pod's node affinity/selector" in story.events()[0]
    (condition,) = story.status["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "Unschedulable")


@pytest.mark.parametrize("selector", [{"kubernetes.io/os": "linux"}, {"kubernetes.io/hostname": "lab-node"}])
def test_a_pod_that_asks_for_this_node_is_run(given: Given, selector: dict[str, str]) -> None:
    assert given(app=polite()).run(pod(nodeSelector=selector)).columns()[-1] == "Running"


def test_a_sandbox_that_cannot_be_created_is_tried_again(given: Given) -> None:
    stage = given(app=polite())
    stage.runtime.failures["run_pod_sandbox"] = EngineError("cannot make it", runtime_message="no subnet left")
    story = stage.run(pod(), seconds=20)
    assert story.warnings()[0] == "FailedCreatePodSandBox: Failed to create pod sandbox: no subnet left"
    assert 10 <= story.event_times("FailedCreatePodSandBox")[1] - story.event_times("FailedCreatePodSandBox")[0] <= 16
    del stage.runtime.failures["run_pod_sandbox"]
    stage.clock.sleep(16)
    assert story.columns()[-1] == "Running"
    assert story.status["podIP"] == story.facts(SandboxStarted)[0].ip


# --- images -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("image", "policy", "pulled"),
    [("busybox", None, True), ("busybox:1", None, False), ("busybox", "IfNotPresent", False), ("busybox:1", "Always", True)],
)
def test_the_pull_policy_decides_whether_an_image_that_is_there_is_pulled(
    given: Given, image: str, policy: str | None, pulled: bool
) -> None:
    spec = container(image=image, **({"imagePullPolicy": policy} if policy else {}))
    story = given(app=polite()).run(pod(spec))
    assert ("Pulling" in story.event_reasons()) == pulled
    present = f'app Pulled: Container image "{image}" already present on machine and can be accessed by the pod'
    assert (present in story.events()) != pulled
    assert story.facts(ImageLookedUp)[0].image_id == "sha256:busybox"


@pytest.mark.parametrize("policy", ["Always", "IfNotPresent"])
def test_an_image_that_cannot_be_pulled_is_tried_again_after_10_20_40_seconds(given: Given, policy: str) -> None:
    story = given().run(pod(container(image="absent:1", imagePullPolicy=policy)), seconds=400)
    assert story.columns()[:4] == ["Pending", "ContainerCreating", "ErrImagePull", "ImagePullBackOff"]
    tries = story.event_times("Pulling")
    for gap, nominal in zip([b - a for a, b in itertools.pairwise(tries)], (10, 20, 40, 80), strict=False):
        assert nominal <= gap <= nominal * 1.5 + 2
    assert {b.reason for b in story.facts(BackingOff)} == {"ImagePullBackOff"}
    assert story.status["phase"] == "Pending"


def test_an_image_that_cannot_be_pulled_is_told_by_events_and_status(given: Given) -> None:
    story = given().run(pod(container(image="absent:1")), seconds=40)
    failed = [text for text in story.warnings() if text.startswith("Failed: ")]
    assert failed[0].startswith('Failed: Failed to pull image "absent:1": ')
    assert "lab images" in failed[0]
    assert failed[1:3] == ["Failed: Error: ErrImagePull", "Failed: Error: ImagePullBackOff"]
    assert 'app BackOff: Back-off pulling image "absent:1"' in story.events()
    waiting = next(w for w in story.waiting() if w["reason"] == "ImagePullBackOff")
    assert waiting["message"].startswith('Back-off pulling image "absent:1": ErrImagePull: ')


def test_an_image_that_may_not_be_pulled_is_never_pulled(given: Given) -> None:
    story = given().run(pod(container(image="absent:1", imagePullPolicy="Never")), seconds=5)
    absent = 'Container image "absent:1" is not present with pull policy of Never'
    assert story.warnings()[:2] == [f"ErrImageNeverPull: {absent}", "Failed: Error: ErrImageNeverPull"]
    assert story.container_status()["state"]["waiting"] == {"reason": "ErrImageNeverPull", "message": absent}
    assert "Pulling" not in story.event_reasons()


def test_a_name_that_is_no_image_reference_is_refused_when_it_is_pulled(given: Given) -> None:
    story = given().run(pod(container(image="BusyBox")), seconds=5)
    assert story.container_status()["state"]["waiting"]["reason"] == "InvalidImageName"
    assert story.warnings()[0].startswith('InspectFailed: Failed to apply default image tag "BusyBox"')


# --- volumes ------------------------------------------------------------------------------------------------------


def host_volume(path: str, kind: str) -> list[dict[str, Any]]:
    return [{"name": "v", "hostPath": {"path": path, "type": kind}}]


def test_a_volume_that_cannot_be_mounted_is_tried_again_until_it_can(given: Given) -> None:
    stage = given(app=polite())
    story = stage.run(pod(volumes=host_volume("/srv/data", "Directory")), seconds=10)
    assert story.warnings()[0] == (
        'FailedMount: MountVolume.SetUp failed for volume "v" : hostPath type check failed: /srv/data is not a directory'
    )
    assert story.event_times("FailedMount") == [0.0, 0.5, 1.5, 3.5, 7.5]
    assert story.facts(VolumeFailed)[0].volume == "v"
    assert (story.columns()[-1], story.facts(SandboxStarted)) == ("ContainerCreating", [])
    stage.cluster.node.host_directory("/srv/data")
    stage.clock.sleep(10)
    assert story.columns()[-1] == "Running"


def test_a_pod_can_be_deleted_while_it_waits_for_a_volume(given: Given) -> None:
    story = given(app=polite()).run(pod(volumes=host_volume("/srv/data", "Directory")))
    assert story.delete().took_seconds <= 2
    story.stage.wait_until_cleared()
    assert story.phases()[-1] == "Failed"
    assert story.starts() == []


def test_the_deadline_of_a_pod_holds_while_it_waits_for_a_volume_but_is_looked_at_only_between_passes(given: Given) -> None:
    """The pass that waits blocks the pod's worker for 2 min 3 s (volume_manager.go: podAttachAndMountTimeout)."""
    stage = given(app=polite())
    story = stage.run(pod(volumes=host_volume("/srv/data", "Directory"), activeDeadlineSeconds=5), seconds=122)
    assert story.phases() == ["Pending"]
    stage.clock.sleep(20)
    assert (story.status["phase"], story.status["reason"]) == ("Failed", "DeadlineExceeded")
    assert story.event_times("FailedMount")[:8] == [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5]


def test_volumes_are_mounted_where_the_container_wants_them(given: Given) -> None:
    mounts = [{"name": "v", "mountPath": "/out", "readOnly": True}, {"name": "v", "mountPath": "relative", "subPath": "a/b"}]
    story = given(app=polite()).run(pod(container(volumeMounts=mounts), volumes=[{"name": "v", "emptyDir": {}}]))
    volume, sub, termination, hosts = created(story).mounts
    assert (volume.volume, volume.target, volume.read_only) == ("v", "/out", True)
    assert (sub.target, sub.source) == ("/relative", f"{volume.source}/a/b")
    assert (termination.volume, termination.target) == ("", "/dev/termination-log")
    assert (hosts.volume, hosts.target) == ("", "/etc/hosts")


def test_no_volume_of_a_pod_is_where_a_termination_message_is_kept(given: Given) -> None:
    """Another container could put a link to a file of the host where the message's file is to be."""
    names = ("termination-app-0", "termination", "app", "log")
    volumes: list[dict[str, Any]] = [{"name": name, "emptyDir": {}} for name in names]
    mounts = [{"name": v["name"], "mountPath": f"/{v['name']}"} for v in volumes]
    story = given(app=polite()).run(pod(container(volumeMounts=mounts), volumes=volumes))
    *shared, termination, hosts = created(story).mounts
    assert len(shared) == 4
    own = (termination, hosts)
    assert all(not Path(file.source).is_relative_to(volume.source) for volume in shared for file in own)


def test_a_host_path_is_a_directory_of_the_cluster_s_own_node(given: Given) -> None:
    spec = container(volumeMounts=[{"name": "v", "mountPath": "/out"}])
    story = given(app=polite()).run(pod(spec, volumes=host_volume("/data", "DirectoryOrCreate")))
    (tmp_path,) = [m.source for m in created(story).mounts if m.volume == "v"]
    with open(f"{tmp_path}/hello", "w") as file:
        file.write("from the pod")
    assert story.stage.cluster.node.read_host_file("/data/hello") == b"from the pod"


# --- configuration ------------------------------------------------------------------------------------------------


def test_environment_variables_refer_to_those_before_them(given: Given) -> None:
    env = [
        {"name": "A", "value": "1"},
        {"name": "B", "value": "$(A)-$(LATER)-$$(A)"},
        {"name": "LATER", "value": "2"},
    ]
    story = given(app=polite()).run(pod(container(env=env)))
    assert created(story).env == (("A", "1"), ("B", "1-$(LATER)-$(A)"), ("LATER", "2"), *SERVICE_VARIABLES)


def test_command_and_arguments_are_expanded_and_hooks_are_not(given: Given) -> None:
    """[D17 D17b]"""
    env = [{"name": "NAME", "value": "web"}]
    spec = container(env=env, command=["echo", "$(NAME)"], args=["$(NAME) $(NONE) $$(NAME)"], pre_stop="$(NAME)")
    story = given(app=polite()).run(pod(spec)).delete_to_the_end()
    assert (created(story).entrypoint, created(story).command) == (("echo", "web"), ("web $(NONE) $(NAME)",))
    assert ("exec", f"app-0-{story.uid}", "$(NAME)") in story.stage.runtime.calls


@pytest.mark.parametrize(
    ("spec", "entrypoint", "command"),
    [
        ({}, None, None),
        ({"command": ["a"]}, ("a",), ()),
        ({"args": ["b"]}, None, ("b",)),
        ({"command": ["a"], "args": ["b"]}, ("a",), ("b",)),
    ],
)
def test_a_command_drops_the_image_s_arguments_and_arguments_alone_keep_its_entrypoint(
    given: Given, spec: dict[str, Any], entrypoint: tuple[str, ...] | None, command: tuple[str, ...] | None
) -> None:
    story = given(app=polite()).run(pod(container(**spec)))
    assert (created(story).entrypoint, created(story).command) == (entrypoint, command)


def test_the_downward_api_tells_a_container_of_its_pod(given: Given) -> None:
    paths = {
        "NAME": "metadata.name",
        "NAMESPACE": "metadata.namespace",
        "UID": "metadata.uid",
        "NODE": "spec.nodeName",
        "IP": "status.podIP",
        "TIER": "metadata.labels['tier']",
        "NOTE": "metadata.annotations['note']",
        "ABSENT": "metadata.labels['absent']",
    }
    env = [{"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}} for name, path in paths.items()]
    metadata = {"labels": {"tier": "front"}, "annotations": {"note": "hi"}}
    story = given(app=polite()).run(pod(container(env=env), metadata=metadata))
    assert dict(created(story).env) == {
        "NAME": "p",
        "NAMESPACE": "default",
        "UID": story.uid,
        "NODE": "lab-node",
        "IP": story.facts(SandboxStarted)[0].ip,
        "TIER": "front",
        "NOTE": "hi",
        "ABSENT": "",
        **dict(SERVICE_VARIABLES),
    }


@pytest.mark.parametrize(
    ("text", "expanded"), [("$", "$"), ("a$", "a$"), ("$(A", "$(A"), ("$x", "$x"), ("$$$(A)", "$1"), ("$(A)$(A)", "11")]
)
def test_expansion_leaves_alone_what_is_no_reference(text: str, expanded: str) -> None:
    assert expand(text, {"A": "1"}) == expanded


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"runAsNonRoot": True}, "container has runAsNonRoot and image will run as root"),
        ({"runAsNonRoot": True, "runAsUser": 0}, "container's runAsUser breaks non-root policy"),
    ],
)
def test_a_container_that_may_not_run_as_root_is_not_created(given: Given, context: dict[str, Any], message: str) -> None:
    story = given(app=polite()).run(pod(container(securityContext=context)), seconds=5)
    waiting = story.container_status()["state"]["waiting"]
    assert waiting["reason"] == "CreateContainerConfigError"
    assert waiting["message"] == f'{message} (pod: "p_default({story.uid})", container: app)'
    assert story.warnings()[0] == f"Failed: Error: {waiting['message']}"
    assert story.starts() == []


def test_a_container_that_runs_as_another_user_may_run_where_root_may_not(given: Given) -> None:
    story = given(app=polite()).run(pod(container(securityContext={"runAsNonRoot": True, "runAsUser": 1000})))
    assert (story.columns()[-1], created(story).run_as_user) == ("Running", 1000)


def test_a_container_that_cannot_be_created_says_so_in_the_engine_s_words(given: Given) -> None:
    stage = given(app=polite())
    stage.runtime.failures["create_container"] = EngineError("cannot", runtime_message="invalid mount config")
    story = stage.run(pod(), seconds=5)
    assert story.container_status()["state"]["waiting"] == {"reason": "CreateContainerError", "message": "invalid mount config"}
    assert story.facts(ContainerFailed)[0].stage == "create"
    assert "Created" not in story.event_reasons()


def test_a_command_that_cannot_be_run_is_a_run_container_error(given: Given) -> None:
    stage = given(app=ContainerScript(start_error='exec: "nosuch": executable file not found in $PATH'))
    story = stage.run(pod(container(command=["nosuch"], post_start="hook")), seconds=5)
    assert "RunContainerError" in story.columns()
    assert 'Failed: Error: exec: "nosuch": executable file not found in $PATH' in story.warnings()
    assert story.steps(since="creation") == []


def test_a_container_that_cannot_start_does_not_keep_the_next_from_starting(given: Given) -> None:
    stage = given(a=ContainerScript(start_error="no"), b=polite())
    story = stage.run(pod(container("a"), container("b")), seconds=5)
    assert story.starts("b") == [0.0]
    assert story.ready_columns()[-1] == "1/2"


def test_a_pod_with_a_readiness_gate_is_ready_once_somebody_has_opened_it(given: Given) -> None:
    """[upstream e2e: pods.go, should support pod readiness gates]"""
    stage = given(app=polite())
    story = stage.run(pod(readinessGates=[{"conditionType": "example.com/a"}]))

    def ready() -> str:
        return str(next(c["status"] for c in story.status["conditions"] if c["type"] == "Ready"))

    assert (ready(), story.ready_columns()[-1]) == ("False", "1/1")
    for status in ("True", "False"):
        stage.cluster.registry.set_condition("default", "p", {"type": "example.com/a", "status": status})
        stage.clock.sleep(2)
        assert ready() == status
