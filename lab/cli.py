"""The command ``lab``: finds the subcommands in `lab.commands`, parses, runs one, and turns errors into exit codes.

Answers go to stdout; errors and progress go to stderr.
"""

from __future__ import annotations

import argparse
import importlib
import os
import pkgutil
import sys
from collections.abc import Sequence

import lab
import lab.commands
from lab.errors import EngineUnavailable, LabError, ScenarioError, SettingsError

FAILED = 1
MISUSED = 2  # also argparse's own
NO_ENGINE = 3
INTERRUPTED = 130  # 128 + SIGINT, as shells say it

_EXIT_CODES = """\
exit codes:
  0    done, and all is well
  1    the lab could not do it, or something is wrong; stderr says what and the remedy
  2    the command line, a setting or a scenario cannot be used
  3    no Docker Engine answers
  130  interrupted
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line ``argv`` (default: the process's); return the exit code."""
    arguments = make_parser().parse_args(argv)
    try:
        return int(arguments.func(arguments))
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return _exit_code(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output went away, as `lab … | head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def make_parser() -> argparse.ArgumentParser:
    """Return the parser with every subcommand of `lab.commands`."""
    parser = argparse.ArgumentParser(
        prog="lab",
        description="See, step through and prove what a Pod's lifecycle hooks and signals do, on a real Docker Engine.",
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lab {lab.__version__}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    for module in sorted(pkgutil.iter_modules(lab.commands.__path__), key=lambda module: module.name):
        importlib.import_module(f"lab.commands.{module.name}").register(subparsers)
    return parser


def _exit_code(error: LabError) -> int:
    if isinstance(error, EngineUnavailable):
        return NO_ENGINE
    return MISUSED if isinstance(error, ScenarioError | SettingsError) else FAILED


if __name__ == "__main__":
    sys.exit(main())
