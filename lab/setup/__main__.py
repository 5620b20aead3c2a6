"""``python3 -m lab.setup [--for-tests]``: bring everything the lab needs into place; say in one line a step what was done.

Idempotent, and quick when there is nothing to do. The first steps run with the machine's own Python and its standard library
alone; once the virtual environment stands, the same command goes on inside it. Ends with 1 at the first step that cannot be done.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the machine's own Python may be older; before any import that minds
    sys.exit(
        f"cannot set up the lab with Python {sys.version_info[0]}.{sys.version_info[1]}: it needs 3.11 or newer;"
        " install one and run `make setup PYTHON=python3.12`"
    )

import argparse
import fcntl
import os
from collections.abc import Callable, Mapping
from pathlib import Path

from lab.errors import LabError
from lab.setup import environment, packages
from lab.setup.steps import Step

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the steps; return the exit code."""
    parser = argparse.ArgumentParser(prog="python3 -m lab.setup", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--for-tests", action="store_true", help="also what the test suites need: Chromium and a Chinese font")
    arguments = parser.parse_args()
    step = Step(root=ROOT, for_tests=arguments.for_tests)
    with (ROOT / "pyproject.toml").open() as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)  # two set-ups of one checkout take turns
        if not environment.is_active(ROOT):
            if not _ran(step, {"packages": packages.install_packages, "python": environment.make_environment}):
                return 1
            inside = environment.python(ROOT)
            fcntl.flock(turn, fcntl.LOCK_UN)
            os.execv(inside, [str(inside), "-m", "lab.setup", *sys.argv[1:]])  # noqa: S606 - our own interpreter, fixed arguments
        from lab.setup import engine, front_end  # they need what the environment holds

        steps = {"front end": front_end.build_front_end, "engine": engine.provide_engine, "images": engine.provide_images}
        return 0 if _ran(step, steps) else 1


def _ran(step: Step, actions: Mapping[str, Callable[[Step], str]]) -> bool:
    """Run the actions in order; return whether all could be done."""
    for name, action in actions.items():
        step.begin(name)
        try:
            step.say(action(step))
        except LabError as error:
            print(f"  {name:<10} {error}", file=sys.stderr)
            return False
    return True


if __name__ == "__main__":
    sys.exit(main())
