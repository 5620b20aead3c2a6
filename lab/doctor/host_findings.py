"""What the doctor finds about this machine and the lab's own files. Changes nothing but for a moment's trace instance.

The signal witness is opened and closed at once: whether the kernel lets the lab trace cannot be told without trying.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from lab import share
from lab.clock import Clock
from lab.config import Settings
from lab.doctor.engine_findings import free_space
from lab.doctor.finding import Finding, well, wrong
from lab.limits import GIBIBYTE, Limits, half_of_memory
from lab.runtime.hardening import SANDBOX_MEMORY_BYTES
from lab.runtime.ptrace_witness import PtraceWitness
from lab.runtime.signals import ObserverUnavailable, open_observer

_IPTABLES_SECONDS = 15  # it waits for the lock of another iptables


def examine_host(settings: Settings, clock: Clock) -> tuple[Finding, ...]:
    """Return the findings, in the order in which they matter."""
    data = _nearest_directory(settings.data)
    return (
        _firewall(),
        _signals(clock),
        _data_directory(settings.data, data),
        _store(settings.database_url),
        free_space("lab's disk", data, settings.limits),
        _memory(settings.limits),
        _front_end(),
    )


def _firewall() -> Finding:
    remedy = "run the lab as root with iptables installed (`apt-get install iptables`)"
    if (program := shutil.which("iptables", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")) is None:
        return wrong("firewall", "iptables is not installed: pods cannot be kept from this machine's own services", remedy)
    try:
        listed = subprocess.run(
            [program, "--wait", "5", "--list-rules", "INPUT"],
            capture_output=True,
            text=True,
            check=False,
            timeout=_IPTABLES_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return wrong("firewall", f"iptables does not run: {error}", remedy)
    if listed.returncode != 0:
        return wrong("firewall", f"iptables cannot be used: {listed.stderr.strip().splitlines()[0]}", remedy)
    return well("firewall", f"iptables can be used ({program})")


def _signals(clock: Clock) -> Finding:
    observer = open_observer(clock)
    if isinstance(observer, ObserverUnavailable):
        return wrong("signals", observer.why, observer.remedy)
    observer.close()
    if isinstance(observer, PtraceWitness):
        remedy = "run on a kernel with CONFIG_FTRACE and tracefs mounted: mount -t tracefs nodev /sys/kernel/tracing"
        return wrong("signals", "only a tracer can be used: SIGKILL and its sender stay unseen", remedy)
    return well("signals", "the kernel's signal tracepoints can be read")


def _data_directory(wanted: Path, nearest: Path) -> Finding:
    if not os.access(nearest, os.W_OK | os.X_OK):
        return wrong(
            "data directory", f"{nearest} cannot be written", f"make {nearest} writable or set LAB_DATA to another directory"
        )
    return well("data directory", f"{wanted}" if nearest == wanted else f"{wanted} will be created at the first start")


def _store(database_url: str) -> Finding:
    file = Path(database_url.partition(":///")[2])
    if not file.exists():
        return well("store", f"{file} will be created at the first start")
    try:
        database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=5)
        try:
            (tables,) = database.execute("SELECT count(*) FROM sqlite_master WHERE type = 'table'").fetchone()
        finally:
            database.close()
    except sqlite3.Error as error:
        remedy = f"restore {file} from a copy, or move it away to start with an empty one"
        return wrong("store", f"{file} cannot be opened: {error}", remedy)
    return well("store", f"{file} opens, {tables} tables, {file.stat().st_size / 1e6:.1f} MB")


def _memory(limits: Limits) -> Finding:
    """Say how many pods of one container fit, and warn of more than the machine has."""
    whole = 2 * half_of_memory()
    each = limits.container_memory_bytes + SANDBOX_MEMORY_BYTES
    detail = f"{limits.all_memory_bytes / GIBIBYTE:.1f} of {whole / GIBIBYTE:.1f} GiB for all learners"
    if limits.all_memory_bytes > whole:
        remedy = "lower LAB_ALL_MEMORY_BYTES, unless the containers of your lessons use far less than they may"
        return wrong("memory", f"{detail}: when they take it, the kernel kills their processes", remedy)
    return well("memory", f"{detail}: {limits.all_memory_bytes // each} pods of one container at a time, the others wait")


def _front_end() -> Finding:
    try:
        names = json.loads((share.FRONT_END / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        names = {}
    missing = [name for name in ("app.js", "app.css") if name not in names or not (share.FRONT_END / name).exists()]
    if missing:
        return wrong("front end", f"{share.FRONT_END} has no {' and no '.join(missing)}", "run `make setup`")
    return well("front end", f"built in {share.FRONT_END}")


def _nearest_directory(path: Path) -> Path:
    """Return the directory itself or the one in which it would be created."""
    return next(candidate for candidate in (path, *path.absolute().parents) if candidate.is_dir())
