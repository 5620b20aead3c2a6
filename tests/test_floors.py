"""The floors of docs/architecture.md, read from the imports of every module: also those inside functions and for types alone."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

LAB = Path(__file__).parents[1] / "lab"
MODULES = sorted(path.relative_to(LAB.parent).as_posix() for path in LAB.rglob("*.py"))

# From the ground up; what stands on one floor may not import each other.
FLOORS = (
    ("errors", "share", "limits", "logs", "metrics", "precedence"),
    ("data_directory",),
    ("clock",),
    ("config",),
    ("pods",),
    ("timeline",),
    ("insight",),
    ("runtime",),
    ("kubelet",),
    ("cluster",),
    ("scenarios", "lessons"),
    ("classroom",),
    ("store",),
    ("condition", "records"),
    ("laboratory", "doctor", "setup"),
    ("authoring",),
    ("web",),
    ("app", "connections"),
    ("export", "rehearsal"),
    ("commands",),
    ("cli",),
)
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}

# Package: where it may be imported, as prefixes of paths.
ONLY_IN = {
    "alembic": ("lab/store/",),
    "argon2": ("lab/classroom/passwords.py",),
    "docker": ("lab/runtime/",),
    "flask": ("lab/web/", "lab/app.py"),
    "gunicorn": ("lab/connections.py", "lab/commands/serve.py"),
    "htmx_flask": ("lab/web/", "lab/app.py"),
    "itsdangerous": ("lab/web/",),
    "markdown": ("lab/lessons/prose.py",),
    "prometheus_client": ("lab/metrics.py",),
    "requests": ("lab/runtime/",),
    "sqlalchemy": ("lab/store/",),
    "urllib3": ("lab/runtime/",),
    "werkzeug": ("lab/web/", "lab/app.py"),
    "segno": ("lab/web/classroom/",),
    "yaml": ("lab/pods/", "lab/scenarios/", "lab/lessons/"),
}
STANDARD_LIBRARY_ONLY = ("lab/errors.py", *(f"lab/setup/{name}.py" for name in ("__main__", "steps", "packages", "environment")))


def imports(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ([f"lab.{alias.name}" for alias in node.names] if node.module == "lab" else [node.module])


def violations(module: str, source: str) -> list[str]:
    """Return what the module at the path ``module`` imports against the rules."""
    own = module.removesuffix(".py").split("/")[1]
    found = []
    for name in imports(source):
        package, _, rest = name.partition(".")
        if package == "lab" and rest:
            other = rest.split(".")[0]
            if other.startswith("_") or other == own or own == "__init__":
                continue
            if other not in FLOOR_OF:
                found.append(f"lab.{other} has no floor: give it one here and in docs/architecture.md")
            elif FLOOR_OF[other] >= FLOOR_OF[own]:
                found.append(f"lab.{own} may not import lab.{other}: imports only go down")
        elif package in ONLY_IN and not module.startswith(ONLY_IN[package]):
            found.append(f"{package} may be imported only in {', '.join(ONLY_IN[package])}")
    return found


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_floors_below_and_packages_that_are_its_to_import(module: str) -> None:
    own = module.removesuffix(".py").split("/")[1]
    assert own in FLOOR_OF or own == "__init__", f"{module} has no floor: give it one here and in docs/architecture.md"
    assert violations(module, (LAB.parent / module).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("lab/pods/model.py", "from lab.timeline.facts import Fact", "imports only go down"),
        ("lab/scenarios/trace.py", "def f():\n    import lab.lessons.lesson", "imports only go down"),
        ("lab/timeline/folds.py", "from lab import web", "imports only go down"),
        ("lab/kubelet/hooks.py", "from docker.errors import APIError", "docker may be imported only in lab/runtime/"),
        ("lab/lessons/catalog.py", "import markdown", "markdown may be imported only in lab/lessons/prose.py"),
        ("lab/cluster/node.py", "import lab.utils", "lab.utils has no floor"),
    ],
)
def test_an_import_against_the_rules_is_found(module: str, source: str, complaint: str) -> None:
    (found,) = violations(module, source)
    assert complaint in found


@pytest.mark.parametrize("module", STANDARD_LIBRARY_ONLY)
def test_what_runs_before_the_environment_stands_imports_the_standard_library_alone(module: str) -> None:
    import sys

    source = (LAB.parent / module).read_text(encoding="utf-8")
    top_level = "\n".join(ast.unparse(node) for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom))
    allowed = {"lab.errors", "lab.setup", "lab.setup.steps", "lab.setup.packages", "lab.setup.environment"}
    foreign = {name for name in imports(top_level) if name.split(".")[0] not in sys.stdlib_module_names}
    assert foreign <= allowed


@pytest.mark.parametrize("module", MODULES)
def test_a_module_is_named_after_a_thing(module: str) -> None:
    assert not {"util", "utils", "helper", "helpers", "manager", "common", "misc"} & set(Path(module).stem.split("_"))
