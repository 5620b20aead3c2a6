"""Files of containers on the real engine, running and dead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lab.runtime.runtime import Mount

pytestmark = pytest.mark.engine


@pytest.fixture(autouse=True, params=["overlay", "archive"])
def _way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test once by the overlay's directory and once by the engine's archive: the answers are the same."""
    if request.param == "archive":
        monkeypatch.setattr("lab.runtime.container_files._file_in_overlay", lambda *_: None)


def test_what_a_container_wrote_is_told_with_its_content_before_and_after_its_death(docker_lab: Any) -> None:
    script = "echo Hello > /usr/share/message; mkdir -p /srv/new/empty; echo x > /srv/new/file; echo ready; exec sleep 600"
    container_id, recorder = docker_lab.run("sh", "-c", script, image="nginx")
    recorder.wait(lambda heard: heard.texts() == ["ready"])
    alive = docker_lab.runtime.changed_files(container_id)
    docker_lab.runtime.signal_container(container_id, "SIGKILL")
    recorder.exit()
    dead = docker_lab.runtime.changed_files(container_id)
    docker_lab.runtime.remove_container(container_id)
    assert [(file.path, file.change, file.size_bytes, file.content) for file in alive] == [
        ("/srv/new/empty", "added", 0, None),
        ("/srv/new/file", "added", 2, b"x\n"),
        ("/usr/share/message", "added", 6, b"Hello\n"),
    ]
    assert dead == alive


def test_changes_and_deletions_of_the_images_files_are_told(docker_lab: Any) -> None:
    script = "rm /usr/share/nginx/html/index.html; echo '# end' >> /etc/nginx/nginx.conf"
    container_id, recorder = docker_lab.create(docker_lab.config("sh", "-c", script, image="nginx"))
    docker_lab.runtime.start_container(container_id)
    recorder.exit()
    changes = docker_lab.runtime.changed_files(container_id, limit_bytes=4)
    docker_lab.runtime.remove_container(container_id)
    assert [(file.path, file.change) for file in changes] == [
        ("/etc/nginx/nginx.conf", "modified"),
        ("/usr/share/nginx/html/index.html", "deleted"),
    ]
    assert len(changes[0].content) == 4
    assert changes[0].size_bytes > 4


def test_what_every_start_leaves_behind_is_no_change(docker_lab: Any, tmp_path: Path) -> None:
    mount = Mount(volume="v", source=str(tmp_path), target="/data/volume", read_only=False)
    container_id, recorder = docker_lab.create(docker_lab.config(image="nginx", mounts=(mount,)))
    docker_lab.runtime.start_container(container_id)
    docker_lab.runtime.exec(container_id, ("sh", "-c", "echo x > /data/volume/file"))
    docker_lab.runtime.signal_container(container_id, "SIGQUIT")
    recorder.exit()
    assert docker_lab.runtime.changed_files(container_id) == ()
    docker_lab.runtime.remove_container(container_id)


def test_special_files_and_planted_links_have_no_content(docker_lab: Any) -> None:
    script = "cd /tmp; mkfifo pipe; ln -s /etc/passwd link; ln -s ../../../../../../etc/shadow out"
    container_id, recorder = docker_lab.run("sh", "-c", script)
    recorder.exit()
    changes = docker_lab.runtime.changed_files(container_id)
    docker_lab.runtime.remove_container(container_id)
    assert [(file.path, file.content) for file in changes] == [("/tmp/link", None), ("/tmp/out", None), ("/tmp/pipe", None)]


def test_a_file_is_read_through_links_of_the_container_and_never_of_the_host(docker_lab: Any, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the host's")
    script = (
        f"cd /tmp; echo inside > target; ln -s target link; ln -s {secret} out; ln -s loop loop; mkdir directory; mkfifo pipe"
    )
    container_id, recorder = docker_lab.run("sh", "-c", script)
    recorder.exit()
    read = docker_lab.runtime.read_file
    assert read(container_id, "/tmp/target") == read(container_id, "/tmp/link") == b"inside\n"
    assert read(container_id, "/tmp/target", limit_bytes=3) == b"ins"
    for nothing in ("out", "loop", "directory", "pipe", "absent", "absent/absent"):
        assert read(container_id, f"/tmp/{nothing}") is None, nothing
    docker_lab.runtime.remove_container(container_id)
