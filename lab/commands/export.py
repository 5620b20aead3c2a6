"""``lab export``: the course as plain files, for any static host or a disk. It needs no engine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from lab.lessons.fields import LANGUAGES
from lab.share import CONTENT

_EPILOG = """\
exit codes:
  0    the edition is written
  1    it could not be made or written; stderr says why and the remedy
  2    the command line cannot be used
"""


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    about = "write the course as plain files that need no server and no engine"
    parser = subparsers.add_parser(
        "export",
        help=about,
        description=f"{about[0].upper()}{about[1:]}.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "target", metavar="DIR|FILE.zip", type=Path, help="an empty folder, one that holds an earlier edition, or one file"
    )
    parser.add_argument(
        "--lessons", metavar="LESSON,…", type=_names, help="these alone, by number or name, such as 05,stop-signal"
    )
    parser.add_argument("--language", choices=LANGUAGES, help="this one alone")
    parser.add_argument(
        "--base-url", metavar="URL", type=_base_url, help="where it will be found: adds canonical links, a sitemap"
    )
    parser.add_argument("--content", metavar="DIR", type=Path, default=CONTENT, help="lessons of your own (default: the lab's)")
    parser.set_defaults(func=export)


def export(arguments: argparse.Namespace) -> int:
    """Write the edition and print what it weighs. Returns the exit code; raises ContentError."""
    from lab.export.addresses import Addresses
    from lab.export.edition import make_edition, write_edition, write_zip
    from lab.export.reader import Reader
    from lab.export.weight import weights
    from lab.lessons import Catalog

    course = Catalog.load(arguments.content)
    catalog = course.only(arguments.lessons) if arguments.lessons else course
    left_out = {lesson.slug for lesson in course.lessons if catalog.lesson(lesson.slug) is None}
    addresses = Addresses(left_out, (arguments.language,) if arguments.language else LANGUAGES)
    edition = make_edition(catalog, Reader(catalog), addresses, base_url=arguments.base_url)
    write = write_zip if arguments.target.suffix == ".zip" else write_edition
    write(edition, arguments.target)
    recordings = sum("/recordings/" in name for name in edition.files)
    size = sum(map(len, edition.files.values()))
    heaviest, *_ = weights(edition)
    print(f"{arguments.target}: {len(edition.pages)} pages and {recordings} recordings, {size / 1e6:.1f} MB in all")
    print(f"the heaviest page with all that it loads: {heaviest.page}, {heaviest.bytes / 1000:.0f} kB compressed")
    return 0


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.query or parts.fragment:
        raise argparse.ArgumentTypeError(f"cannot use {text!r} as an address: give one such as https://docs.example.org/hooks/")
    return text
