"""Settings from the environment, and the data directory they name.

`read_settings` only reads and judges; it touches no file. All variables start with ``LAB_``; sizes are bytes, or
carry Ki, Mi or Gi as Kubernetes writes them.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from lab.data_directory import DataDirectory
from lab.errors import SettingsError
from lab.limits import Limits
from lab.logs import LogFormat

_T = TypeVar("_T")

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
EVERY_ADDRESS = ("0.0.0.0", "::", "[::]")  # noqa: S104 - recognised, not bound to
TRUSTED_PROXIES = ("127.0.0.0/8", "::1/128")  # a reverse proxy on this machine
POD_CIDR = IPv4Network("10.231.0.0/16")  # Docker's own default pools end at about thirty networks
SHORTEST_SECRET_CHARACTERS = 16
_ANCESTOR = re.compile(r"\*|https?://(\*\.)?[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:(\d{1,5}|\*))?")  # Content-Security-Policy
_IMAGE = re.compile(r"[a-z0-9][a-z0-9._/-]*(:\d+/[a-z0-9._/-]+)?(:[\w.-]+|@sha256:[0-9a-f]{64})?")
WARM_SANDBOXES = 32  # of all learners: one each for a class; 3.5 MB of memory each


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this lab is to run.

    ``allowed_hosts`` are the names the pages may be reached by, lower case and without port: this machine's own, the one the
    lab listens on, and those of LAB_ALLOWED_HOSTS. ``secret_key`` None means the
    one kept in the data directory; ``docker_host`` None means DOCKER_HOST, the docker context, or the default socket.
    In ``classroom`` mode learners join by code and instructors sign in. ``public_url`` is where browsers find the lab, when that
    is not where it listens: a reverse proxy's address; ``trusted_proxies`` are the networks whose word is taken for where a
    request comes from.
    ``images`` are those of the engine that learners of a classroom may run beside the lab's own; on their own engine people may
    run what it has.
    ``warm_sandboxes`` bounds how many are started before a pod asks for one; without ``witness_signals`` nobody looks which
    signals the containers' processes receive. With ``metrics_token`` whoever sends it may read the metrics from elsewhere.
    """

    data: Path = Path("var")
    database_url: str = "sqlite:///var/lab.sqlite"
    host: str = "127.0.0.1"
    port: int = 8080
    pod_cidr: IPv4Network = POD_CIDR
    images: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = LOOPBACK_NAMES
    secret_key: str | None = field(default=None, repr=False)
    docker_host: str | None = None
    embed_ancestors: tuple[str, ...] = ()
    classroom: bool = False
    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = TRUSTED_PROXIES
    warm_sandboxes: int = WARM_SANDBOXES
    witness_signals: bool = True
    metrics_token: str | None = field(default=None, repr=False)
    log_format: LogFormat = "text"
    limits: Limits = field(default_factory=Limits)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach what the lab listens on."""
        return is_loopback(self.host)

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
    public_url = reader.value("LAB_PUBLIC_URL", None, _public_url)
    extra_hosts = reader.value("LAB_ALLOWED_HOSTS", none, _host_names)
    defaults = Limits()
    limits: dict[str, Any] = {
        name: reader.value(f"LAB_{name.upper()}", getattr(defaults, name), _cpus if name.endswith("_cpus") else _size)
        for name in Limits.__slots__
    }
    settings = Settings(
        data=data,
        database_url=reader.value("LAB_DATABASE_URL", f"sqlite:///{data}/lab.sqlite", _database_url),
        host=host,
        port=reader.value("LAB_PORT", 8080, _port),
        pod_cidr=reader.value("LAB_POD_CIDR", POD_CIDR, _pod_cidr),
        images=reader.value("LAB_IMAGES", none, _images),
        allowed_hosts=tuple(dict.fromkeys((*LOOPBACK_NAMES, *_names_of(host), *_names_in(public_url), *extra_hosts))),
        secret_key=reader.value("LAB_SECRET_KEY", None, _secret_key, shown=False),
        docker_host=reader.value("LAB_DOCKER_HOST", None, _docker_host),
        embed_ancestors=reader.value("LAB_EMBED_ANCESTORS", none, _ancestors),
        classroom=reader.value("LAB_CLASSROOM", False, _switch),
        public_url=public_url,
        trusted_proxies=reader.value("LAB_TRUSTED_PROXIES", TRUSTED_PROXIES, _addresses),
        warm_sandboxes=reader.value("LAB_WARM_SANDBOXES", WARM_SANDBOXES, _count),
        witness_signals=reader.value("LAB_WITNESS_SIGNALS", True, _switch),
        metrics_token=reader.value("LAB_METRICS_TOKEN", None, _secret_key, shown=False),
        log_format=reader.value("LAB_LOG_FORMAT", "text", _log_format),
        limits=Limits(**limits),
    )
    if reader.problems:
        raise SettingsError("\n".join(reader.problems))
    return settings


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


def is_loopback(host: str) -> bool:
    """Whether an address or a name is one of this machine alone."""
    name = host.strip("[]").lower()
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return name == "localhost"


def _names_in(public_url: str | None) -> tuple[str, ...]:
    """Return the host's name in the lab's public address, as browsers send it."""
    host = urlsplit(public_url).hostname if public_url else None
    return _names_of(host) if host else ()


def _names_of(host: str) -> tuple[str, ...]:
    """Return what browsers may call the address that the lab listens on."""
    if host in EVERY_ADDRESS:
        return ()
    name = host.strip("[]").lower()
    return (f"[{name}]" if ":" in name else name,)


def _public_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{error}; give what browsers type, such as https://lab.example.org") from error
    more = parts.path.strip("/") or parts.query or parts.fragment
    if parts.scheme not in ("http", "https") or more or port == 0 or not re.fullmatch(r"[A-Za-z0-9.:\[\]-]+", parts.netloc):
        raise ValueError("it is no address of a site; give what browsers type, such as https://lab.example.org")
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _addresses(text: str) -> tuple[str, ...]:
    names = text.replace(",", " ").split()
    try:
        return tuple(str(ip_network(name)) for name in names)
    except ValueError as error:
        raise ValueError(f"{error}; give addresses or networks such as 127.0.0.1, 10.0.0.0/24, separated by commas") from error


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


def _images(text: str) -> tuple[str, ...]:
    names = text.replace(",", " ").split()
    bad = [name for name in names if not _IMAGE.fullmatch(name)]
    if bad:
        raise ValueError(f"{', '.join(bad)} is no image; give names as `docker images` shows them, such as redis:7")
    return tuple(name if "@" in name or ":" in name.rpartition("/")[2] else f"{name}:latest" for name in names)


def _database_url(text: str) -> str:
    scheme, separator, rest = text.partition(":///")
    if not separator or scheme.partition("+")[0] != "sqlite" or rest in ("", ":memory:"):
        raise ValueError("only a SQLite file is supported; use sqlite:////absolute/path/lab.sqlite")
    return text


def _secret_key(text: str) -> str:
    if len(text) < SHORTEST_SECRET_CHARACTERS:
        raise ValueError(f"it is shorter than {SHORTEST_SECRET_CHARACTERS} characters; use a long random text or leave it out")
    return text


def _log_format(text: str) -> LogFormat:
    match text.lower():
        case "text" | "json" as style:
            return style
    raise ValueError("it is neither text nor json")


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


def _cpus(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d{1,3})?)|(\d+)m", text)
    number = (float(match[1]) if match[1] else int(match[2]) / 1000) if match else 0.0
    if number <= 0:
        raise ValueError("it is not a number of CPUs above 0; write it as Kubernetes does, such as 2, 0.5 or 500m")
    return number
