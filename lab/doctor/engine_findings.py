"""What the doctor finds about the container engine and the images on it. Changes nothing."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

from lab.doctor.finding import Finding, well, wrong
from lab.errors import EngineError, EngineUnavailable
from lab.limits import GIBIBYTE, Limits
from lab.runtime.engine import connect, engine_address
from lab.runtime.engine_report import EngineReport, read_engine_report
from lab.runtime.images import LabImage, list_images

OLDEST_API_VERSION = (1, 41)  # Docker 20.10, Debian 12's; what the lab is tested with
LEAST_FREE_BYTES = 2 * GIBIBYTE  # the lab's images take 50 MB; the rest is containers' layers and logs
_NO_ENGINE = (
    "run `make setup` as root on Debian or Ubuntu; elsewhere install Docker Engine, start it, and let this user reach its socket"
)
_ANSWER_SECONDS = 10


def examine_engine(docker_host: str | None, limits: Limits | None = None) -> tuple[Finding, ...]:
    """Return the findings; the first is about reaching the engine, and the only one when none answers."""
    limits = limits or Limits()
    try:
        address = engine_address(docker_host)
    except EngineUnavailable as error:
        return (wrong("engine", str(error), "choose another docker context, or unset DOCKER_CONTEXT"),)
    try:
        client = connect(address, timeout_seconds=_ANSWER_SECONDS)
    except EngineUnavailable as error:
        detail = f"no Docker Engine answers at {address.url}, named by {address.named_by}: {error.runtime_message}"
        return (wrong("engine", detail, _NO_ENGINE),)
    try:
        report = read_engine_report(client, address)
        images = list_images(client)
    except EngineError as error:
        return (wrong("engine", str(error), "see the engine's log, restart it, and run `lab doctor` again"),)
    finally:
        client.close()
    reached = f"Docker Engine {report.version} (API {report.api_version}) at {address.url}, named by {address.named_by}"
    return (*_engine(report, reached, limits), *_images(images))


def _engine(report: EngineReport, reached: str, limits: Limits) -> Iterator[Finding]:
    if tuple(int(part) for part in report.api_version.split(".")) < OLDEST_API_VERSION:
        yield wrong("engine", f"{reached} is too old", "install Docker Engine 20.10 or newer")
    else:
        yield well("engine", reached)
    if report.elsewhere:
        remedy = "use an engine of this machine: unset DOCKER_HOST and the docker context, or run the lab beside that engine"
        yield wrong("engine's host", report.elsewhere, remedy)
    else:
        yield well("engine's host", "the engine works on this machine: its directories and pod addresses are in reach")
    slow = "; slow: every container copies its image" if report.storage_driver == "vfs" else ""
    yield well("storage driver", report.storage_driver + slow)
    cgroup = f"cgroup v{report.cgroup_version}"
    if report.missing_limits:
        remedy = "boot a kernel with these cgroup controllers (cgroup_enable=memory), or move to cgroup v2"
        yield wrong("cgroups", f"{cgroup}; no limit can be set on: {', '.join(report.missing_limits)}", remedy)
    else:
        yield well("cgroups", f"{cgroup}; memory, pids and cpu can be limited")
    if report.data_directory.exists():
        yield free_space("engine's disk", report.data_directory, limits)


def _images(images: tuple[LabImage, ...]) -> Iterator[Finding]:
    remedies = {"missing": "is missing", "outdated": "was built from an older recipe"}
    for image in images:
        subject = f"image {image.name}"
        if image.state in remedies:
            yield wrong(subject, f"{image.name} {remedies[image.state]}", "run `lab images ensure`")
            continue
        origin = {"built": "built by the lab", "official": "the official one", "own": "an image of yours, used as it is"}
        yield well(subject, f"{origin[image.state]}, {image.size_bytes / 1e6:.1f} MB, {image.id[:19]}")


def free_space(subject: str, directory: Path, limits: Limits) -> Finding:
    """Return whether enough is free on the file system of ``directory``: twice what must be for anything to be run."""
    free, least = shutil.disk_usage(directory).free, max(LEAST_FREE_BYTES, 2 * limits.free_disk_bytes)
    detail = f"{free / GIBIBYTE:.1f} GiB free at {directory}"
    if free < least:
        guard = f"with less than {limits.free_disk_bytes / GIBIBYTE:.1f} GiB (LAB_FREE_DISK_BYTES) nothing new is run"
        return wrong(subject, f"only {detail}", f"free at least {least / GIBIBYTE:.1f} GiB there; {guard}")
    return well(subject, detail)
