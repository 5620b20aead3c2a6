"""``lab classroom``: what an instructor does on the server before the class."""

from __future__ import annotations

import argparse
import getpass
import secrets
import sys
from pathlib import Path
from typing import Any

from lab.errors import SettingsError

_EPILOG = """\
Makes an instructor's account, or gives one a new password, which signs out every browser that had the old one. It may be run
while the lab serves. The password is asked for twice; --password-file reads it from a file's first line (- is stdin).

exit codes:
  0    the instructor can sign in
  1    the store cannot be used
  2    the name, the password or a setting cannot be used
"""


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("classroom", help="prepare a class: accounts, rehearsal")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    init = commands.add_parser(
        "init", help="make an instructor's account", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    init.add_argument("--name", default="instructor", help="what they sign in as (default: instructor)")
    init.add_argument("--password-file", metavar="FILE", help="read the password from there; - is stdin")
    init.set_defaults(func=make_instructor)


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
