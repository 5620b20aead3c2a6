from __future__ import annotations

import io
import tarfile
import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lab.errors import LabError
from lab.runtime.images import LabImage, ensure_images, inspect_image, load_images, save_images
from lab.runtime.recipes import PAUSE, Recipe

pytestmark = pytest.mark.engine

LABELS = {"pod-hook-lab.test": "images"}
HARDENED = {
    "cap_drop": ["ALL"],
    "cap_add": ["CHOWN", "DAC_OVERRIDE", "SETUID", "SETGID", "NET_BIND_SERVICE", "KILL"],
    "security_opt": ["no-new-privileges"],
    "network_mode": "none",
}


@pytest.fixture
def recipe(docker_client: Any) -> Iterator[Recipe]:
    """The smallest recipe, under a name of its own."""
    recipe = replace(PAUSE, name=f"pod-hook-lab-test/{uuid.uuid4().hex[:8]}")
    yield recipe
    for image in docker_client.images.list(name=recipe.name):
        docker_client.images.remove(image.id, force=True)


@pytest.fixture
def start(docker_client: Any) -> Iterator[Any]:
    """Start a container as hardened as a pod's; all are removed at the end."""
    started = []

    def run(image: str, command: list[str] | None = None, **options: Any) -> Any:
        container = docker_client.containers.run(image, command, detach=True, labels=LABELS, **{**HARDENED, **options})
        started.append(container)
        return container

    yield run
    for container in started:
        container.remove(force=True)


def run_inside(container: Any, script: str) -> str:
    code, output = container.exec_run(["/bin/sh", "-c", script])
    assert code == 0, output.decode()
    return str(output.decode())


def wait_for_nginx(container: Any) -> None:
    run_inside(container, "for i in $(seq 200); do curl -s -o /dev/null localhost && exit 0; sleep 0.05; done; exit 1")


def test_a_missing_image_is_built_once_and_again_when_its_recipe_changes(docker_client: Any, recipe: Recipe) -> None:
    said: list[str] = []
    assert inspect_image(docker_client, recipe).state == "missing"
    (built,) = ensure_images(docker_client, said.append, recipes=(recipe,))
    assert (built.state, len(said)) == ("built", 2)
    (again,) = ensure_images(docker_client, said.append, recipes=(recipe,))
    assert (again.id, len(said)) == (built.id, 3)
    changed = replace(recipe, config={"Entrypoint": ["/pause", "-P", "-L"]})
    assert inspect_image(docker_client, changed).state == "outdated"
    (rebuilt,) = ensure_images(docker_client, said.append, recipes=(changed,))
    assert rebuilt.state == "built"
    assert [image.id for image in docker_client.images.list(filters={"label": f"pod-hook-lab.image={recipe.hash}"})] == []


def test_an_image_of_the_users_own_is_used_and_never_replaced(docker_client: Any, recipe: Recipe) -> None:
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    docker_client.api.import_image_from_data(empty.getvalue(), repository=recipe.name, tag="latest")
    own = docker_client.images.get(recipe.tag).id
    said: list[str] = []
    for pull in (False, True):
        (state,) = ensure_images(docker_client, said.append, pull=pull, recipes=(replace(recipe, official="sha256:0"),))
        assert (state.state, state.id) == ("own", own)
    assert "an image of yours has this name" in said[0]


def test_images_are_saved_to_one_archive_and_loaded_again(
    docker_client: Any, lab_images: dict[str, LabImage], tmp_path: Path
) -> None:
    archive = tmp_path / "images.tar"
    assert save_images(docker_client, archive) == archive.stat().st_size
    assert set(load_images(docker_client, archive)) == {"busybox:latest", "nginx:latest", "pod-hook-lab/pause:latest"}


def test_an_archive_that_is_not_there_is_told_by_name(docker_client: Any, tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"cannot read .*none\.tar: No such file"):
        load_images(docker_client, tmp_path / "none.tar")


def test_nginx_starts_hardened_and_with_an_empty_volume_over_usr_share(start: Any) -> None:
    container = start("nginx", tmpfs={"/usr/share": ""})
    wait_for_nginx(container)
    assert run_inside(container, "ls -A /usr/share") == ""
    assert run_inside(container, "curl -s -o /dev/null -w '%{http_code}' localhost") == "404"
    assert b"start worker processes" in container.logs()


def test_nginx_serves_its_page_logs_to_its_output_and_quits_on_its_stop_signal(start: Any, docker_client: Any) -> None:
    container = start("nginx")
    wait_for_nginx(container)
    assert "Welcome to nginx!" in run_inside(container, "curl -s localhost")
    assert b'"GET / HTTP/1.1" 200' in container.logs(stderr=False)
    container.stop(timeout=30)
    container.reload()
    assert container.attrs["State"]["ExitCode"] == 0
    assert b"gracefully shutting down" in container.logs()
    config = docker_client.images.get("nginx").attrs["Config"]
    assert (config["StopSignal"], config["Cmd"], config["Entrypoint"]) == ("SIGQUIT", ["nginx", "-g", "daemon off;"], None)


def test_busybox_has_a_shell_and_its_applets_by_name(start: Any) -> None:
    container = start("busybox", ["sleep", "600"])
    assert run_inside(container, "echo hello | tr a-z A-Z; id -u; cat /proc/1/cmdline | tr '\\0' ' '") == "HELLO\n0\nsleep 600 "
    run_inside(
        container,
        "cd /tmp; echo page > index.html; httpd -p 8080; wget -qO- localhost:8080 | grep -q page; nc localhost 8080 < /dev/null",
    )


def test_pause_holds_a_namespace_and_ends_at_once_on_sigterm(start: Any) -> None:
    container = start("pod-hook-lab/pause")
    container.reload()
    assert container.status == "running"
    container.kill("SIGTERM")
    assert container.wait(timeout=30)["StatusCode"] in (0, 143)


def test_the_images_stay_small_so_that_a_container_is_compared_with_its_image_quickly(lab_images: dict[str, LabImage]) -> None:
    built = {name: image.size_bytes for name, image in lab_images.items() if image.state == "built"}
    limits = {"nginx": 60_000_000, "busybox": 5_000_000, "pod-hook-lab/pause": 1_000_000}
    assert [name for name, size in built.items() if size >= limits[name]] == []
