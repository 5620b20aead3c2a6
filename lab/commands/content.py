"""``lab content``: for authors of lessons. ``new`` writes skeletons, ``check`` reads a content folder and plays every example as
its lesson says, ``record`` keeps those runs, ``translated`` notes that a translation has been compared."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.share import CONTENT

if TYPE_CHECKING:
    from lab.authoring.content_check import Checked
    from lab.lessons import Catalog, Example, Lesson
    from lab.timeline.bundle import Versions

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
    parser = subparsers.add_parser("content", help="for authors of lessons: begin, check, record what they write")
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True)
    new = _action(actions, "new", _new, "write the skeleton of a lesson, an example or a challenge")
    new.add_argument("name", metavar="LESSON|LESSON/EXAMPLE", help="the slug of a new lesson, or a new example of a lesson")
    new.add_argument("--challenge", action="store_true", help="make the example a challenge")
    check = _action(actions, "check", _check, "read lessons and play their examples on a real engine; say what is wrong")
    check.add_argument("--no-run", action="store_true", help="only read: no engine is needed, and no recording need be there")
    record = _action(actions, "record", _record, "play examples and keep their runs beside them, for whoever has no engine")
    translated = _action(actions, "translated", _translated, "note that the translations of lessons fit their present text")
    for action in (check, record, translated):
        action.add_argument("lessons", metavar="LESSON", nargs="*", help="slugs of lessons, or LESSON/EXAMPLE (default: all)")
    for action in (check, record):
        action.add_argument("--jobs", metavar="N", type=_jobs, default=min(MAX_JOBS, JOBS_PER_CORE * (os.cpu_count() or 1)))


def _action(actions: Any, name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
    action: argparse.ArgumentParser = actions.add_parser(
        name,
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    action.add_argument("--content", metavar="DIR", type=Path, default=CONTENT, help="another content folder")
    action.set_defaults(func=run)
    return action


def _new(arguments: argparse.Namespace) -> int:
    from lab.authoring.skeletons import new_example, new_lesson
    from lab.authoring.translations import stale_names, write_translation
    from lab.errors import SettingsError
    from lab.lessons import Catalog

    slug, _, name = arguments.name.partition("/")
    if arguments.challenge and not name:
        raise SettingsError("cannot make a lesson a challenge; give LESSON/EXAMPLE")
    stale: frozenset[str] = frozenset()
    if name:
        catalog = Catalog.load(arguments.content)
        lesson = catalog.lesson(slug)
        if lesson is None:
            raise SettingsError(f"cannot find the lesson {slug}; make it first with `lab content new {slug}`")
        stale = stale_names(catalog.root, lesson)
        files = new_example(catalog, lesson, name, challenge=arguments.challenge)
    else:
        files = new_lesson(arguments.content, slug)
    written = Catalog.load(arguments.content).lesson(slug)
    assert written is not None  # noqa: S101 - it has just been written
    for file in (*files, write_translation(arguments.content, written, still_stale=stale)):
        print(file)
    return 0


def _translated(arguments: argparse.Namespace) -> int:
    from lab.authoring.translations import write_translation
    from lab.lessons import Catalog

    catalog = Catalog.load(arguments.content)
    for lesson in _lessons(catalog, arguments.lessons):
        print(write_translation(catalog.root, lesson))
    return 0


def _check(arguments: argparse.Namespace) -> int:
    from lab.authoring.desk_check import check_desk
    from lab.lessons import Catalog

    catalog = Catalog.load(arguments.content)
    lessons, found = _lessons(catalog, arguments.lessons), 0
    for finding in check_desk(catalog, lessons, recordings=not arguments.no_run):
        print(finding, flush=True)
        found += 1
    if arguments.no_run:
        examples = sum(len(lesson.examples) for lesson in lessons)
        print(f"{len(lessons)} lessons and {examples} examples read, {found} findings")
        return FOUND if found else 0
    return _play(catalog, _examples(catalog, arguments.lessons), arguments.jobs, _compare, found)


def _record(arguments: argparse.Namespace) -> int:
    from lab.lessons import Catalog

    catalog = Catalog.load(arguments.content)
    return _play(catalog, _examples(catalog, arguments.lessons), arguments.jobs, _keep, 0)


def _lessons(catalog: Catalog, wanted: list[str]) -> tuple[Lesson, ...]:
    slugs = {example.lesson for example in _examples(catalog, wanted)} | set(wanted)
    return tuple(lesson for lesson in catalog.lessons if not wanted or lesson.slug in slugs)


def _examples(catalog: Catalog, wanted: list[str]) -> tuple[Example, ...]:
    from lab.errors import SettingsError

    known = {lesson.slug for lesson in catalog.lessons} | {example.id for example in catalog.examples}
    unknown = [name for name in wanted if name not in known]
    if unknown:
        slugs = ", ".join(lesson.slug for lesson in catalog.lessons)
        raise SettingsError(f"cannot find {', '.join(unknown)} among the lessons; they are {slugs}")
    return tuple(example for example in catalog.examples if not wanted or {example.lesson, example.id} & set(wanted))


def _play(catalog: Catalog, examples: tuple[Example, ...], jobs: int, then: Then, found: int) -> int:
    from lab.authoring.content_check import check_content
    from lab.authoring.rehearsal import open_rehearsal
    from lab.clock import SystemClock
    from lab.config import read_settings

    clock = SystemClock()
    with open_rehearsal(read_settings(), clock) as rehearsal:
        versions = rehearsal.versions()
        for checked in check_content(examples, rehearsal.play, clock, jobs=jobs):
            findings = [str(finding) for finding in checked.findings] or then(catalog.root, checked, versions)
            verdict = "ok   " if not findings else "WRONG"
            print(f"{verdict} {checked.example.id}  {checked.seconds:.1f} s", file=sys.stderr, flush=True)
            for finding in findings:
                print(finding, flush=True)
            found += len(findings)
    print(f"{len(examples)} examples played, {found} findings")
    return FOUND if found else 0


Then = Callable[[Path, "Checked", "Versions"], list[str]]


def _keep(root: Path, checked: Checked, versions: Versions) -> list[str]:
    """Keep the run as the example's recording, and beside a challenge that of its solution."""
    from lab.authoring.recordings import write_recording
    from lab.lessons.recordings import SOLVED_FILE_NAME

    example = checked.example
    write_recording(root, example, checked.rehearsed, versions)
    if checked.solved is not None and example.challenge is not None:
        write_recording(root, example.solved(example.challenge), checked.solved, versions, file=SOLVED_FILE_NAME)
    return []


def _compare(root: Path, checked: Checked, versions: Versions) -> list[str]:
    """Say in what the run differs from the example's recording."""
    from lab.authoring.recordings import outdated
    from lab.lessons.recordings import FILE_NAME, read_recording

    if read_recording(root, checked.example) is None:
        return []  # told already
    path = f"{checked.example.folder}/{FILE_NAME}"
    remedy = f"run `lab content record {checked.example.id}`"
    return [f"{path}:1: {difference}; {remedy}" for difference in outdated(root, checked.example, checked.rehearsed)]


def _jobs(text: str) -> int:
    if text.isdigit() and 1 <= int(text) <= MAX_JOBS:
        return int(text)
    raise argparse.ArgumentTypeError(f"cannot use {text!r}: give a number of examples at a time from 1 to {MAX_JOBS}")
