from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from lab.doctor.engine_findings import examine_engine
from lab.runtime.engine import EngineAddress, engine_address
from lab.runtime.engine_report import _elsewhere, read_engine_report


@pytest.mark.engine
def test_a_local_engine_with_the_labs_images_is_well() -> None:
    findings = examine_engine(None)
    assert [finding for finding in findings if not finding.ok] == []
    assert {"engine", "engine's host", "storage driver", "cgroups", "image nginx"} <= {finding.subject for finding in findings}


@pytest.mark.engine
def test_an_engine_of_this_machine_is_not_taken_for_one_elsewhere(docker_client: Any) -> None:
    report = read_engine_report(docker_client, engine_address())
    assert report.elsewhere == ""
    assert report.cgroup_version in (1, 2)


@pytest.mark.parametrize(
    ("address", "kernel", "directory", "gateways", "why"),
    [
        ("tcp://build-host:2376", os.uname().release, "/", [], "cannot mount this machine's directories"),
        ("unix:///var/run/docker.sock", "6.10.14-linuxkit", "/", [], "runs on another kernel"),
        ("unix:///var/run/docker.sock", os.uname().release, "/no/such/engine", [], "is not on this file system"),
        ("unix:///var/run/docker.sock", os.uname().release, "/", ["192.0.2.1"], "pod addresses are out of reach"),
        ("unix:///var/run/docker.sock", os.uname().release, "/", ["127.0.0.1"], ""),
    ],
)
def test_an_engine_elsewhere_is_refused_with_the_reason(
    address: str, kernel: str, directory: str, gateways: list[str], why: str
) -> None:
    found = _elsewhere(EngineAddress(url=address, named_by="DOCKER_HOST"), kernel, Path(directory), gateways)
    assert (why in found) if why else (found == "")
