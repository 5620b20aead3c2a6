"""Debian packages: finds what is missing on this machine and, as root on Debian or Ubuntu, installs just that.

On another system, or without root, nothing is installed; what cannot be done without is named with the command that gives it.
Standard library only.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
import subprocess
import sys

from lab.errors import LabError
from lab.setup.steps import Step, run

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_APT = ["apt-get", "-o", "DPkg::Lock::Timeout=300", "-q"]
_QUIET = {"DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}


def install_packages(step: Step) -> str:
    """Install what the later steps call for; return a progress line."""
    needed = needed_packages(for_tests=step.for_tests)
    if not needed:
        return "nothing missing"
    if not can_install():
        return _without_installing(needed)
    step.say(f"installing {', '.join(needed)} …")
    install(needed)
    return f"installed {', '.join(needed)}"


def needed_packages(*, for_tests: bool) -> list[str]:
    """Return the packages whose programs are not on this machine."""
    needed = []
    if importlib.util.find_spec("ensurepip") is None:
        needed.append(f"python{sys.version_info.major}.{sys.version_info.minor}-venv")
    if shutil.which("mmdebstrap") is None:
        needed.append("mmdebstrap")
    if for_tests and browser() is None:
        needed.append("chromium")
    if for_tests and shutil.which("openssl") is None:
        needed.append("openssl")
    if for_tests and not _has_chinese_font():
        needed.append("fonts-noto-cjk")
    return needed


def browser() -> str | None:
    """Return the path of the machine's Chromium or Chrome, or None."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def distribution() -> str:
    """Return "debian" or "ubuntu" for these and what is made from them, else the system's own name."""
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        return platform.system()
    names = [release.get("ID", ""), *release.get("ID_LIKE", "").split()]
    return next((name for name in names if name in ("ubuntu", "debian")), names[0])


def can_install() -> bool:
    """Return whether this process may install packages here."""
    return os.geteuid() == 0 and distribution() in ("debian", "ubuntu") and shutil.which("apt-get") is not None


def install(packages: list[str]) -> None:
    """Install packages without a question; fetch the package lists first where they are missing or old. Raises LabError."""
    command = [*_APT, "install", "-y", "--no-install-recommends", *packages]
    if (
        _known(packages)
        and subprocess.run(command, env={**os.environ, **_QUIET}, capture_output=True, check=False).returncode == 0
    ):
        return
    run([*_APT, "update"], "fetch the package lists", env=_QUIET)
    run(command, f"install the packages {', '.join(packages)}", env=_QUIET)


def _known(packages: list[str]) -> bool:
    listed = subprocess.run(["apt-cache", "show", "--no-all-versions", *packages], capture_output=True, check=False)
    return listed.returncode == 0


def _without_installing(needed: list[str]) -> str:
    """Return a line on what is missing; raise LabError where the set-up cannot go on without it."""
    why = "not root" if distribution() in ("debian", "ubuntu") else f"this is {distribution()}, not Debian or Ubuntu"
    remedy = (
        f"run `apt-get install {' '.join(needed)}` as root" if why == "not root" else f"install what gives {', '.join(needed)}"
    )
    if needed == ["mmdebstrap"]:
        return f"mmdebstrap is missing and cannot be installed ({why}): images can be pulled or loaded, not built"
    raise LabError(f"cannot install {', '.join(needed)} ({why}): {remedy}")


def _has_chinese_font() -> bool:
    if shutil.which("fc-list") is None:
        return False
    listed = subprocess.run(["fc-list", ":lang=zh", "family"], capture_output=True, check=False)
    return bool(listed.stdout.strip())
