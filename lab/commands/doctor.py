"""``lab doctor``: what the lab needs on this machine, each with ok, or what is wrong and the remedy."""

from __future__ import annotations

import argparse
import json
from typing import Any

SOMETHING_WRONG = 1
NO_ENGINE = 3


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "doctor",
        help="look at engine, images, store, front end and host; say what is wrong and the remedy",
        description="Look at what the lab needs on this machine. Changes nothing.",
        epilog="exit codes: 0 all is well, 1 something is wrong, 3 no Docker Engine answers",
    )
    parser.add_argument("--json", action="store_true", help="print an object: ok, findings (subject, ok, detail, remedy)")
    parser.set_defaults(func=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from lab.clock import SystemClock
    from lab.config import read_settings
    from lab.doctor.engine_findings import examine_engine
    from lab.doctor.host_findings import examine_host

    settings = read_settings()
    on_engine = examine_engine(settings.docker_host, settings.limits)
    findings = (*on_engine, *examine_host(settings, SystemClock()))
    well = all(finding.ok for finding in findings)
    if arguments.json:
        print(json.dumps({"ok": well, "findings": [finding.to_json() for finding in findings]}, indent=2))
    else:
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            print(f"{'ok   ' if finding.ok else 'WRONG'}  {finding.subject:<{width}}  {finding.detail}")
            if finding.remedy:
                print(f"{'':7}{'':{width}}  → {finding.remedy}")
    if not on_engine[0].ok:
        return NO_ENGINE
    return 0 if well else SOMETHING_WRONG
