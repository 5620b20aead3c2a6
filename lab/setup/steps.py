"""What the set-up's steps share: progress lines, child processes, stamps. Standard library only.

A stamp is a file inside what a step made, holding a hash of what it was made from: remove the product and the stamp goes with it.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import LabError

_STAMP = ".setup-stamp"
_LAST_LINES = 12  # of a failed command's output: enough for apt's, pip's and npm's reasons


@dataclass(slots=True, kw_only=True)
class Step:
    """The step that runs: where, for whom, and its progress lines."""

    root: Path
    for_tests: bool
    name: str = field(default="", init=False)

    def begin(self, name: str) -> None:
        """Start the step ``name``: its lines carry the name."""
        self.name = name

    def say(self, message: str) -> None:
        """Print one progress line."""
        print(f"  {self.name:<10} {message}", flush=True)


def run(command: list[str], doing: str, *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end; return its output. Raises LabError "cannot ``doing``" with the last lines it wrote."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise LabError(f"cannot {doing}: {command[0]}: {error.strerror}") from error
    if done.returncode != 0:
        said = "\n".join(f"    {line}" for line in done.stdout.strip().splitlines()[-_LAST_LINES:])
        raise LabError(f"cannot {doing}; `{' '.join(command)}` ended with {done.returncode}:\n{said}")
    return done.stdout


def hash_of(files: Iterable[Path], *words: str) -> str:
    """Return a hash over the files' names and contents and ``words``."""
    digest = hashlib.sha256("\0".join(words).encode())
    for file in sorted(files):
        digest.update(f"\0{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def is_stamped(product: Path, value: str) -> bool:
    """Return whether the directory ``product`` was last made from what ``value`` is the hash of."""
    try:
        return (product / _STAMP).read_text(encoding="ascii").strip() == value
    except OSError:
        return False


def stamp(product: Path, value: str) -> None:
    """Remember in the directory ``product`` what it was made from."""
    (product / _STAMP).write_text(value + "\n", encoding="ascii")
