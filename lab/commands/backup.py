"""``lab backup``: one file with everything that a class goes on with, also while the lab is running."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

_EPILOG = """\
The file holds the store (learners, classes, runs and their timelines, progress) and the key that signs cookies: whoever
has it can be anybody in this lab. It is made for its owner alone. `lab restore` puts it in place.

exit codes:
  0    the file is whole and on the disk
  1    it could not be written, or there is no store
  2    the command line or a setting cannot be used
"""


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "backup",
        help="copy the store and the cookies' key into one file, also while the lab is running",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="the archive to write, a tar; it must not be there yet")
    parser.add_argument("--json", action="store_true", help="print the archive's manifest")
    parser.set_defaults(func=_backup)


def _backup(arguments: argparse.Namespace) -> int:
    from lab.clock import SystemClock
    from lab.config import read_settings
    from lab.store.backup import SECRET_KEY, write_backup

    settings = read_settings()
    backup = write_backup(arguments.file, settings.data_directory, settings.database_url, SystemClock().now())
    if settings.secret_key is not None:
        print("LAB_SECRET_KEY is not in the file: set the same one where it is restored, or cookies end", file=sys.stderr)
    elif SECRET_KEY not in backup.files:
        print("there is no key of cookies yet: the lab has never served a page", file=sys.stderr)
    size = f"{arguments.file.stat().st_size / 1e6:.1f} MB"
    print(json.dumps(asdict(backup), indent=2) if arguments.json else f"{arguments.file}: {size}, schema {backup.schema}")
    return 0
