"""What stands in deploy/ for a machine: whether it agrees with itself and with what the lab needs of a host."""

from __future__ import annotations

import configparser
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.commands.serve import GRACEFUL_SECONDS
from lab.config import read_settings
from lab.timeline.bundle import MAXIMUM_BYTES

DEPLOY = Path(__file__).parents[2] / "deploy"
NEEDED = {
    "SYS_ADMIN",
    "NET_ADMIN",
    "SYS_PTRACE",
    "DAC_READ_SEARCH",
    "SYS_NICE",
}  # mounts, firewall, processes, their files, priority
MOUNT_NAMESPACE = re.compile(
    r"^(Protect(System|Home|KernelTunables|KernelLogs|ControlGroups|KernelModules|Hostname|Proc)|Private\w+|ReadWritePaths"
    r"|ReadOnlyPaths|InaccessiblePaths|BindPaths|BindReadOnlyPaths|TemporaryFileSystem|RootDirectory|RootImage|MountAPIVFS|DynamicUser)$"
)


@pytest.fixture(scope="module")
def unit() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",), comment_prefixes=("#",))
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(DEPLOY / "pod-hook-lab.service", encoding="utf-8")
    return parser


@pytest.fixture(scope="module")
def service() -> dict[str, Any]:
    services: dict[str, dict[str, Any]] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return services["lab"]


def test_the_unit_leaves_the_lab_in_the_hosts_mount_namespace(unit: configparser.ConfigParser) -> None:
    assert [name for name in unit["Service"] if MOUNT_NAMESPACE.match(name)] == []


def test_the_unit_leaves_what_the_lab_needs_and_little_more(unit: configparser.ConfigParser) -> None:
    kept = {name.removeprefix("CAP_") for name in unit["Service"]["CapabilityBoundingSet"].split()}
    assert kept >= NEEDED
    assert not kept & {"SYS_MODULE", "SYS_BOOT", "SYS_TIME", "SYS_RAWIO", "MKNOD", "BPF", "SETFCAP"}
    assert unit["Service"]["NoNewPrivileges"] == "yes"
    assert "RestrictSUIDSGID" not in unit["Service"]  # systemd answers ENOSYS to openat2 then, whose flags it cannot look into


def test_both_give_the_lab_time_to_stop(unit: configparser.ConfigParser, service: dict[str, Any]) -> None:
    assert int(unit["Service"]["TimeoutStopSec"]) > GRACEFUL_SECONDS
    assert int(service["stop_grace_period"].removesuffix("s")) > GRACEFUL_SECONDS
    assert unit["Service"]["KillMode"] == "mixed"  # a worker that is told as well would be told twice


def test_both_set_only_what_the_lab_can_use(service: dict[str, Any]) -> None:
    text = (DEPLOY / "pod-hook-lab.service").read_text(encoding="utf-8")
    in_unit = dict(
        pair.split("=", 1) for line in re.findall(r"^Environment=(LAB_.*)$", text, re.MULTILINE) for pair in line.split()
    )
    in_compose = {name: value for name, value in service["environment"].items() if "$" not in value}
    for environment in (in_unit, in_compose):
        settings = read_settings(environment)
        assert settings.classroom
        assert settings.log_format == "json"
        assert settings.data == Path("/var/lib/pod-hook-lab")


def test_the_engine_and_the_lab_in_a_container_see_the_same_paths(service: dict[str, Any]) -> None:
    binds = [
        mount.split(":")[:2] if isinstance(mount, str) else [mount["source"], mount["target"]] for mount in service["volumes"]
    ]
    assert all(outside == inside for outside, inside in binds)
    (data,) = [mount for mount in service["volumes"] if isinstance(mount, dict)]
    assert data["target"] == service["environment"]["LAB_DATA"]
    assert data["bind"]["propagation"] == "rshared"
    assert (service["network_mode"], service["pid"]) == ("host", "host")
    assert set(service["cap_add"]) >= NEEDED


def test_the_proxies_let_the_largest_upload_through_and_keep_what_is_inside() -> None:
    for name, limit in (("nginx.conf", r"client_max_body_size (\d+)m;"), ("Caddyfile", r"max_size (\d+)MB")):
        text = (DEPLOY / name).read_text(encoding="utf-8")
        found = re.search(limit, text)
        assert found is not None
        assert int(found[1]) * 1_000_000 > MAXIMUM_BYTES
        assert {"/metrics", "/readyz"} <= set(re.findall(r"/(?:metrics|readyz)\b", text))


def test_every_file_for_a_machine_is_known_to_the_handbook() -> None:
    handbook = (DEPLOY.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    assert [path.name for path in DEPLOY.iterdir() if path.is_file() and f"deploy/{path.name}" not in handbook] == []
