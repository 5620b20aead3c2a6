"""Settings from the environment, and the data directory they name.

`read_settings` only reads and judges; it touches no file. What the lab keeps about itself (its instance id, its secret
key) lives in the `DataDirectory`, which one lab at a time may lock. All variables start with ``LAB_``; sizes are bytes, or
carry Ki, Mi or Gi as Kubernetes writes them.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_network
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from lab.errors import SettingsError

_T = TypeVar("_T")

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
EVERY_ADDRESS = ("0.0.0.0", "::", "[::]")  # noqa: S104 - recognised, not bound to
POD_CIDR = IPv4Network("10.231.0.0/16")  # Docker's own default pools end at about thirty networks
KEPT_SECRET_BYTES = 32
SHORTEST_SECRET_CHARACTERS = 16
_ANCESTOR = re.compile(r"\*|https?://(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:(\d{1,5}|\*))?")  # Content-Security-Policy
WARM_SANDBOXES = 32  # of all learners: one each for a class; 3.5 MB of memory each


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What learners may use. Each is set by the variable of its name in capitals, with ``LAB_`` before it."""

    max_live_runs: int = 8  # per cluster: more than any lesson has examples
    max_pods: int = 20  # per cluster, as a ResourceQuota bounds them
    max_run_seconds: int = 3600  # a forgotten run ends by itself
    max_repeat_runs: int = 2  # of all learners' repeats at a time: more would measure how they crowd each other
    log_bytes_per_container: int = 1024 * 1024  # of one attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this lab is to run.

    ``allowed_hosts`` are the names the pages may be reached by, lower case and without port: this machine's own, the one the
    lab listens on, and those of LAB_ALLOWED_HOSTS. ``secret_key`` None means the
    one kept in the data directory; ``docker_host`` None means DOCKER_HOST, the docker context, or the default socket.
    ``warm_sandboxes`` bounds how many are started before a pod asks for one; without ``witness_signals`` nobody looks which
    signals the containers' processes receive.
    """

    data: Path = Path("var")
    database_url: str = "sqlite:///var/lab.sqlite"
    host: str = "127.0.0.1"
    port: int = 8080
    pod_cidr: IPv4Network = POD_CIDR
    allowed_hosts: tuple[str, ...] = LOOPBACK_NAMES
    secret_key: str | None = field(default=None, repr=False)
    docker_host: str | None = None
    embed_ancestors: tuple[str, ...] = ()
    warm_sandboxes: int = WARM_SANDBOXES
    witness_signals: bool = True
    limits: Limits = field(default_factory=Limits)

    @property
    def data_directory(self) -> DataDirectory:
        """The lab's own directory; nothing is created yet."""
        return DataDirectory(self.data)


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings. Raises SettingsError that names every value which cannot be used, and the remedy of each."""
    reader = _Reader(environment)
    data = reader.value("LAB_DATA", Path("var").absolute(), _path)
    host = reader.value("LAB_HOST", "127.0.0.1", _host)
    none: tuple[str, ...] = ()
    extra_hosts = reader.value("LAB_ALLOWED_HOSTS", none, _host_names)
    defaults = Limits()
    limits = {name: reader.value(f"LAB_{name.upper()}", getattr(defaults, name), _size) for name in Limits.__slots__}
    settings = Settings(
        data=data,
        database_url=reader.value("LAB_DATABASE_URL", f"sqlite:///{data}/lab.sqlite", _database_url),
        host=host,
        port=reader.value("LAB_PORT", 8080, _port),
        pod_cidr=reader.value("LAB_POD_CIDR", POD_CIDR, _pod_cidr),
        allowed_hosts=tuple(dict.fromkeys((*LOOPBACK_NAMES, *_names_of(host), *extra_hosts))),
        secret_key=reader.value("LAB_SECRET_KEY", None, _secret_key, shown=False),
        docker_host=reader.value("LAB_DOCKER_HOST", None, _docker_host),
        embed_ancestors=reader.value("LAB_EMBED_ANCESTORS", none, _ancestors),
        warm_sandboxes=reader.value("LAB_WARM_SANDBOXES", WARM_SANDBOXES, _count),
        witness_signals=reader.value("LAB_WITNESS_SIGNALS", True, _switch),
        limits=Limits(**limits),
    )
    if reader.problems:
        raise SettingsError("\n".join(reader.problems))
    return settings


class DataDirectory:
    """Where the lab keeps everything that outlives it. Reading a name or key creates it once; it is the same ever after."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def was_used(self) -> bool:
        """Whether a lab has ever had it."""
        return (self.path / "instance-id").exists()

    @property
    def instance_id(self) -> str:
        """Which lab this is: twelve hexadecimal digits, on the label of every container and network it makes."""
        return self._kept("instance-id", lambda: secrets.token_hex(6))

    @property
    def secret_key(self) -> str:
        """The key that signs cookies, readable by the lab's user alone."""
        return self._kept("secret-key", lambda: secrets.token_hex(KEPT_SECRET_BYTES))

    def create(self) -> None:
        """Create the directory, for the lab's user alone. One that is there stays as it is. Raises SettingsError."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SettingsError(self._cannot("create", self.path, error)) from error

    def lock(self, *, holder: int | None = None) -> DataLock:
        """Take the directory for this process until the lock is closed or the process ends. ``holder`` is the process to stop
        when somebody else wants it (default: this one); the SettingsError of whoever finds the directory taken names it."""
        self.create()
        path = self.path / "lock"
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise SettingsError(self._cannot("open", path, error)) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            other = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(descriptor)
            raise SettingsError(
                f"cannot use the data directory {self.path}: the lab of process {other} uses it; "
                "stop that one or set LAB_DATA to another directory"
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder or os.getpid()}\n".encode(), 0)
        return DataLock(descriptor)

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        self.create()
        path = self.path / name
        try:
            if not path.exists():
                self._write_once(path, make())
            value = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(self._cannot("read or create", path, error)) from error
        if not value:
            raise SettingsError(f"cannot use {path}: it is empty; delete it and start again")
        return value

    def _write_once(self, path: Path, value: str) -> None:
        """Create the file whole or not at all; when two try, the first one's stays."""
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(value + "\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):  # another process was faster; its value is the one
                os.link(draft, path)
        finally:
            os.unlink(draft)

    def _cannot(self, verb: str, path: Path, error: Exception) -> str:
        reason = error.strerror if isinstance(error, OSError) else error
        return f"cannot {verb} {path}: {reason}; make {self.path} writable or set LAB_DATA to another directory"


class DataLock:
    """The data directory is this process's while this is open."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor: int | None = descriptor

    def close(self) -> None:
        """Give the directory back. A second call does nothing."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def __enter__(self) -> DataLock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class _Reader:
    """Reads variables and gathers what is wrong with them."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def value(self, name: str, default: _T, parse: Callable[[str], _T], *, shown: bool = True) -> _T:
        """Return the parsed variable; the default where it is unset, empty or bad."""
        text = self._environment.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            value = "=" + re.sub(r"//[^/@]*@", "//…@", text) if shown else ""  # no password of a URL on the screen
            self.problems.append(f"cannot use {name}{value}: {error}")
            return default


# Each parser raises ValueError with what is wrong and the remedy.


def _path(text: str) -> Path:
    path = Path(text).expanduser().absolute()
    if path.exists() and not path.is_dir():
        raise ValueError("it is not a directory; name a directory that the lab may write to")
    return path


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:_\[\]-]+", text):
        raise ValueError("it is not an address or a host name; use one of this machine, such as 127.0.0.1 or 0.0.0.0")
    return text


def _names_of(host: str) -> tuple[str, ...]:
    if host in EVERY_ADDRESS:
        return ()
    name = host.strip("[]").lower()
    return (f"[{name}]" if ":" in name else name,)


def _host_names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip().lower().rstrip(".") for name in text.split(",") if name.strip())
    bad = [name for name in names if not re.fullmatch(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:.]+\]", name)]
    if bad:
        raise ValueError(f"{', '.join(bad)} is no host name; give names without scheme and port, separated by commas")
    return names


def _ancestors(text: str) -> tuple[str, ...]:
    sources = tuple(dict.fromkeys(text.replace(",", " ").split()))
    own = "'self'"
    bad = [source for source in sources if source != own and not _ANCESTOR.fullmatch(source)]
    if bad:
        raise ValueError(
            f"{', '.join(bad)} is no site; give origins such as https://docs.example.org, 'self', or * for every site"
        )
    return sources


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise ValueError("it is not a port number; use 0 (any free port) to 65535")
    return int(text)


def _pod_cidr(text: str) -> IPv4Network:
    remedy = "use a private IPv4 network of /8 to /24 that no other network of this machine overlaps, such as 10.231.0.0/16"
    try:
        network = ip_network(text)
    except ValueError as error:
        raise ValueError(f"{error}; {remedy}") from error
    if not isinstance(network, IPv4Network) or not network.is_private or not 8 <= network.prefixlen <= 24:
        raise ValueError(f"it cannot hold the clusters' networks; {remedy}")
    return network


def _database_url(text: str) -> str:
    scheme, separator, rest = text.partition(":///")
    if not separator or scheme.partition("+")[0] != "sqlite" or rest in ("", ":memory:"):
        raise ValueError("only a SQLite file is supported; use sqlite:////absolute/path/lab.sqlite")
    return text


def _secret_key(text: str) -> str:
    if len(text) < SHORTEST_SECRET_CHARACTERS:
        raise ValueError(f"it is shorter than {SHORTEST_SECRET_CHARACTERS} characters; use a long random text or leave it out")
    return text


def _docker_host(text: str) -> str:
    if not re.fullmatch(r"(unix|http\+unix|tcp|http|https|ssh|npipe)://.+", text):
        raise ValueError("it is not an engine's address; use one such as unix:///var/run/docker.sock")
    return text


def _count(text: str) -> int:
    if not re.fullmatch(r"\d{1,4}", text):
        raise ValueError("it is not a number from 0 to 9999; use digits, 0 for none")
    return int(text)


def _switch(text: str) -> bool:
    if text.lower() not in ("yes", "no"):
        raise ValueError("it is neither yes nor no")
    return text.lower() == "yes"


def _size(text: str) -> int:
    match = re.fullmatch(r"(\d+)(Ki|Mi|Gi)?", text)
    number = int(match[1]) * 1024 ** ("", "Ki", "Mi", "Gi").index(match[2] or "") if match else 0
    if number < 1:
        raise ValueError("it is not a number above 0; use digits, and for sizes Ki, Mi or Gi after them if you like")
    return number
