"""``python -m tests.leftovers --remember | --compare``: what of the lab is on this machine, before the suites and after them.

Containers and networks are known by the lab's labels, processes by running this checkout's Python. Exits with 1 when the suites
left one behind; a ``dockerd`` that set-up started is not theirs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

from lab.runtime.engine import connection

LABELS = ("pod-hook-lab.instance", "pod-hook-lab.test")
MEMORY = Path(tempfile.gettempdir()) / f"pod-hook-lab-before-tests-{os.getuid()}.json"


def present() -> dict[str, str]:
    """Return what is there: what it is, by a key that no other thing ever gets."""
    found = {}
    with connection() as client:
        for label in LABELS:
            for container in client.containers.list(all=True, filters={"label": label}, ignore_removed=True):
                found[str(container.id)] = f"container {container.name} of {container.labels[label]}"
            for network in client.networks.list(filters={"label": label}):
                found[str(network.id)] = f"network {network.name} of {network.attrs['Labels'][label]}"
    for process in Path("/proc").glob("[0-9]*"):
        if process.name != str(os.getpid()) and (command := _our_command(process)):
            found[f"{process.name} {_started(process)}"] = f"process {process.name}: {command[:120]}"
    return found


def _our_command(process: Path) -> str | None:
    try:
        words = (process / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return None
    ours = words[0].startswith(os.fsencode(Path(sys.prefix) / "bin"))
    return b" ".join(words).decode(errors="replace") if ours else None


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
