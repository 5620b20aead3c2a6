"""The Docker Engine and the images: uses the engine that answers, else (as root on Debian or Ubuntu) installs and starts one.

An engine that ``DOCKER_HOST`` or a docker context names is the user's: it is never replaced, and never started here. ``dockerd``
is started detached and stays when the set-up ends; its log and its process id are where the progress line says.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

from lab.clock import Clock, SystemClock
from lab.config import read_settings
from lab.errors import EngineUnavailable, LabError
from lab.runtime.engine import EngineAddress, connect, connection, engine_address
from lab.runtime.images import ensure_images
from lab.setup import packages
from lab.setup.steps import Step, run

LOG = Path("/var/log/pod-hook-lab-dockerd.log")
PID_FILE = Path("/var/run/docker.pid")  # dockerd: --pidfile's default
_ANSWER_SECONDS = 60  # a first start on a slow disk; usually 1-2 s
_POLL_SECONDS = 0.2
_DEFAULT_SOCKET_NAME = "the default socket"


def provide_engine(step: Step) -> str:
    """Return a progress line on the engine that answers, started here if need be. Raises LabError with what to do."""
    address = engine_address(read_settings().docker_host)
    if version := _version(address):
        return f"Docker Engine {version} answers at {address.url}"
    if address.named_by != _DEFAULT_SOCKET_NAME:
        raise LabError(f"cannot reach the Docker Engine at {address.url}, named by {address.named_by}: start it, or unset that")
    if not packages.can_install():
        raise LabError(
            "cannot start a Docker Engine here: that needs root on Debian or Ubuntu. Install and start Docker"
            " (Debian: `apt-get install docker.io`), let this user reach its socket (group docker), and run `make setup` again"
        )
    _install_engine(step)
    return _Start(step, address, SystemClock()).until_it_answers()


def provide_images(step: Step) -> str:
    """Build the images that are missing; return a progress line. Raises LabError."""
    with connection(read_settings().docker_host) as client:
        images = ensure_images(client, lambda message: step.say(message) if message.endswith("…") else None)
    own = [image.name for image in images if image.state == "own"]
    sizes = ", ".join(f"{image.name} {image.size_bytes / 1e6:.1f} MB" for image in images)
    return sizes + (f" (your own, used as they are: {', '.join(own)})" if own else "")


def _version(address: EngineAddress) -> str | None:
    try:
        client = connect(address, timeout_seconds=10)
    except EngineUnavailable:
        return None
    try:
        return str(client.version()["Version"])
    finally:
        client.close()


def _install_engine(step: Step) -> None:
    missing = [package for program, package in (("dockerd", "docker.io"), ("iptables", "iptables")) if not _which(program)]
    if missing:
        step.say(f"no Docker Engine answers: installing {', '.join(missing)} …")
        packages.install(missing)


def _which(program: str) -> str | None:
    return shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin")


class _Start:
    """Starts the engine and waits until it answers; on a known failure tries once more in the way that avoids it."""

    def __init__(self, step: Step, address: EngineAddress, clock: Clock) -> None:
        self._step = step
        self._address = address
        self._clock = clock

    def until_it_answers(self) -> str:
        if Path("/run/systemd/system").is_dir():
            self._step.say("starting docker.service …")
            run(["systemctl", "start", "docker"], "start docker.service")
            return self._answered(None) or self._give_up("docker.service", "see `journalctl -u docker`")
        if _is_running(PID_FILE):
            self._step.say("dockerd is starting …")
            return self._answered(None) or self._give_up(
                "dockerd", f"it runs (see {PID_FILE}) and does not answer; stop it first"
            )
        self._step.say("starting dockerd …")
        said = self._started([], {})
        if said is None and "cgroup" in (why := _failure()) and "mount" in why:
            self._step.say("no cgroups are mounted here: mounting them with cgroupfs-mount …")
            packages.install(["cgroupfs-mount"])
            run(["cgroupfs-mount"], "mount the cgroups")
            said = self._started([], {})
        if said is None and "iptables" in _failure() and (legacy := _legacy_iptables()):
            self._step.say("dockerd cannot use nftables here: starting it with iptables-legacy …")
            said = self._started([], {"PATH": f"{legacy}:{os.environ['PATH']}"})
        if said is None and "graphdriver" in _failure():
            self._step.say("dockerd cannot use overlay file systems here: starting it with the slower storage driver vfs …")
            said = self._started(["--storage-driver=vfs"], {})
        return said or self._give_up("dockerd", f"the log {LOG} says: {_failure()}")

    def _started(self, options: list[str], environment: dict[str, str]) -> str | None:
        """Start dockerd; return a progress line once it answers, None when it ended or stayed silent."""
        program = _which("dockerd")
        if program is None:
            raise LabError("cannot find dockerd after installing docker.io: install Docker by hand and run `make setup` again")
        path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
        with LOG.open("wb") as log:
            process = subprocess.Popen(
                [program, *options],
                env={**os.environ, "PATH": path, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        answer = self._answered(process)
        if answer is None and process.poll() is None:
            process.terminate()
            process.wait()
        return answer and f"{answer}, started here (process {process.pid}, log {LOG})"

    def _answered(self, process: subprocess.Popen[bytes] | None) -> str | None:
        deadline = self._clock.monotonic() + _ANSWER_SECONDS
        while self._clock.monotonic() < deadline:
            if version := _version(self._address):
                return f"Docker Engine {version} answers at {self._address.url}"
            if process is not None and process.poll() is not None:
                return None
            self._clock.sleep(_POLL_SECONDS)
        return None

    def _give_up(self, what: str, remedy: str) -> str:
        raise LabError(f"cannot start the Docker Engine: {what} ended or did not answer within {_ANSWER_SECONDS} s; {remedy}")


def _is_running(pid_file: Path) -> bool:
    try:
        return "dockerd" in Path(f"/proc/{int(pid_file.read_text())}/cmdline").read_text()
    except (OSError, ValueError):
        return False


def _failure() -> str:
    """Return dockerd's own reason for ending, or the last line of its log."""
    lines = LOG.read_text(encoding="utf-8", errors="replace").splitlines() or ["nothing"]
    return next((line for line in reversed(lines) if "failed to start daemon" in line), lines[-1])


def _legacy_iptables() -> str | None:
    """Return a directory whose ``iptables`` is the legacy one, for dockerd's PATH alone: the machine's own choice stays."""
    programs = {name: _which(f"{name}-legacy") for name in ("iptables", "ip6tables")}
    if None in programs.values():
        return None
    directory = Path(mkdtemp(prefix="pod-hook-lab-iptables-"))
    for name, program in programs.items():
        (directory / name).symlink_to(str(program))
    return str(directory)
