"""The virtual environment ``.venv`` with the lab and its tools,. Standard library only.

pip is run with the machine's own configuration: no index is named here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from lab.errors import LabError
from lab.setup.steps import Step, hash_of, is_stamped, run, stamp


def directory(root: Path) -> Path:
    """Return where the environment is."""
    return root / ".venv"


def python(root: Path) -> Path:
    """Return the environment's interpreter."""
    return directory(root) / "bin" / "python"


def is_active(root: Path) -> bool:
    """Return whether this process runs inside the environment."""
    return Path(sys.prefix).resolve() == directory(root).resolve()


def make_environment(step: Step) -> str:
    """Create the environment and install the lab in it, where that is not done yet; return a progress line. Raises LabError."""
    target = directory(step.root)
    value = hash_of([step.root / "pyproject.toml"], str(target))
    if is_stamped(target, value) and _answers(python(step.root)):
        return f"{target.name} is up to date"
    if not _answers(python(step.root)):
        step.say(f"creating {target.name} …")
        shutil.rmtree(target, ignore_errors=True)
        run([sys.executable, "-m", "venv", str(target)], f"create the virtual environment {target}")
    step.say("installing the lab and its tools with pip …")
    try:
        install(step.root, "--editable", f"{step.root}[dev]")
    except LabError as error:
        raise LabError(
            f"{error}\n    check that `{python(step.root)} -m pip download hatchling` reaches a package index"
        ) from error
    stamp(target, value)
    return f"{target.name} has the lab and its tools"


def install(root: Path, *requirements: str) -> None:
    """Install Python packages into the environment. Raises LabError."""
    command = [str(python(root)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    run(command, "install Python packages")


def _answers(interpreter: Path) -> bool:
    """Return whether the interpreter is there and works; a moved checkout or an upgraded Python breaks it."""
    if not interpreter.exists():
        return False
    return subprocess.run([str(interpreter), "-c", "import pip"], capture_output=True, check=False).returncode == 0
