"""``lab sweep``: removes what a lab left on the engine and on this machine.

A lab clears up after itself when it stops, and after the one before it when it starts; this is for a machine on which none will
start again. What belongs to a lab is known by its labels and its data directory. What learners saw, the store, is never touched.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.errors import SettingsError

if TYPE_CHECKING:
    from lab.data_directory import DataDirectory
    from lab.runtime.docker_runtime import DockerRuntime

_EPILOG = """\
Removes the containers, networks and node directories of the lab of LAB_DATA, and of each `lab run` that was killed.
Refuses while that lab is running.

exit codes:
  0    nothing of it is left, or ever was there
  2    the lab is running, or a setting cannot be used
  3    no Docker Engine answers; node directories were removed all the same
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How much was there."""

    containers: int = 0
    networks: int = 0
    nodes: int = 0

    def __str__(self) -> str:
        """Return it as a sentence without a full stop."""
        counts = ((self.containers, "container"), (self.networks, "network"), (self.nodes, "node directory"))
        words = [f"{count} {name if count == 1 else _plural(name)}" for count, name in counts if count]
        return f"removed {', '.join(words)}" if words else "nothing to remove"


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "sweep",
        help="remove containers, networks and node directories that a lab left",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--all", action="store_true", help="of every lab on this engine, also of those that are running")
    parser.add_argument("--force", action="store_true", help="also while the lab of LAB_DATA is running: its runs break")
    parser.add_argument("--json", action="store_true", help="print an object: containers, networks, nodes")
    parser.set_defaults(func=_sweep)


def _sweep(arguments: argparse.Namespace) -> int:
    from lab.clock import SystemClock
    from lab.config import read_settings
    from lab.runtime.docker_runtime import DockerRuntime, RuntimeSettings
    from lab.runtime.engine import engine_address
    from lab.runtime.engine_client import EngineClient

    settings = read_settings()
    with ExitStack() as held:
        directories = [directory for directory in (settings.data_directory,) if directory.was_used]
        if not arguments.force:
            for directory in directories:
                _lock(directory, held)
        killed = tuple(_left_by_killed_runs(held))
        identity = RuntimeSettings(instance="sweep", pod_cidr=str(settings.pod_cidr))
        runtime = DockerRuntime(EngineClient(engine_address(settings.docker_host)), identity, SystemClock())
        held.callback(runtime.close)
        removed = _remove((*directories, *killed), runtime, everything=arguments.all)
        for directory in killed:
            shutil.rmtree(directory.path)
    print(json.dumps(asdict(removed)) if arguments.json else removed)
    return 0


def _lock(directory: DataDirectory, held: ExitStack) -> None:
    try:
        held.enter_context(directory.lock())
    except SettingsError as error:
        raise SettingsError(f"{error}, or add --force") from error


def _left_by_killed_runs(held: ExitStack) -> Iterator[DataDirectory]:
    """Yield the data directories of runs that have not removed them and do not live any more, locked."""
    from lab.data_directory import DataDirectory
    from lab.laboratory import PASSING_DATA_PREFIX

    for path in sorted(Path(tempfile.gettempdir()).glob(f"{PASSING_DATA_PREFIX}*")):
        directory = DataDirectory(path)
        try:
            if directory.was_used:
                held.enter_context(directory.lock())
                yield directory
        except SettingsError:
            continue  # it runs, or is somebody else's


def _remove(directories: tuple[DataDirectory, ...], runtime: DockerRuntime, *, everything: bool) -> Removed:
    """Remove what the labs of these directories left, containers before the mounts that they use."""
    from lab.runtime.node_files import NodeFiles

    containers = networks = nodes = 0
    try:
        for instance in [None] if everything else [directory.instance_id for directory in directories]:
            swept = runtime.sweep(instance)
            containers, networks = containers + swept.containers, networks + swept.networks
    finally:
        nodes = sum(NodeFiles(directory.path / "nodes").sweep() for directory in directories)
    return Removed(containers=containers, networks=networks, nodes=nodes)


def _plural(name: str) -> str:
    return f"{name[:-1]}ies" if name.endswith("y") else f"{name}s"
