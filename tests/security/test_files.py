"""Paths that lead out of where a pod's files are: by dots, by links that a container plants, and by links that change later."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.errors import VolumeError
from lab.pods.review import review
from lab.timeline.facts import ContainerFailed, FileChanged, VolumeFailed

Ground = Any  # the fixture's type lives in conftest, which tests cannot import

LEARNER = "planter"
SECRET = "the host's own"
TRIES = 400

POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}}}
spec:
  terminationGracePeriodSeconds: 0
  containers:
  - name: app
    image: busybox
    command: [sh, -c, {script}]
    volumeMounts: [{{name: v, mountPath: /v}}]
    {more}
  volumes: [{{name: v, hostPath: {{path: {path}}}}}]
"""


def pod(name: str, path: str, script: str = "sleep 3600", more: str = "") -> str:
    return POD.format(name=name, path=path, script=f"'{script}'", more=more)


@pytest.mark.parametrize("path", ["/tmp/../../etc", "../etc", "/tmp/.."])
def test_a_host_path_with_dots_is_refused_by_the_api_server(path: str) -> None:
    (document,) = review(pod("dots", path)).documents
    assert document.refusal is not None
    assert "must not contain '..'" in document.refusal.message


@pytest.mark.parametrize("field", ["subPath: ../../etc", "subPath: a/../../b", "subPathExpr: $(A)/../.."])
def test_a_sub_path_with_dots_is_refused_by_the_api_server(field: str) -> None:
    text = pod("dots", "/tmp").replace("mountPath: /v", f"mountPath: /v, {field}")
    (document,) = review(text).documents
    assert document.refusal is not None
    assert "must not contain '..'" in document.refusal.message


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory of the host with a file in it."""
    directory = tmp_path_factory.mktemp("host")
    (directory / "secret").write_text(SECRET)
    directory.chmod(0o755)
    return directory


@pytest.fixture(scope="module")
def planted(ground: Ground, secret: Path) -> Iterator[Any]:
    """A container's links on its node, to the host's root, to a directory of the host and to a file in it."""
    script = (
        f"cd /v; ln -s / root; ln -s {secret} out; ln -s {secret}/secret file; ln -s ../../../../../..{secret} up; sleep 3600"
    )
    run = ground.running(LEARNER, pod("planter", "/tmp", script))
    ground.eventually(lambda: ground.sh(run, "planter", "ls /v").split() == ["file", "out", "root", "up"])
    yield run
    ground.end(LEARNER)


@pytest.mark.engine
class TestPlanted:
    """Links that were there before."""

    @pytest.mark.parametrize("link", ["out", "up"])
    def test_a_link_to_the_host_leads_nowhere_and_the_event_says_so(self, ground: Ground, planted: Any, link: str) -> None:
        run = ground.run(LEARNER, pod(f"through-{link}", f"/tmp/{link}"))
        ground.eventually(lambda: ground.facts(run, VolumeFailed))
        assert ground.facts(run, VolumeFailed)[0].message == f"mkdir /tmp/{link}: file exists"
        assert any(event.startswith("FailedMount: ") for event in ground.events(run))

    def test_a_link_to_the_root_leads_to_the_nodes(self, ground: Ground, planted: Any, secret: Path) -> None:
        run = ground.running(LEARNER, pod("through-root", "/tmp/root"))
        assert SECRET not in ground.sh(run, "through-root", f"cat /v{secret}/secret; ls -la /v")
        assert ground.sh(run, "through-root", "ls /v/tmp").split() == ["file", "out", "root", "up"]

    def test_a_file_behind_a_planted_link_is_not_there_and_the_event_says_so(self, ground: Ground, planted: Any) -> None:
        text = pod("through-file", "/tmp/file").replace("path: /tmp/file", "path: /tmp/file, type: File")
        run = ground.run(LEARNER, text)
        ground.eventually(lambda: ground.facts(run, VolumeFailed))
        assert ground.facts(run, VolumeFailed)[0].message == "hostPath type check failed: /tmp/file is not a file"

    def test_the_labs_own_panels_follow_no_link_to_the_host(self, ground: Ground, planted: Any, secret: Path) -> None:
        files = ground.laboratory.node_side.files
        for path in (
            "/tmp/file",
            f"/tmp/root{secret}/secret",
            "/tmp/up/secret",
            "/tmp/../../../../../.." + str(secret / "secret"),
        ):
            assert files.read(LEARNER, path, limit_bytes=100) is None
            assert files.listing(LEARNER, path) is None

    def test_what_a_hook_leaves_is_shown_without_what_its_links_lead_to(self, ground: Ground, planted: Any, secret: Path) -> None:
        hook = f"ln -s {secret}/secret /linked; ln -s {secret} /v/linked; echo own > /own; echo own > /v/own"
        more = f'lifecycle: {{postStart: {{exec: {{command: [sh, -c, "{hook}"]}}}}}}'
        run = ground.running(LEARNER, pod("hook", "/srv", more=more))
        ground.eventually(lambda: {"/own", "/v/own"} <= {fact.path for fact in ground.facts(run, FileChanged)})
        assert all(SECRET not in (fact.text or "") for fact in ground.facts(run, FileChanged))

    def test_a_sub_path_that_is_a_link_stays_in_its_volume(self, ground: Ground, secret: Path) -> None:
        text = f"""\
apiVersion: v1
kind: Pod
metadata: {{name: sub}}
spec:
  terminationGracePeriodSeconds: 0
  initContainers:
  - {{name: plant, image: busybox, command: [ln, -s, "{secret}", /v/sub], volumeMounts: [{{name: v, mountPath: /v}}]}}
  containers:
  - {{name: app, image: busybox, command: [sleep, "3600"], volumeMounts: [{{name: v, mountPath: /sub, subPath: sub}}]}}
  volumes: [{{name: v, emptyDir: {{}}}}]
"""
        run = ground.run(LEARNER, text)
        ground.eventually(lambda: ground.facts(run, ContainerFailed, "app"))
        (failed, *_) = ground.facts(run, ContainerFailed, "app")
        assert failed.message == 'failed to create subPath directory for "sub": file exists'


@pytest.mark.engine
def test_a_link_that_is_swapped_while_it_is_mounted_never_leads_to_the_host(ground: Ground, secret: Path) -> None:
    swap = (
        f"cd /v; mkdir dir; ln -s {secret} link; echo ready; "
        "while :; do mv dir spot; mv spot dir; mv link spot; mv spot link; done"
    )
    run = ground.running("racer", pod("racer", "/tmp", swap))
    files = ground.laboratory.node_side.files
    found: list[str] = []
    met = {"refused": 0, "mounted": 0}

    def mount() -> None:
        kind = "DirectoryOrCreate" if sum(met.values()) % 2 else ""
        try:
            pin = files.host_path("racer", "/tmp/spot", kind, pod_uid="race")
        except VolumeError:
            met["refused"] += 1
        else:
            met["mounted"] += 1
            found.extend(entry.name for entry in (pin.iterdir() if pin.is_dir() else ()))

    def both_met() -> bool:
        for _ in range(TRIES):
            mount()
        return all(met.values())

    ground.eventually(both_met)
    files.remove_pod("racer", "race")
    assert "secret" not in found
    assert ground.sh(run, "racer", "ls /v")
    ground.end("racer")


@pytest.mark.engine
def test_nobodys_node_is_anothers(ground: Ground) -> None:
    mine = ground.running("mine", pod("mine", "/tmp", "echo mine > /v/mine; sleep 3600"))
    ground.eventually(lambda: ground.sh(mine, "mine", "ls /v") == "mine")
    theirs = ground.running("theirs", pod("mine", "/tmp"))
    assert ground.sh(theirs, "mine", "ls -A /v") == ""
    ground.end("mine")
    ground.end("theirs")
