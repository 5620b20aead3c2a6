"""``python -m benchmarks``: what the lab takes for pods, beside what the bare Docker API takes for the same.

Turn and turn about in the same run, so that whatever else loads the machine meets both alike; medians, after a press that does
not count. The lab is the one that people use: ``lab serve``, pages, store and streams included, and somebody who watches.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from typing import Any

from benchmarks.bare_docker import bare_engine
from benchmarks.measurements import SECTIONS, measure
from benchmarks.report import goals, tables


def main() -> int:
    """Measure and print; return 1 when a goal was missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument(
        "--rounds", type=int, default=5, help="of one pod at a time; of many a half and a third (default: %(default)s)"
    )
    parser.add_argument("--only", choices=SECTIONS, action="append", help="measure this alone; may be given more than once")
    parser.add_argument("--json", action="store_true", help="print an object instead of the tables")
    arguments = parser.parse_args()
    with bare_engine() as bare:
        machine = {
            "cores": os.cpu_count(),
            "kernel": platform.release(),
            "engine": str(bare.engine.api.version()["Version"]),
            "load_before": [round(load, 1) for load in os.getloadavg()],
        }
        measured: dict[str, list[dict[str, Any]]] = {
            section: measure(section, bare, arguments.rounds) for section in arguments.only or SECTIONS
        }
    reached = goals(measured)
    if arguments.json:
        print(json.dumps({"machine": machine, **measured, "goals": reached}, indent=2))
    else:
        print(tables(machine, measured, reached))
    return 0 if all(goal["met"] for goal in reached) else 1


if __name__ == "__main__":
    sys.exit(main())
