"""``lab restore``: puts a backup in place, so that the class goes on where it was made."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

_EPILOG = """\
Learners and instructors stay who they are: their cookies hold. Runs that were live are shown as ended by the restart.
What the archive replaces is moved to a directory replaced-… in LAB_DATA. Older stores are upgraded at the next start.

exit codes:
  0    the archive is in place: start the lab
  1    the archive cannot be used; nothing was changed
  2    a lab is running on LAB_DATA, or a setting cannot be used
"""


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "restore",
        help="put a backup in place of what LAB_DATA holds, which is kept beside it",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="an archive that `lab backup` wrote")
    parser.set_defaults(func=_restore)


def _restore(arguments: argparse.Namespace) -> int:
    from lab.clock import SystemClock
    from lab.config import read_settings
    from lab.store.backup import restore

    settings = read_settings()
    done = restore(arguments.file, settings.data_directory, settings.database_url, SystemClock().now())
    if settings.secret_key is not None:
        print("LAB_SECRET_KEY is set: cookies hold only if it is the key that they were signed with", file=sys.stderr)
    if done.replaced is not None:
        print(f"what was there is now in {done.replaced}", file=sys.stderr)
    print(f"restored the lab of {done.backup.made_at} ({done.backup.lab}) to {settings.data}")
    return 0
