"""``lab content``: for authors of lessons. ``check`` reads a content folder and plays every example as its lesson says."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.share import CONTENT

if TYPE_CHECKING:
    from lab.lessons import Catalog, Example

FOUND = 1
MAX_JOBS = 8
JOBS_PER_CORE = 3  # most of playing is waiting

_EPILOG = """\
exit codes:
  0    all is well
  1    something is wrong: each finding is a line FILE:LINE: what and the remedy
  2    the command line or a setting cannot be used
  3    no Docker Engine answers
"""


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("content", help="for authors of lessons: check what they have written")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    check = actions.add_parser(
        "check",
        help="read lessons and play their examples on a real engine",
        description="Read the content folder, play every example as its lesson says, and say with file and line what is wrong.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    check.add_argument("--no-run", action="store_true", help="only read: no engine is needed")
    check.set_defaults(func=_check)
    record = actions.add_parser(
        "record",
        help="play examples and keep their runs beside them",
        description="Play every example as its lesson says and keep its run beside it, for whoever has no engine.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    record.set_defaults(func=_record)
    for action in (check, record):
        action.add_argument("lessons", metavar="LESSON", nargs="*", help="slugs of lessons, or LESSON/EXAMPLE (default: all)")
        action.add_argument("--content", metavar="DIR", type=Path, default=CONTENT, help="another content folder")
        action.add_argument("--jobs", metavar="N", type=_jobs, default=min(MAX_JOBS, JOBS_PER_CORE * (os.cpu_count() or 1)))


def _check(arguments: argparse.Namespace) -> int:
    from lab.lessons import Catalog

    catalog = Catalog.load(arguments.content)
    examples = _chosen(catalog, arguments.lessons)
    if arguments.no_run:
        print(f"{len(catalog.lessons)} lessons and {len(catalog.examples)} examples read: nothing wrong in what is written")
        return 0
    return _play(examples, arguments.jobs, arguments.content, record=False)


def _record(arguments: argparse.Namespace) -> int:
    from lab.lessons import Catalog

    catalog = Catalog.load(arguments.content)
    return _play(_chosen(catalog, arguments.lessons), arguments.jobs, arguments.content, record=True)


def _chosen(catalog: Catalog, wanted: list[str]) -> tuple[Example, ...]:
    from lab.errors import SettingsError

    known = {lesson.slug for lesson in catalog.lessons} | {example.id for example in catalog.examples}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        slugs = ", ".join(lesson.slug for lesson in catalog.lessons)
        raise SettingsError(f"cannot find {', '.join(unknown)} among the lessons; they are {slugs}")
    return tuple(example for example in catalog.examples if not wanted or {example.lesson, example.id} & set(wanted))


def _play(examples: tuple[Example, ...], jobs: int, root: Path, *, record: bool) -> int:
    from lab.authoring.content_check import check_content
    from lab.authoring.recordings import write_recording
    from lab.authoring.rehearsal import open_rehearsal
    from lab.clock import SystemClock
    from lab.config import read_settings

    clock, found = SystemClock(), 0
    with open_rehearsal(read_settings(), clock) as rehearsal:
        versions = rehearsal.versions()
        for checked in check_content(examples, rehearsal.play, clock, jobs=jobs):
            verdict = "ok   " if not checked.findings else "WRONG"
            print(f"{verdict} {checked.example.id}  {checked.seconds:.1f} s", file=sys.stderr, flush=True)
            for finding in checked.findings:
                print(finding, flush=True)
            found += len(checked.findings)
            if record and not checked.findings:
                write_recording(root, checked.example, checked.rehearsed, versions)
    print(f"{len(examples)} examples played, {found} findings")
    return FOUND if found else 0


def _jobs(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= MAX_JOBS:
        return int(text)
    raise argparse.ArgumentTypeError(f"cannot use {text!r}: give a number of examples at a time from 1 to {MAX_JOBS}")
