"""Execs on the real engine: what a hook's command sees, and when it is finished."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from lab.errors import ContainerGone, EngineError

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def container(docker_lab: Any) -> Iterator[str]:
    container_id, _ = docker_lab.run(
        "sh", "-c", "while :; do sleep 0.05; done", env=(("GREETING", "hello"),), working_dir="/tmp", run_as_user=1000
    )
    yield container_id
    docker_lab.runtime.remove_container(container_id)


def test_exit_code_and_both_outputs_come_back(docker_lab: Any, container: str) -> None:
    result = docker_lab.runtime.exec(container, ("sh", "-c", "echo out; echo err >&2; exit 3"))
    assert (result.exit_code, result.stdout, result.stderr, result.abandoned) == (3, b"out\n", b"err\n", False)


def test_the_command_has_the_containers_environment_user_and_directory_and_no_input(docker_lab: Any, container: str) -> None:
    script = 'echo "$GREETING $(id -u) $(pwd)"; cat; test -t 0 || echo no terminal'
    result = docker_lab.runtime.exec(container, ("sh", "-c", script))
    assert result.stdout == b"hello 1000 /tmp\nno terminal\n"


def test_the_command_is_run_as_it_is_without_a_shell(docker_lab: Any, container: str) -> None:
    assert docker_lab.runtime.exec(container, ("echo", "$GREETING", "a  b", "*")).stdout == b"$GREETING a  b *\n"


def test_a_command_that_is_not_there_is_told_in_the_engines_words(docker_lab: Any, container: str) -> None:
    with pytest.raises(EngineError) as failure:
        docker_lab.runtime.exec(container, ("no-such-command", "x"))
    assert failure.value.runtime_message.startswith("OCI runtime exec failed: exec failed: ")
    assert 'exec: "no-such-command": executable file not found in $PATH' in failure.value.runtime_message
    assert failure.value.code in (126, 127)


def test_a_program_that_prints_the_engines_words_is_not_taken_for_the_engine(docker_lab: Any, container: str) -> None:
    result = docker_lab.runtime.exec(container, ("sh", "-c", "echo OCI runtime exec failed: not really; exit 126"))
    assert (result.exit_code, result.stdout) == (126, b"OCI runtime exec failed: not really\n")


def test_a_command_is_finished_when_a_child_has_closed_the_output(docker_lab: Any, container: str) -> None:
    # The child holds the pipes for longer than Docker does, writes before and after Docker lets go, and must neither be killed
    # by SIGPIPE nor lose a line.
    script = "(for i in 1 2 3 4 5; do sleep 1; echo $i; done; echo end >&2) & echo hook end"
    result = docker_lab.runtime.exec(container, ("sh", "-c", script))
    assert (result.exit_code, result.stdout, result.stderr) == (0, b"hook end\n1\n2\n3\n4\n5\n", b"end\n")


def test_a_child_that_writes_nothing_still_delays_the_end(docker_lab: Any, container: str) -> None:
    docker_lab.runtime.exec(container, ("sh", "-c", "rm -f /tmp/child; (sleep 4; touch /tmp/child) & true"))
    assert docker_lab.runtime.read_file(container, "/tmp/child") == b""


def test_a_child_without_the_output_does_not_delay_the_end(docker_lab: Any, container: str) -> None:
    docker_lab.runtime.exec(container, ("sh", "-c", "(sleep 2; touch /tmp/late) >/dev/null 2>&1 & true"))
    assert docker_lab.runtime.read_file(container, "/tmp/late") is None


def test_a_command_that_closes_its_output_is_waited_for(docker_lab: Any, container: str) -> None:
    assert docker_lab.runtime.exec(container, ("sh", "-c", "exec >&- 2>&-; sleep 0.5; exit 4")).exit_code == 4


def test_a_command_beyond_its_time_is_abandoned_and_goes_on(docker_lab: Any, container: str) -> None:
    script = "rm -f /tmp/done; echo begun; sleep 1; echo still here; touch /tmp/done"
    result = docker_lab.runtime.exec(container, ("sh", "-c", script), timeout_seconds=0.5)
    assert (result.exit_code, result.stdout, result.abandoned) == (None, b"begun\n", True)
    wait = docker_lab.runtime.exec(container, ("sh", "-c", "until test -e /tmp/done; do sleep 0.05; done"))
    assert wait.exit_code == 0


def test_a_command_beyond_its_time_is_killed_where_that_is_asked_for(docker_lab: Any, container: str) -> None:
    script = "echo $$ >/tmp/late; exec sleep 30"
    result = docker_lab.runtime.exec(container, ("sh", "-c", script), timeout_seconds=0.5, kill_on_timeout=True)
    assert (result.exit_code, result.abandoned) == (None, True)
    gone = docker_lab.runtime.exec(container, ("sh", "-c", "while kill -0 $(cat /tmp/late); do sleep 0.05; done 2>/tmp/said"))
    assert gone.exit_code == 0


def test_a_child_that_holds_the_output_beyond_the_time_is_abandoned(docker_lab: Any, container: str) -> None:
    result = docker_lab.runtime.exec(container, ("sh", "-c", "sleep 30 & echo begun"), timeout_seconds=3)
    assert (result.exit_code, result.stdout, result.abandoned) == (None, b"begun\n", True)


def test_output_is_kept_to_one_mebibyte(docker_lab: Any, container: str) -> None:
    result = docker_lab.runtime.exec(container, ("sh", "-c", "head -c 20000000 /dev/zero; echo end >&2"))
    assert (len(result.stdout), result.stderr, result.exit_code) == (1 << 20, b"end\n", 0)


def test_a_command_dies_with_pid_1_as_if_killed(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sh", "-c", "trap 'exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    recorder.wait(lambda heard: heard.texts() == ["ready"])
    result = docker_lab.runtime.exec(container_id, ("sh", "-c", "echo hook; kill -TERM 1; sleep 30"))
    assert (result.exit_code, result.stdout) == (137, b"hook\n")
    assert recorder.exit().exit_code == 0
    docker_lab.runtime.remove_container(container_id)


def test_a_container_that_is_removed_under_a_command_ends_it_as_if_killed(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("sleep", "600")
    results: list[Any] = []
    thread = docker_lab.runtime._clock.spawn(
        "exec", lambda: results.append(docker_lab.runtime.exec(container_id, ("sh", "-c", "echo begun >/proc/1/fd/1; sleep 600")))
    )
    recorder.wait(lambda heard: heard.texts() == ["begun"])
    docker_lab.runtime.remove_container(container_id)
    thread.join(60)
    assert [result.exit_code for result in results] == [137]


def test_nothing_is_run_in_a_container_that_has_ended(docker_lab: Any) -> None:
    container_id, recorder = docker_lab.run("true")
    recorder.exit()
    with pytest.raises(ContainerGone):
        docker_lab.runtime.exec(container_id, ("true",))
    docker_lab.runtime.remove_container(container_id)
    with pytest.raises(ContainerGone):
        docker_lab.runtime.exec(container_id, ("true",))
