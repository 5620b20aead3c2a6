"""A Docker Engine of a test's own, beside the machine's: one that may be stopped and killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from lab.clock import SystemClock
from lab.errors import EngineUnavailable
from lab.runtime.engine import connection
from lab.runtime.images import load_images, save_images
from tests.served_lab import mounts_below

START_SECONDS = 60.0
POLL_SECONDS = 0.1


class OwnEngine:
    """A ``dockerd`` with directories, socket and containerd of its own, without firewall rules. It starts when it is made, with
    the lab's images. It shares the machine's default bridge: one told ``--bridge=none`` deletes that bridge as it starts."""

    def __init__(self) -> None:
        self._directory = Path(tempfile.mkdtemp(prefix="phl-"))  # not pytest's: containerd's socket names must be short
        self.address = f"unix://{self._directory}/sock"
        self._clock = SystemClock()
        try:
            self.start()
            self._load_images()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start it, and return once it answers."""
        path = f"{os.environ.get('PATH', '')}:/usr/local/sbin:/usr/sbin:/sbin"
        with (self._directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    "dockerd",
                    f"--host={self.address}",
                    f"--data-root={self._directory}/data",
                    f"--exec-root={self._directory}/exec",
                    f"--pidfile={self._directory}/pid",
                    "--iptables=false",
                ],
                env={**os.environ, "PATH": path},
                stdout=log,
                stderr=log,
            )
        deadline = self._clock.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, f"dockerd ended: {(self._directory / 'log').read_text()}"
            assert self._clock.monotonic() < deadline, "dockerd does not answer"
            self._clock.sleep(POLL_SECONDS)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Stop it with a signal, and return once it has ended."""
        self._process.send_signal(number)
        self._process.wait(START_SECONDS)
        (self._directory / "pid").unlink(missing_ok=True)  # dockerd refuses to start when another process has taken the number

    def freeze(self) -> None:
        """Let it stand still: it takes connections and answers none."""
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on where it stood."""
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """Stop it and remove everything it kept."""
        if self._process.poll() is None:
            self.thaw()
            self.stop()
        for mount in reversed(mounts_below(self._directory)):  # a killed engine leaves its own
            subprocess.run(["umount", mount], check=True)
        shutil.rmtree(self._directory)

    def _answers(self) -> bool:
        try:
            with connection(self.address):
                return True
        except EngineUnavailable:
            return False

    def _load_images(self) -> None:
        archive = self._directory / "images.tar"
        with connection() as machine:
            save_images(machine, archive)
        with connection(self.address) as own:
            load_images(own, archive)
        archive.unlink()
