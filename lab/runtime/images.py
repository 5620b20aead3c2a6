"""The lab's images on the engine: built when missing or outdated, listed, saved, loaded, or replaced by the official ones.

An image built by the lab carries the label `LABEL` with its recipe's hash; nothing without that label is ever overwritten or
removed: an ``nginx`` that the user already had is used as it is. Functions take a connected docker client and raise EngineError
or LabError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import docker
from docker.errors import DockerException, ImageNotFound, NotFound
from requests.exceptions import RequestException

from lab.clock import SystemClock
from lab.errors import EngineError, LabError
from lab.runtime.image_archive import LABEL, write_image_archive
from lab.runtime.recipes import RECIPES, Recipe
from lab.runtime.root_file_system import build_root_file_system

_CHUNK_BYTES = 2 * 1024 * 1024  # docker-py: DEFAULT_DATA_CHUNK_SIZE

ImageState = Literal["built", "outdated", "official", "own", "missing"]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class LabImage:
    """One of the lab's images as the engine has it. ``own`` means that the user's own image has the name and is used."""

    name: str
    state: ImageState
    id: str = ""
    size_bytes: int = 0
    created_at: str = ""

    @property
    def usable(self) -> bool:
        """Whether runs can use it."""
        return self.state != "missing"


def list_images(client: docker.DockerClient, recipes: tuple[Recipe, ...] = RECIPES) -> tuple[LabImage, ...]:
    """Return the state of every image the lab needs."""
    return tuple(inspect_image(client, recipe) for recipe in recipes)


def inspect_image(client: docker.DockerClient, recipe: Recipe) -> LabImage:
    """Return the state of one image."""
    with _engine(f"look up the image {recipe.name}"):
        try:
            image = client.images.get(recipe.tag)
        except ImageNotFound:
            return LabImage(name=recipe.name, state="missing")
    return LabImage(
        name=recipe.name,
        state=_state(recipe, image.labels.get(LABEL), image.attrs.get("RepoDigests") or []),
        id=image.id or "",
        size_bytes=image.attrs["Size"],
        created_at=image.attrs["Created"],
    )


def ensure_images(
    client: docker.DockerClient, progress: Progress, *, pull: bool = False, recipes: tuple[Recipe, ...] = RECIPES
) -> tuple[LabImage, ...]:
    """Build what is missing or outdated, or with ``pull`` fetch the official images; return the states after it.

    Takes 5-20 s for each image built. ``progress`` gets one sentence for each image.
    """
    for recipe in recipes:
        image = inspect_image(client, recipe)
        if image.state == "own":
            progress(f"{recipe.name}: an image of yours has this name; it is used as it is")
        elif pull and recipe.official and image.state != "official":
            _pull(client, recipe, progress)
        elif image.state in ("missing", "outdated"):
            _build(client, recipe, image, progress)
        else:
            progress(f"{recipe.name}: {image.state}, {image.size_bytes / 1e6:.1f} MB")
    return list_images(client, recipes)


def save_images(client: docker.DockerClient, archive: Path) -> int:
    """Write the lab's images to one archive, as ``docker save`` does; return its size in bytes.

    Raises LabError when an image is missing or the archive cannot be written.
    """
    missing = [image.name for image in list_images(client) if not image.usable]
    if missing:
        raise LabError(f"cannot save the images {', '.join(missing)}: the engine has none; run `lab images ensure` first")
    tags = [recipe.tag for recipe in RECIPES]
    with _engine(f"save the images to {archive}"):
        # The docker package offers one image a call; the engine's own request takes several and stores a shared layer once.
        response = client.api.get(f"{client.api.base_url}/images/get", params={"names": tags}, stream=True)
        response.raise_for_status()
        try:
            with archive.open("wb") as file:
                for chunk in response.iter_content(_CHUNK_BYTES):
                    file.write(chunk)
        except OSError as error:
            raise LabError(f"cannot write {archive}: {error.strerror}") from error
    return archive.stat().st_size


def load_images(client: docker.DockerClient, archive: Path) -> tuple[str, ...]:
    """Load images from an archive that `save_images` wrote; return their tags. A tag of the user's own is not overwritten."""
    own = [image.name for image in list_images(client) if image.state == "own"]
    if own:
        raise LabError(f"cannot load {archive}: images of yours have the names {', '.join(own)}; remove or retag them first")
    try:
        file = archive.open("rb")
    except OSError as error:
        raise LabError(f"cannot read {archive}: {error.strerror}") from error
    with file, _engine(f"load the images in {archive}"):
        loaded = client.images.load(file)
    return tuple(sorted(tag for image in loaded for tag in image.tags))


def _state(recipe: Recipe, label: str | None, digests: list[str]) -> ImageState:
    if label is not None:
        return "built" if label == recipe.hash else "outdated"
    return "official" if recipe.official and any(digest.endswith(recipe.official) for digest in digests) else "own"


def _build(client: docker.DockerClient, recipe: Recipe, old: LabImage, progress: Progress) -> None:
    progress(f"{recipe.name}: {'the recipe changed, ' if old.state == 'outdated' else ''}building from packages …")
    with TemporaryDirectory(prefix="pod-hook-lab-") as scratch:
        layer, archive = Path(scratch) / "layer.tar", Path(scratch) / "image.tar"
        build_root_file_system(recipe, layer)
        write_image_archive(recipe, layer, archive, created_at=SystemClock().now())
        with _engine(f"load the image {recipe.name}"), archive.open("rb") as file:
            client.images.load(file)
    _discard(client, old)
    built = inspect_image(client, recipe)
    progress(f"{recipe.name}: built, {built.size_bytes / 1e6:.1f} MB")


def _pull(client: docker.DockerClient, recipe: Recipe, progress: Progress) -> None:
    progress(f"{recipe.name}: pulling the official image …")
    with _engine(
        f"pull the official image {recipe.name}", remedy="without the registry, `lab images ensure` builds one from packages"
    ):
        image = client.images.pull(recipe.name, tag=recipe.official)
        old = inspect_image(client, recipe)
        image.tag(recipe.name, "latest")
    _discard(client, old)
    progress(f"{recipe.name}: official, {image.attrs['Size'] / 1e6:.1f} MB")


def _discard(client: docker.DockerClient, old: LabImage) -> None:
    """Remove the lab's former image unless something else still uses it."""
    if old.state not in ("built", "outdated"):
        return
    try:
        client.images.remove(old.id, noprune=False)
    except NotFound:
        pass
    except DockerException:
        return  # a container still runs from it, or the user gave it another name: it stays


@contextmanager
def _engine(doing: str, *, remedy: str = "") -> Iterator[None]:
    try:
        yield
    except (DockerException, RequestException) as error:
        explanation = getattr(error, "explanation", None) or str(error)
        said = explanation.decode() if isinstance(explanation, bytes) else explanation
        raise EngineError(f"cannot {doing}: {said}{'; ' if remedy else ''}{remedy}", runtime_message=said) from error
