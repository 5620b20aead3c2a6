"""``lab images``: build, pull, list, save and load the images that the lab's pods run."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any


def register(subparsers: Any) -> None:
    """Add the subcommand and its own subcommands."""
    parser = subparsers.add_parser("images", help="build, pull, list, save and load the images that the lab's pods run")
    actions = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    ensure = actions.add_parser("ensure", help="build what is missing or outdated; an image of yours is never touched")
    ensure.add_argument("--pull", action="store_true", help="take the official nginx and busybox from the registry, by digest")
    ensure.set_defaults(func=_ensure)
    listing = actions.add_parser("list", help="list the images and where they come from")
    listing.add_argument("--json", action="store_true", help="print an array of objects")
    listing.set_defaults(func=_list)
    save = actions.add_parser("save", help="write the images to FILE, for a machine without network")
    save.add_argument("file", metavar="FILE", type=Path)
    save.set_defaults(func=_save)
    load = actions.add_parser("load", help="load the images from FILE")
    load.add_argument("file", metavar="FILE", type=Path)
    load.set_defaults(func=_load)


def _ensure(arguments: argparse.Namespace) -> int:
    from lab.config import read_settings
    from lab.runtime.engine import connection
    from lab.runtime.images import ensure_images

    with connection(read_settings().docker_host) as client:
        ensure_images(client, lambda message: print(message, file=sys.stderr, flush=True), pull=arguments.pull)
    return 0


def _list(arguments: argparse.Namespace) -> int:
    from lab.config import read_settings
    from lab.runtime.engine import connection
    from lab.runtime.images import list_images

    with connection(read_settings().docker_host) as client:
        images = list_images(client)
    if arguments.json:
        print(json.dumps([asdict(image) for image in images], indent=2))
    else:
        for image in images:
            print(f"{image.name:<20} {image.state:<9} {image.size_bytes / 1e6:>7.1f} MB  {image.id[:19]}")
    return 0 if all(image.usable for image in images) else 1


def _save(arguments: argparse.Namespace) -> int:
    from lab.config import read_settings
    from lab.runtime.engine import connection
    from lab.runtime.images import save_images

    with connection(read_settings().docker_host) as client:
        size_bytes = save_images(client, arguments.file)
    print(f"{arguments.file}: {size_bytes / 1e6:.1f} MB")
    return 0


def _load(arguments: argparse.Namespace) -> int:
    from lab.config import read_settings
    from lab.runtime.engine import connection
    from lab.runtime.images import load_images

    with connection(read_settings().docker_host) as client:
        print("\n".join(load_images(client, arguments.file)))
    return 0
