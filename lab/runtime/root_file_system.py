"""Builds an image's root file system from the distribution's packages, with mmdebstrap and the machine's own apt sources.

mmdebstrap downloads, verifies and unpacks the packages and what they depend on; no maintainer script runs. The recipe's choice of
files is then copied into a new archive, with /usr merged. Needs no container engine, and root only where user namespaces are not
allowed.
Source: mmdebstrap(1), variant "extract"; https://wiki.debian.org/UsrMerge.
"""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tarfile
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from lab.errors import LabError
from lab.runtime.recipes import Recipe

_MERGED = ("bin", "sbin", "lib", "lib32", "lib64", "libx32")  # wiki.debian.org/UsrMerge
_APT_SOURCES = Path("/etc/apt")
_BUILD_TIMEOUT_SECONDS = 900  # a slow mirror; about 10 s on a fast one
_APPLETS_TIMEOUT_SECONDS = 10


def build_root_file_system(recipe: Recipe, archive: Path) -> None:
    """Write the recipe's root file system to ``archive`` (tar). Takes 5-20 s. Raises LabError with what mmdebstrap said."""
    with TemporaryDirectory(prefix="pod-hook-lab-") as scratch:
        packaged = Path(scratch) / "packages.tar"
        _unpack_packages(recipe, packaged)
        with tarfile.open(packaged) as source, tarfile.open(archive, "w") as target:
            copy_selection(recipe, source, target)


def copy_selection(recipe: Recipe, source: tarfile.TarFile, target: tarfile.TarFile) -> None:
    """Copy from the unpacked packages what the recipe wants, and add what it adds."""
    _Selection(recipe, source, target).write()


def apt_sources() -> str:
    """Return the machine's apt sources of its own distribution, as mmdebstrap reads them. Raises LabError when apt has none."""
    official = _official_repositories()
    for name in ("*.sources", "*.list"):
        files = [*_APT_SOURCES.glob("sources.list")] * (name == "*.list") + sorted((_APT_SOURCES / "sources.list.d").glob(name))
        entries = [entry for file in files for entry in _entries(file) if any(uri in entry for uri in official)]
        if entries:
            return "\n".join(entries) + "\n"
    raise LabError(
        "cannot find this distribution's package sources in /etc/apt: run `apt-get update`, or use `lab images ensure --pull`"
    )


def _official_repositories() -> set[str]:
    fields = "$(ORIGIN) $(REPO_URI)"
    listing = _run(["apt-get", "indextargets", "--format", fields, "Created-By: Packages"], timeout_seconds=60)
    repositories = (line.split() for line in listing.splitlines())
    return {words[1].rstrip("/") for words in repositories if len(words) == 2 and words[0] in ("Debian", "Ubuntu")}


def _entries(file: Path) -> list[str]:
    """Split a sources file into entries: deb822 stanzas, or single lines."""
    text = file.read_text(encoding="utf-8", errors="replace")
    if file.suffix == ".sources":
        return [stanza + "\n" for stanza in re.split(r"\n\s*\n", text) if "URIs:" in stanza and "Enabled: no" not in stanza]
    return [line for line in text.splitlines() if line.startswith("deb ")]


def _unpack_packages(recipe: Recipe, archive: Path) -> None:
    if shutil.which("mmdebstrap") is None:
        raise LabError(
            f"cannot build the image {recipe.name}: mmdebstrap is missing; run `make setup` as root on Debian or Ubuntu,"
            " or `lab images ensure --pull`, or `lab images load FILE`"
        )
    options = archive.with_name("apt.conf")
    options.write_text("\n".join(_download_options()) + "\n", encoding="utf-8")
    sources = archive.with_name("sources")
    sources.write_text(apt_sources(), encoding="utf-8")
    include = f"--include={','.join(recipe.packages)}"
    command = [
        "mmdebstrap",
        "--quiet",
        "--variant=extract",
        "--format=tar",
        f"--aptopt={options}",
        include,
        "",
        str(archive),
        str(sources),
    ]
    try:
        _run(command, timeout_seconds=_BUILD_TIMEOUT_SECONDS)
    except LabError as error:
        raise LabError(
            f"cannot build the image {recipe.name} from packages: {error}; check that `apt-get update` works"
        ) from error


def _download_options() -> list[str]:
    """Return the machine's proxy, certificate and time settings of apt: mmdebstrap does not take them over by itself."""
    dump = _run(["apt-config", "dump", "Acquire"], timeout_seconds=60)
    chosen = re.compile(r"Acquire::(https?|ftp|Check-|Retries|ForceIPv|Languages|Proxy)", re.IGNORECASE)
    return [line for line in dump.splitlines() if chosen.match(line)]


def _run(command: list[str], *, timeout_seconds: float) -> str:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, timeout=timeout_seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.CalledProcessError as error:
        said = [line for line in error.stderr.splitlines() if line.startswith("E:")] or error.stderr.splitlines()[-3:]
        raise LabError(f"cannot run {command[0]}: {' '.join(said)}") from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise LabError(f"cannot run {command[0]}: {error}") from error
    return done.stdout


class _Selection:
    """Copies what the recipe wants from the packages' archive into the image's."""

    def __init__(self, recipe: Recipe, source: tarfile.TarFile, target: tarfile.TarFile) -> None:
        self._recipe = recipe
        self._source = source
        self._target = target
        self._written: set[str] = set()
        self._busybox = b""

    def write(self) -> None:
        for path, mode in self._recipe.directories.items():
            self._directory(path, mode)
        for path, text in self._recipe.files.items():
            self._file(path, text.encode())
        for path, destination in self._recipe.links.items():
            self._link(path, destination, tarfile.SYMTYPE)
        for member in self._source:
            self._copy(member)
        if self._recipe.applets_of:
            self._link_applets(self._recipe.applets_of)
        for name in _MERGED:
            if any(path.startswith(f"usr/{name}/") for path in self._written) and name not in self._written:
                self._link(name, f"usr/{name}", tarfile.SYMTYPE)

    def _copy(self, member: tarfile.TarInfo) -> None:
        path = self._destination(_merged(member.name))
        if path is None or path in self._written or (member.isdir() and self._recipe.only):
            return
        reader = self._source.extractfile(member) if member.isreg() else None
        content = reader.read() if reader else None
        if path == self._recipe.applets_of:
            self._busybox = content or b""
        if member.islnk():
            member.linkname = _merged(member.linkname)
        member.name = path
        self._add(member, content)

    def _destination(self, path: str) -> str | None:
        """Return where in the image a packaged file goes, or None when it is left out."""
        if self._recipe.only:
            return self._recipe.only.get(path)
        if not path or path in _MERGED:
            return None
        kept = any(fnmatchcase(path, pattern) for pattern in self._recipe.keep)
        left_out = any(fnmatchcase(path, pattern) for pattern in self._recipe.leave_out)
        return path if kept or not left_out else None

    def _link_applets(self, busybox: str) -> None:
        """Make each applet a hard link beside busybox, as the official image does; busybox itself says which it has."""
        with TemporaryDirectory(prefix="pod-hook-lab-") as scratch:
            program = Path(scratch) / "busybox"
            program.write_bytes(self._busybox)
            program.chmod(0o755)
            applets = _run([str(program), "--list"], timeout_seconds=_APPLETS_TIMEOUT_SECONDS).split()
        for applet in applets:
            path = str(PurePosixPath(busybox).with_name(applet))
            if path not in self._written:
                self._link(path, busybox, tarfile.LNKTYPE)

    def _directory(self, path: str, mode: int) -> None:
        member = tarfile.TarInfo(path)
        member.type = tarfile.DIRTYPE
        member.mode = mode
        self._add(member)

    def _file(self, path: str, content: bytes) -> None:
        member = tarfile.TarInfo(path)
        member.size = len(content)
        self._add(member, content)

    def _link(self, path: str, destination: str, type: bytes) -> None:
        member = tarfile.TarInfo(path)
        member.type = type
        member.linkname = destination
        member.mode = 0o777 if type == tarfile.SYMTYPE else 0o755
        self._add(member)

    def _add(self, member: tarfile.TarInfo, content: bytes | None = None) -> None:
        for parent in reversed(PurePosixPath(member.name).parents[:-1]):
            if str(parent) not in self._written:
                self._directory(str(parent), 0o755)
        self._written.add(member.name)
        self._target.addfile(member, io.BytesIO(content) if content is not None else None)


def _merged(name: str) -> str:
    path = name.removeprefix("./").strip("/")
    top, _, rest = path.partition("/")
    return f"usr/{top}/{rest}" if top in _MERGED and rest else path.removeprefix(".")
