"""``python -m lab.setup.wheel``: build the wheel into ``dist`` and check that what the lab shows is inside: templates, lessons,
front end.

Needs the package index only for the build backend.
"""

from __future__ import annotations

import shutil
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from lab.errors import LabError
from lab.setup.steps import run

_ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Build and check; return the exit code."""
    with TemporaryDirectory(prefix="pod-hook-lab-wheel-") as target:
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", target, str(_ROOT)]
        try:
            run(command, "build the wheel")
            (built,) = Path(target).glob("*.whl")
            missing = sorted(_expected() - set(zipfile.ZipFile(built).namelist()))
        except LabError as error:
            print(error, file=sys.stderr)
            return 1
        if missing:
            lacks = ", ".join(missing)
            print(f"cannot ship the wheel: it lacks {lacks}; see [tool.hatch.build] in pyproject.toml", file=sys.stderr)
            return 1
        wheel = _keep(built)
    size_kb = wheel.stat().st_size / 1000
    print(f"{wheel.relative_to(_ROOT)} has templates, lessons and front end, {size_kb:.0f} kB")
    return 0


def _keep(built: Path) -> Path:
    """Put the wheel into ``dist``, where it is the only one."""
    directory = _ROOT / "dist"
    directory.mkdir(exist_ok=True)
    for earlier in directory.glob("pod_hook_lab-*.whl"):
        earlier.unlink()
    return Path(shutil.copy(built, directory))


def _expected() -> set[str]:
    """Return the paths in the wheel of every file that the checkout has for the lab to show, and of its modules."""
    shown = {"templates": "lab/_share/templates", "content": "lab/_share/content", "static/dist": "lab/_share/static/dist"}
    expected = {path.relative_to(_ROOT).as_posix() for path in (_ROOT / "lab").rglob("*.py")}
    for source, destination in shown.items():
        files = [path for path in (_ROOT / source).rglob("*") if path.is_file() and not path.name.startswith(".")]
        if not files:
            raise LabError(f"cannot check the wheel: {source} holds no file; run `make setup` first")
        expected |= {f"{destination}/{path.relative_to(_ROOT / source).as_posix()}" for path in files}
    return expected


if __name__ == "__main__":
    sys.exit(main())
