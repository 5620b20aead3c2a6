"""``lab classroom``: what an instructor does on the server: before the class, and after it."""

from __future__ import annotations

import argparse
import getpass
import json
import secrets
import signal
import sys
from pathlib import Path
from typing import Any

from lab.errors import LabError, SettingsError
from lab.share import CONTENT

_EPILOG = """\
Makes an instructor's account, or gives one a new password, which signs out every browser that had the old one. It may be run
while the lab serves. The password is asked for twice; --password-file reads it from a file's first line (- is stdin).

exit codes:
  0    the instructor can sign in
  1    the store cannot be used
  2    the name, the password or a setting cannot be used
"""

_EXPORT_EPILOG = """\
Writes progress.csv, progress.json, runs.csv and runs.json, the same that the class's page offers. It may be run while the lab
serves. docs/classroom.md says what is in them.

exit codes:
  0    the files are written
  1    the store cannot be read, or a file not be written
  2    there is no such class, or more than one of that name
"""

_REHEARSE_EPILOG = """\
Serves a classroom with data that pass, on loopback, with the settings of this shell (LAB_…). So many learners join by code,
ten a second, open the lesson, all press Run at the same moment, read on meanwhile, and delete. The answer is GO or NO-GO,
with the limit that bites first and its remedy. It takes about half a minute and one for each hundred learners; nothing is left.
Do it on the quiet machine; a lab that serves already may go on, and counts.

exit codes:
  0    go
  1    no-go, or it could not be played
  2    the command line or a setting cannot be used
  3    no Docker Engine answers
"""

MOST_REHEARSED = 400  # one lab has streams for 448
NO_GO = 1


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("classroom", help="prepare a class: accounts, rehearsal; export it")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    init = commands.add_parser(
        "init", help="make an instructor's account", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    init.add_argument("--name", default="instructor", help="what they sign in as (default: instructor)")
    init.add_argument("--password-file", metavar="FILE", help="read the password from there; - is stdin")
    init.set_defaults(func=make_instructor)
    export = commands.add_parser(
        "export",
        help="write a class's progress and runs as CSV and JSON",
        epilog=_EXPORT_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument("classroom", metavar="CLASS", help="its id, as in the address of its page, or its name")
    export.add_argument("directory", metavar="DIR", type=Path, help="where the files go; files of these names are replaced")
    export.add_argument("--language", choices=("en", "zh"), default="en", help="of the titles (default: en)")
    export.add_argument("--content", metavar="DIR", type=Path, default=CONTENT, help="lessons of your own (default: the lab's)")
    export.set_defaults(func=export_class)
    rehearse = commands.add_parser(
        "rehearse",
        help="play a class on this host and say whether it holds",
        epilog=_REHEARSE_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    rehearse.add_argument("--learners", type=_learners, required=True, metavar="N", help="how many come, 1 to 400")
    rehearse.add_argument("--example", default="post-start/post-start-message", help="what they run (default: %(default)s)")
    rehearse.add_argument("--json", action="store_true", help="print everything as JSON")
    rehearse.set_defaults(func=rehearse_class)


def make_instructor(args: argparse.Namespace) -> int:
    """Make or change an account. Raises SettingsError, ClassroomError, StoreError."""
    from lab.classroom.model import Instructor, clean_name
    from lab.classroom.passwords import hash_password
    from lab.clock import SystemClock
    from lab.config import read_settings
    from lab.errors import ClassroomError
    from lab.store.store import Store

    settings = read_settings()
    try:
        name = clean_name(args.name)
        password_hash = hash_password(_password(args.password_file))
    except ClassroomError as error:
        raise SettingsError(f"cannot make the account: {error}") from error
    settings.data_directory.create()
    with Store.open(settings.database_url, SystemClock()) as store:
        known = store.classes.instructor(name)
        cluster = known.cluster if known else f"c{secrets.token_hex(8)}"
        store.classes.keep_instructor(Instructor(name=name, password_hash=password_hash, cluster=cluster))
    print(f"{name} {'has a new password' if known else 'can sign in'}: `lab serve --classroom`, then /sign-in")
    return 0


def export_class(args: argparse.Namespace) -> int:
    """Write a class's files. Raises SettingsError, StoreError, ContentError."""
    from lab.clock import SystemClock
    from lab.config import read_settings
    from lab.lessons import Catalog
    from lab.records.files import FILES, written
    from lab.records.rows import Report
    from lab.records.stored import Stored
    from lab.store.store import Store

    settings, clock = read_settings(), SystemClock()
    catalog = Catalog.load(args.content)
    with Store.open(settings.database_url, clock) as store:
        known = store.classes.classes()
        found = [one for one in known if args.classroom in (one.id, one.name)]
        if len(found) != 1:
            listed = [f"{one.id} is {one.name!r} of {one.opened_at:%Y-%m-%d}" for one in found or known]
            raise SettingsError(
                f"cannot export class {args.classroom!r}: give the id of one; {'; '.join(listed) or 'there are none'}"
            )
        report = Report(
            classroom=found[0],
            learners=tuple(learner for learner in store.classes.learners() if learner.class_id == found[0].id),
            catalog=catalog,
            language=args.language,
            address=settings.public_url or f"http://{settings.host}:{settings.port}",
        )
        try:
            args.directory.mkdir(parents=True, exist_ok=True)
            for subject, form in FILES:
                with (args.directory / f"{subject}.{form}").open("wb") as file:
                    file.writelines(written(subject, form, report, Stored(store), clock.now()))
        except OSError as error:
            raise LabError(f"cannot write the files: {error}; choose another directory") from error
    print(f"{args.directory}: {', '.join(f'{subject}.{form}' for subject, form in FILES)}")
    return 0


def rehearse_class(args: argparse.Namespace) -> int:
    """Play a class. Raises SettingsError, EngineUnavailable, RehearsalError."""
    from lab.clock import SystemClock
    from lab.config import read_settings
    from lab.doctor.engine_findings import examine_engine
    from lab.errors import EngineUnavailable
    from lab.lessons import Catalog
    from lab.rehearsal.host import at_once
    from lab.rehearsal.play import Plan
    from lab.rehearsal.rehearse import rehearse
    from lab.rehearsal.verdict import verdict

    settings = read_settings()
    example = Catalog.load(CONTENT).example(args.example)
    if example is None:
        raise SettingsError(f"cannot rehearse with {args.example!r}: there is no such example; `/examples.json` has them all")
    if not at_once(settings, example.manifest):
        raise SettingsError(f"cannot rehearse with {args.example}: it has no pod that the lab's limits let run; choose another")
    reached, *_ = examine_engine(settings.docker_host, settings.limits)
    if not reached.ok:
        raise EngineUnavailable(f"cannot rehearse: {reached.detail}; {reached.remedy}")
    pressing = min(args.learners, at_once(settings, example.manifest))  # the others would wait for these to delete
    plan = Plan(learners=args.learners, pressing=pressing, example=example.id, manifest=example.manifest)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: the lab that is served is stopped in order
    rehearsed = rehearse(settings, SystemClock(), plan, lambda text: print(text, file=sys.stderr, flush=True))
    print(json.dumps(rehearsed.to_json(), indent=2) if args.json else verdict(rehearsed))
    return 0 if rehearsed.is_go else NO_GO


def _learners(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST_REHEARSED:
        raise argparse.ArgumentTypeError(f"cannot rehearse with {text!r} learners: give a number from 1 to {MOST_REHEARSED}")
    return int(text)


def _password(file: str | None) -> str:
    if file == "-":
        return sys.stdin.readline().rstrip("\r\n")
    if file is not None:
        try:
            return Path(file).read_text("utf-8").split("\n", 1)[0].rstrip("\r")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"cannot read the password from {file}: {error}") from error
    try:
        password = getpass.getpass("Password (at least 10 characters): ")
        again = getpass.getpass("The same again: ")
    except EOFError as error:
        raise SettingsError("cannot ask for a password: there is no terminal; give --password-file") from error
    if password != again:
        raise SettingsError("cannot make the account: the two passwords differ; try again")
    return password
