"""`DockerRuntime` on the real engine: sandboxes, containers, output, exits, removal."""

from __future__ import annotations

import re
from itertools import groupby
from typing import Any

import docker
import pytest

from lab.errors import ContainerGone, EngineError, ImageNotFound

pytestmark = pytest.mark.engine

RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{1,9}Z")


def names_on_the_engine(instance: str) -> tuple[int, int]:
    """Return how many containers and networks carry the instance's label."""
    api = docker.APIClient(version="auto")
    try:
        filters = {"label": [f"pod-hook-lab.instance={instance}"]}
        return len(api.containers(all=True, filters=filters)), len(api.networks(filters=filters))
    finally:
        api.close()


def test_an_image_is_found_with_its_stop_signal_and_command(docker_lab: Any) -> None:
    image = docker_lab.runtime.find_image("nginx")
    assert image.stop_signal == "SIGQUIT"
    assert (*image.entrypoint, *image.command)[-2:] == ("-g", "daemon off;")
    assert image.id.startswith("sha256:")
    assert image.size_bytes > 1_000_000


def test_an_image_that_the_store_does_not_have_is_none_and_cannot_be_run(docker_lab: Any) -> None:
    assert docker_lab.runtime.find_image("registry.example/nothing:1") is None
    with pytest.raises(ImageNotFound) as refusal:
        docker_lab.create(docker_lab.config(image="registry.example/nothing:1"))
    assert refusal.value.runtime_message == "No such image: registry.example/nothing:1"


def test_a_container_lives_in_its_sandboxes_network_under_the_pods_name(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sh", "-c", "hostname; hostname -i; ip -o -4 addr show dev eth0")
    recorder.exit()
    docker_lab.runtime.remove_container(container_id)
    hostname, address, interface = recorder.texts()
    assert hostname == "web"
    assert address == docker_lab.sandbox.ip
    assert f"inet {docker_lab.sandbox.ip}/26" in interface


def test_two_containers_of_a_pod_reach_each_other_on_localhost(docker_lab: Any) -> None:
    server, _ = docker_lab.run("sh", "-c", "echo hello | nc -l -p 8080")
    client, recorder = docker_lab.run("sh", "-c", "until nc 127.0.0.1 8080 </dev/null; do :; done 2>/dev/null")
    assert recorder.exit().exit_code == 0
    assert recorder.texts() == ["hello"]
    docker_lab.runtime.remove_container(server)
    docker_lab.runtime.remove_container(client)


def test_the_start_tells_pid_1_and_the_engines_time(docker_lab: Any) -> None:
    container_id, _ = docker_lab.create(docker_lab.config("sleep", "60"))
    started = docker_lab.runtime.start_container(container_id)
    assert RFC3339.fullmatch(started.started_at)
    with open(f"/proc/{started.pid}/status", encoding="utf-8") as status:
        assert f"\nNSpid:\t{started.pid}\t1\n" in status.read()
    docker_lab.runtime.remove_container(container_id)


def test_an_exit_is_told_once_after_the_last_line_with_the_engines_times(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sh", "-c", "echo one; echo two >&2; printf three; exit 7")
    end = recorder.exit()
    docker_lab.runtime.remove_container(container_id)
    assert end.exit_code == 7
    assert not end.oom_killed
    assert RFC3339.fullmatch(end.started_at)
    assert RFC3339.fullmatch(end.finished_at)
    assert sorted(recorder.texts()) == ["one", "three", "two"]
    assert recorder.texts("stdout") == ["one", "three"]
    assert recorder.lines_after_exit == 0
    assert len(recorder.exits) == 1


def test_containers_that_end_at_once_lose_neither_exit_nor_output(docker_lab: Any) -> None:
    runs = [docker_lab.run("sh", "-c", f"echo {number}; exit {number}") for number in range(8)]
    assert [recorder.exit().exit_code for _, recorder in runs] == list(range(8))
    assert [recorder.texts() for _, recorder in runs] == [[str(number)] for number in range(8)]
    for container_id, _ in runs:
        docker_lab.runtime.remove_container(container_id)


def test_thousands_of_lines_all_come_in_order(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("seq", "1", "30000")
    recorder.exit()
    docker_lab.runtime.remove_container(container_id)
    assert recorder.texts("stdout") == [str(number) for number in range(1, 30001)]


def test_a_line_longer_than_the_engines_records_comes_as_one(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sh", "-c", "head -c 50000 /dev/zero | tr '\\0' x; echo; echo end")
    recorder.exit()
    docker_lab.runtime.remove_container(container_id)
    assert [(len(list(run)), text[:3]) for text, run in groupby(recorder.texts())] == [(1, "xxx"), (1, "end")]
    assert len(recorder.texts()[0]) == 50000


def test_binary_output_is_kept_as_replaced_text(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sh", "-c", "printf 'a\\377\\000b\\n'")
    recorder.exit()
    docker_lab.runtime.remove_container(container_id)
    assert recorder.texts() == ["a\ufffd\0b"]


def test_a_flood_ends_when_its_container_is_killed(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("yes", "a flooding line")
    recorder.wait(lambda heard: len(heard.lines) > 1000)
    docker_lab.runtime.signal_container(container_id, "SIGKILL")
    assert recorder.exit().exit_code == 137
    assert recorder.lines_after_exit == 0
    docker_lab.runtime.remove_container(container_id)


def test_a_container_with_a_tty_logs_its_terminal(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sh", "-c", "test -t 1 && echo terminal", tty=True)
    assert recorder.exit().exit_code == 0
    docker_lab.runtime.remove_container(container_id)
    assert recorder.texts("stdout") == ["terminal\r"]


def test_a_command_that_is_not_there_fails_the_start_in_the_oci_runtimes_words(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.create(docker_lab.config("no-such-command"))
    with pytest.raises(EngineError) as failure:
        docker_lab.runtime.start_container(container_id)
    docker_lab.runtime.remove_container(container_id)
    assert failure.value.runtime_message.startswith("OCI runtime create failed: ")
    assert 'exec: "no-such-command": executable file not found in $PATH' in failure.value.runtime_message
    assert failure.value.code == 127
    assert recorder.exits == []


def test_an_empty_command_is_a_name_to_run_and_not_a_reset(docker_lab: Any) -> None:
    container_id, _ = docker_lab.create(docker_lab.config("", "sh"))
    with pytest.raises(EngineError, match='exec: "": executable file not found'):
        docker_lab.runtime.start_container(container_id)
    docker_lab.runtime.remove_container(container_id)


def test_environment_and_working_directory_are_the_configs(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sh", "-c", 'echo "$GREETING"; pwd', env=(("GREETING", "a = b"),), working_dir="/tmp")
    recorder.exit()
    docker_lab.runtime.remove_container(container_id)
    assert recorder.texts() == ["a = b", "/tmp"]


def test_a_signal_reaches_pid_1_and_its_exit_code_is_told(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run(
        "sh", "-c", "trap 'echo got TERM; exit 9' TERM; echo ready; while :; do sleep 0.1; done"
    )
    recorder.wait(lambda heard: "ready" in heard.texts())
    docker_lab.runtime.signal_container(container_id, "SIGTERM")
    assert recorder.exit().exit_code == 9
    assert recorder.texts() == ["ready", "got TERM"]
    with pytest.raises(ContainerGone):
        docker_lab.runtime.signal_container(container_id, "SIGTERM")
    docker_lab.runtime.remove_container(container_id)


def test_removing_a_running_container_kills_it_and_tells_the_exit(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sleep", "600")
    docker_lab.runtime.remove_container(container_id)
    assert recorder.exit().exit_code == 137
    docker_lab.runtime.remove_container(container_id)


def test_process_state_shows_masks_and_other_processes(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sh", "-c", "trap : TERM; sleep 600 & echo ready; wait")
    recorder.wait(lambda heard: heard.texts() == ["ready"])
    state = docker_lab.runtime.process_state(container_id)
    while [command for _, command in state.others] == ["[exe]"]:  # the shell's child, on its way to become sleep
        state = docker_lab.runtime.process_state(container_id)
    assert int(state.sig_caught, 16) & 1 << 14
    assert [command for _, command in state.others] == ["sleep 600"]
    (first, *rest) = state.tree
    assert first[:2] == (1, 0)
    assert [(parent, command) for _, parent, command in rest] == [(1, "sleep 600")]
    docker_lab.runtime.signal_container(container_id, "SIGKILL")
    recorder.exit()
    assert docker_lab.runtime.process_state(container_id) is None
    docker_lab.runtime.remove_container(container_id)


def test_a_removed_cluster_leaves_nothing_and_others_stay(docker_lab: Any) -> None:
    runtime = docker_lab.runtime
    before = names_on_the_engine(docker_lab.instance)
    runtime.run_pod_sandbox(docker_lab.sandbox_config("two"))
    runtime.prepare_cluster("three")
    assert names_on_the_engine(docker_lab.instance) == (before[0] + 1, before[1] + 2)
    runtime.remove_cluster("two")
    runtime.remove_cluster("three")
    runtime.remove_cluster("three")
    assert names_on_the_engine(docker_lab.instance) == before


def test_a_network_removed_behind_the_labs_back_is_made_again(docker_lab: Any) -> None:
    runtime = docker_lab.runtime
    runtime.prepare_cluster("four")
    api = docker.APIClient(version="auto")
    api.remove_network(f"pod-hook-lab-{docker_lab.instance}-four")
    api.close()
    sandbox = runtime.run_pod_sandbox(docker_lab.sandbox_config("four"))
    assert sandbox.ip
    runtime.remove_cluster("four")


def test_a_removed_sandbox_is_gone_at_once_and_removing_it_again_is_no_error(docker_lab: Any) -> None:
    sandbox = docker_lab.runtime.run_pod_sandbox(docker_lab.sandbox_config("five"))
    docker_lab.runtime.remove_pod_sandbox(sandbox.id)
    docker_lab.runtime.remove_pod_sandbox(sandbox.id)
    docker_lab.runtime.remove_cluster("five")


def test_a_sweep_removes_all_of_its_instance_and_counts_it(docker_lab: Any, test_pod_cidr: str) -> None:
    other = type(docker_lab)(test_pod_cidr)
    other.run("sleep", "600")
    before = names_on_the_engine(docker_lab.instance)
    swept = docker_lab.runtime.sweep(other.instance)
    assert (swept.containers, swept.networks) == (2, 1)
    assert names_on_the_engine(other.instance) == (0, 0)
    assert names_on_the_engine(docker_lab.instance) == before
    other.close()


def test_the_engine_says_what_it_is(docker_lab: Any) -> None:
    info = docker_lab.runtime.engine_info()
    assert re.match(r"\d+\.", info.version)
    assert info.cgroup_version in ("1", "2")
