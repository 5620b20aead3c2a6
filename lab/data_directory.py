"""The directory that a lab keeps everything in that outlives it; one lab at a time may lock it."""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from lab.errors import SettingsError

KEPT_SECRET_BYTES = 32


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
