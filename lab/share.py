"""Where the lab's templates, lessons and built front end are: beside `lab` in a checkout, inside it when installed from a wheel.

May not import anything of the lab. Source of the layout: ``tool.hatch.build.targets.wheel.sources`` in pyproject.toml.
"""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_INSTALLED = _PACKAGE / "_share"
_ROOT = _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent

TEMPLATES = _ROOT / "templates"
CONTENT = _ROOT / "content"
FRONT_END = _ROOT / "static" / "dist"  # app.js, app.css and what they load; built by `make setup`
RECORDINGS = _ROOT / "tests" / "conformance" / "golden"  # of a real node; only a checkout has them
