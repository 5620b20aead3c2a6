"""Which container engine the lab talks to, and the connection to it.

In this order: the setting of the lab; ``DOCKER_HOST``; the docker context that ``DOCKER_CONTEXT`` or ``docker context use``
chose; the default socket; the socket of a rootless engine. The first that is set is the one. Nothing here starts an engine
(`lab.setup` does). Source: docker/cli, cli/command/cli.go ``resolveContextName`` (v28).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.context import ContextAPI
from docker.errors import DockerException
from docker.tls import TLSConfig
from requests.exceptions import RequestException

from lab.errors import EngineUnavailable

DEFAULT_SOCKET = Path("/var/run/docker.sock")  # docker/cli: opts.DefaultUnixSocket
_TIMEOUT_SECONDS = 60  # docker-py: DEFAULT_TIMEOUT_SECONDS
_REMEDY = "run `make setup` as root on Debian or Ubuntu, or start Docker, or set DOCKER_HOST; `lab doctor` tells more"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAddress:
    """Where the engine listens and what named it, such as ``DOCKER_HOST`` or ``context "desktop-linux"``."""

    url: str
    named_by: str
    tls: TLSConfig | None = None

    @property
    def is_local_socket(self) -> bool:
        """Whether the engine is reached by a socket of this machine."""
        return self.url.startswith("unix://")


def engine_address(setting: str | None = None) -> EngineAddress:
    """Return the address of the engine to use. Raises EngineUnavailable when the chosen docker context cannot be read."""
    if setting:
        return EngineAddress(url=_absolute(setting), named_by="LAB_DOCKER_HOST", tls=_tls_from_environment())
    if host := os.environ.get("DOCKER_HOST"):
        return EngineAddress(url=_absolute(host), named_by="DOCKER_HOST", tls=_tls_from_environment())
    context = _context_address()
    if context is not None:
        return context
    rootless = Path(os.environ.get("XDG_RUNTIME_DIR", "/nonexistent")) / "docker.sock"
    path = rootless if rootless.exists() and not DEFAULT_SOCKET.exists() else DEFAULT_SOCKET
    return EngineAddress(url=f"unix://{path}", named_by="the default socket")


def connect(address: EngineAddress | None = None, *, timeout_seconds: int = _TIMEOUT_SECONDS) -> docker.DockerClient:
    """Return a client of an engine that has just answered, its API version negotiated. Raises EngineUnavailable."""
    address = address or engine_address()
    try:
        _knock(address)
        client = docker.DockerClient(
            base_url=address.url,
            tls=address.tls or False,
            version="auto",
            timeout=timeout_seconds,
        )
        client.ping()
    except (DockerException, RequestException, OSError) as error:
        where = f"{address.url} ({address.named_by})"
        raise EngineUnavailable(f"cannot reach a Docker Engine at {where}: {_REMEDY}", runtime_message=str(error)) from error
    return client


@contextmanager
def connection(setting: str | None = None) -> Iterator[docker.DockerClient]:
    """Connect for one block to the engine that LAB_DOCKER_HOST or the surroundings name. Raises EngineUnavailable."""
    client = connect(engine_address(setting))
    try:
        yield client
    finally:
        client.close()


def _knock(address: EngineAddress) -> None:
    """Raise OSError where no one listens: docker-py leaves its socket open when it cannot connect."""
    if address.is_local_socket:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(address.url.removeprefix("unix://"))


def _context_address() -> EngineAddress | None:
    chosen = os.environ.get("DOCKER_CONTEXT") or None
    try:
        context = ContextAPI.get_context(chosen) if chosen else ContextAPI.get_current_context()
    except (DockerException, OSError, ValueError) as error:
        raise EngineUnavailable(f"cannot read the docker context {chosen or 'in use'}: check `docker context ls`") from error
    if context is None:
        raise EngineUnavailable(f"cannot use the docker context {chosen}: there is none of that name, see `docker context ls`")
    if context.name == "default" or not context.Host:
        return None
    return EngineAddress(url=_absolute(context.Host), named_by=f'context "{context.name}"', tls=context.TLSConfig)


def _tls_from_environment() -> TLSConfig | None:
    if not os.environ.get("DOCKER_TLS_VERIFY"):
        return None
    directory = Path(os.environ.get("DOCKER_CERT_PATH") or Path.home() / ".docker")
    try:
        return TLSConfig(
            client_cert=(str(directory / "cert.pem"), str(directory / "key.pem")), ca_cert=str(directory / "ca.pem"), verify=True
        )
    except DockerException as error:
        raise EngineUnavailable(f"cannot read the TLS certificates in {directory}: DOCKER_TLS_VERIFY asks for them") from error


def _absolute(host: str) -> str:
    return f"unix://{host}" if host.startswith("/") else host
