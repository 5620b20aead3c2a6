"""Settings: what is taken from the environment, what is refused, and what the data directory keeps."""

from __future__ import annotations

import os
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from lab.config import read_settings
from lab.data_directory import DataDirectory
from lab.errors import SettingsError

HOLD_THE_LOCK = """
import sys
from pathlib import Path
from lab.data_directory import DataDirectory
with DataDirectory(Path(sys.argv[1])).lock():
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_without_any_variable_the_lab_serves_this_machine_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read_settings({})
    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.data == tmp_path / "var"
    assert settings.database_url == f"sqlite:///{tmp_path}/var/lab.sqlite"
    assert settings.pod_cidr == IPv4Network("10.231.0.0/16")
    assert settings.allowed_hosts == ("localhost", "127.0.0.1", "[::1]")
    assert (settings.secret_key, settings.docker_host) == (None, None)
    assert list(tmp_path.iterdir()) == []  # reading settings touches nothing


def test_every_setting_can_be_given(tmp_path: Path) -> None:
    settings = read_settings(
        {
            "LAB_DATA": str(tmp_path / "data"),
            "LAB_DATABASE_URL": "sqlite:////srv/lab.sqlite",
            "LAB_HOST": "192.0.2.7",
            "LAB_PORT": "0",
            "LAB_POD_CIDR": "172.30.0.0/20",
            "LAB_ALLOWED_HOSTS": "Lab.School.example, [2001:db8::1]",
            "LAB_SECRET_KEY": "a secret that is long enough",
            "LAB_DOCKER_HOST": "unix:///run/other.sock",
            "LAB_IMAGES": "redis, example.org:5000/app:1",
            "LAB_WARM_SANDBOXES": "0",
            "LAB_WITNESS_SIGNALS": "no",
            "LAB_MAX_LIVE_RUNS": "3",
            "LAB_LOG_BYTES_PER_CONTAINER": "128Ki",
        }
    )
    assert settings.data == tmp_path / "data"
    assert settings.database_url == "sqlite:////srv/lab.sqlite"
    assert (settings.host, settings.port) == ("192.0.2.7", 0)
    assert settings.pod_cidr == IPv4Network("172.30.0.0/20")
    assert settings.images == ("redis:latest", "example.org:5000/app:1")
    assert (settings.warm_sandboxes, settings.witness_signals) == (0, False)
    assert settings.allowed_hosts == (
        "localhost",
        "127.0.0.1",
        "[::1]",
        "192.0.2.7",
        "lab.school.example",
        "[2001:db8::1]",
    )
    assert settings.secret_key == "a secret that is long enough"
    assert settings.docker_host == "unix:///run/other.sock"
    assert (settings.limits.max_live_runs, settings.limits.log_bytes_per_container) == (3, 128 * 1024)


@pytest.mark.parametrize(("text", "cpus"), [("2", 2.0), ("0.5", 0.5), ("500m", 0.5), ("1500m", 1.5)])
def test_cpus_are_written_as_in_kubernetes(text: str, cpus: float) -> None:
    assert read_settings({"LAB_CONTAINER_CPUS": text}).limits.container_cpus == cpus


@pytest.mark.parametrize(
    ("host", "names"),
    [("0.0.0.0", ()), ("::", ()), ("::1", ()), ("LAB.example", ("lab.example",)), ("2001:db8::1", ("[2001:db8::1]",))],
)
def test_the_bound_host_is_an_allowed_name_unless_it_means_every_address(host: str, names: tuple[str, ...]) -> None:
    assert read_settings({"LAB_HOST": host}).allowed_hosts[3:] == names


def test_a_relative_data_directory_and_a_home_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/learner")
    assert read_settings({"LAB_DATA": "here"}).data == tmp_path / "here"
    assert read_settings({"LAB_DATA": "~/lab"}).data == Path("/home/learner/lab")


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert read_settings({"LAB_PORT": " ", "LAB_SECRET_KEY": ""}) == read_settings({})


@pytest.mark.parametrize(
    ("name", "value", "remedy"),
    [
        ("LAB_PORT", "http", "use 0 (any free port) to 65535"),
        ("LAB_PORT", "65536", "use 0 (any free port) to 65535"),
        ("LAB_HOST", "a b", "use one of this machine"),
        ("LAB_POD_CIDR", "10.231.0.1/16", "use a private IPv4 network"),
        ("LAB_POD_CIDR", "8.8.0.0/16", "use a private IPv4 network"),
        ("LAB_POD_CIDR", "10.231.0.0/30", "use a private IPv4 network"),
        ("LAB_POD_CIDR", "fd00::/64", "use a private IPv4 network"),
        ("LAB_ALLOWED_HOSTS", "lab.example, https://other.example", "https://other.example is no host name"),
        ("LAB_DATABASE_URL", "sqlite:///:memory:", "use sqlite:////absolute/path/lab.sqlite"),
        ("LAB_DOCKER_HOST", "docker.sock", "unix:///var/run/docker.sock"),
        ("LAB_MAX_LIVE_RUNS", "0", "a number above 0"),
        ("LAB_WARM_SANDBOXES", "-1", "0 for none"),
        ("LAB_WITNESS_SIGNALS", "off", "yes nor no"),
        ("LAB_LOG_BYTES_PER_CONTAINER", "1MB", "Ki, Mi or Gi"),
        ("LAB_CONTAINER_CPUS", "0", "a number of CPUs above 0"),
        ("LAB_ALL_CPUS", "2 cores", "such as 2, 0.5 or 500m"),
        ("LAB_DATA", "/dev/null", "name a directory"),
        ("LAB_IMAGES", "redis:7, ../etc", "../etc is no image"),
    ],
)
def test_a_bad_value_is_named_with_its_remedy(name: str, value: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({name: value})
    assert str(raised.value).startswith(f"cannot use {name}={value}: ")
    assert remedy in str(raised.value)


def test_all_bad_values_are_named_at_once() -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings({"LAB_PORT": "x", "LAB_POD_CIDR": "y", "LAB_MAX_PODS": "z"})
    named = [line.split("=")[0] for line in str(raised.value).splitlines()]
    assert sorted(named) == ["cannot use LAB_MAX_PODS", "cannot use LAB_POD_CIDR", "cannot use LAB_PORT"]


def test_no_secret_is_ever_printed() -> None:
    assert "hush-hush-hush-hush" not in repr(read_settings({"LAB_SECRET_KEY": "hush-hush-hush-hush"}))
    with pytest.raises(SettingsError) as raised:
        read_settings({"LAB_SECRET_KEY": "hush", "LAB_DATABASE_URL": "postgresql://lab:hush@db/lab"})
    assert "hush" not in str(raised.value)


def test_a_data_directory_keeps_its_instance_id_and_its_secret_key(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "data"
    first, again, other = DataDirectory(path), DataDirectory(path), DataDirectory(tmp_path / "other")
    assert first.instance_id == again.instance_id != other.instance_id
    assert first.secret_key == again.secret_key != other.secret_key
    assert len(first.instance_id) == 12
    assert (path.stat().st_mode & 0o777, (path / "secret-key").stat().st_mode & 0o777) == (0o700, 0o600)
    assert sorted(file.name for file in path.iterdir()) == ["instance-id", "secret-key"]


def test_of_two_who_create_the_instance_id_at_once_the_first_decides(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    directory._write_once(tmp_path / "instance-id", "0123456789ab")
    directory._write_once(tmp_path / "instance-id", "ffffffffffff")
    assert directory.instance_id == "0123456789ab"


def test_an_empty_key_file_is_refused_rather_than_used(tmp_path: Path) -> None:
    (tmp_path / "secret-key").touch()
    with pytest.raises(SettingsError, match="it is empty; delete it"):
        _ = DataDirectory(tmp_path).secret_key


def test_a_data_directory_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=r"cannot create .*/file/data: Not a directory; make .* or set LAB_DATA"):
        DataDirectory(tmp_path / "file" / "data").create()


def test_only_one_process_has_the_data_directory_and_the_other_is_told_which(tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_THE_LOCK, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "locked\n"
        with pytest.raises(SettingsError, match=f"the lab of process {holder.pid} uses it; stop that one or set LAB_DATA"):
            DataDirectory(tmp_path).lock()
        holder.kill()
    with DataDirectory(tmp_path).lock():  # a killed process holds nothing
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_closed_lock_lets_the_next_one_in(tmp_path: Path) -> None:
    lock = DataDirectory(tmp_path).lock()
    with pytest.raises(SettingsError, match=f"the lab of process {os.getpid()} uses it"):
        DataDirectory(tmp_path).lock()
    lock.close()
    lock.close()
    DataDirectory(tmp_path).lock().close()
