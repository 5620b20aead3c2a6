"""``python -m tests.leftovers --remember | --compare``: what of the lab is on this machine, before the suites and after them.

Containers and networks are known by the lab's labels, processes by the mark that `make` gives to the suites' environment. Exits
with 1 when the suites left one behind. A lab that somebody else has started meanwhile, and what it runs, is not theirs.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import suppress
from pathlib import Path

from lab.runtime.engine import connection

LABELS = ("pod-hook-lab.instance", "pod-hook-lab.test")
MARK = b"POD_HOOK_LAB_SUITES="  # in the environment of the suites and of all they start
MEMORY = Path(sys.prefix) / "before-tests.json"  # of this checkout, in nobody else's reach


def present() -> dict[str, str]:
    """Return what is there: what it is, by a key that no other thing ever gets."""
    found = {}
    others = _instances_of_others()
    with connection() as client:
        for label in LABELS:
            for container in client.containers.list(all=True, filters={"label": label}, ignore_removed=True):
                if container.labels[label] not in others:
                    found[str(container.id)] = f"container {container.name} of {container.labels[label]}"
            for network in client.networks.list(filters={"label": label}):
                if network.attrs["Labels"][label] not in others:
                    found[str(network.id)] = f"network {network.name} of {network.attrs['Labels'][label]}"
    for process in Path("/proc").glob("[0-9]*"):
        if _is_marked(process) and (command := _command(process)):
            found[f"{process.name} {_started(process)}"] = f"process {process.name}: {command[:120]}"
    return found


def _instances_of_others() -> set[str]:
    """Return the labs that run now and that no suite has started: each holds the lock of its data directory."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if not _is_marked(process):
                opened = [file.readlink() for file in (process / "fd").iterdir()]
                places = [path.with_name("instance-id") for path in opened if path.name == "lock"]
                found |= {place.read_text().strip() for place in places if place.is_file()}
    return found


def _is_marked(process: Path) -> bool:
    try:
        return any(line.startswith(MARK) for line in (process / "environ").read_bytes().split(b"\0"))
    except OSError:
        return False


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return ""


def _started(process: Path) -> str:
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def main() -> int:
    """Remember or compare; return the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--remember", action="store_true")
    action.add_argument("--compare", action="store_true")
    if parser.parse_args().remember:
        MEMORY.write_text(json.dumps(present()))
        return 0
    before = json.loads(MEMORY.read_text())
    left = [what for key, what in present().items() if key not in before]
    for what in left:
        print(f"left behind by the tests: {what}", file=sys.stderr)
    if not left:
        print("the tests left no container, network or process behind")
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
