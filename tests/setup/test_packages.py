from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.setup import packages
from lab.setup.steps import Step


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Say which programs the machine has, who we are, and which system it is."""

    def be(*programs: str, root: bool = True, system: str = "debian", fonts: bool = True, ensurepip: bool = True) -> None:
        monkeypatch.setattr(shutil, "which", lambda program, path=None: f"/usr/bin/{program}" if program in programs else None)
        monkeypatch.setattr("os.geteuid", lambda: 0 if root else 1000)
        monkeypatch.setattr(packages, "distribution", lambda: system)
        monkeypatch.setattr(packages, "_has_chinese_font", lambda: fonts)
        monkeypatch.setattr("importlib.util.find_spec", lambda name: object() if ensurepip else None)

    return be


def step(*, for_tests: bool = False) -> Step:
    return Step(root=Path("/nonexistent"), for_tests=for_tests)


def test_only_what_is_missing_is_needed(machine: Callable[..., None]) -> None:
    machine("mmdebstrap", "chromium", "openssl")
    assert packages.needed_packages(for_tests=True) == []
    machine("mmdebstrap", ensurepip=False)
    (venv,) = packages.needed_packages(for_tests=False)
    assert venv.startswith("python3.")
    assert venv.endswith("-venv")


def test_a_browser_certificates_and_a_chinese_font_are_needed_for_tests_alone(machine: Callable[..., None]) -> None:
    machine("mmdebstrap", fonts=False)
    assert packages.needed_packages(for_tests=False) == []
    assert packages.needed_packages(for_tests=True) == ["chromium", "openssl", "fonts-noto-cjk"]


def test_a_chrome_will_do_for_chromium(machine: Callable[..., None]) -> None:
    machine("mmdebstrap", "google-chrome", "openssl")
    assert packages.browser() == "/usr/bin/google-chrome"
    assert packages.needed_packages(for_tests=True) == []


def test_without_root_the_command_to_run_is_told(machine: Callable[..., None]) -> None:
    machine("apt-get", root=False)
    with pytest.raises(
        LabError,
        match=r"cannot install mmdebstrap, chromium, openssl \(not root\): run `apt-get install mmdebstrap chromium openssl`",
    ):
        packages.install_packages(step(for_tests=True))


def test_on_another_system_nothing_is_installed_and_the_system_is_named(machine: Callable[..., None]) -> None:
    machine(system="fedora", ensurepip=False)
    with pytest.raises(LabError, match=r"this is fedora, not Debian or Ubuntu"):
        packages.install_packages(step())


def test_the_lab_goes_on_without_mmdebstrap_since_images_can_be_pulled_or_loaded(machine: Callable[..., None]) -> None:
    machine("apt-get", root=False)
    assert "images can be pulled or loaded, not built" in packages.install_packages(step())
