"""What every suite shares: the engine and its images, which tests marked ``engine`` or ``browser`` need and never do without."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from typing import Any

import pytest

from lab.runtime.engine import connection
from lab.runtime.images import LabImage, list_images


@pytest.fixture(scope="session")
def docker_client() -> Iterator[Any]:
    """A client of the engine; a test that asks for it fails where none answers."""
    with connection() as client:
        yield client


@pytest.fixture(scope="session")
def lab_images(docker_client: Any) -> dict[str, LabImage]:
    """The lab's images by name; a test that asks for them fails where one is missing."""
    images = {image.name: image for image in list_images(docker_client)}
    missing = [image.name for image in images.values() if not image.usable]
    if missing:
        pytest.fail(f"the engine has no image {', '.join(missing)}: run `lab images ensure`")
    return images


@pytest.fixture(autouse=True)
def _engine_and_images_where_marked(request: pytest.FixtureRequest) -> None:
    if any(request.node.get_closest_marker(name) for name in ("engine", "browser")):
        request.getfixturevalue("lab_images")


@pytest.fixture(scope="session", autouse=True)
def interruptible() -> None:
    """Let the commands that tests start be interrupted: what a shell runs in the background ignores SIGINT, and so does every
    child of it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
