"""`lab serve`: the pages, from one process with many threads.

The server's master forks one worker, and the laboratory lives in that worker; when the master is killed, the kernel kills the
worker with it, so that a lab never outlives the process a person sees.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from gunicorn.app.base import BaseApplication

from lab.app import create_app
from lab.clock import SystemClock
from lab.config import Settings, read_settings
from lab.laboratory import Laboratory

THREADS = 512  # one per open page: each holds a stream
GRACEFUL_SECONDS = 10
PR_SET_PDEATHSIG = 1  # linux/prctl.h


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("serve", help="serve the lab's pages")
    parser.add_argument("--host", help="address to listen on (default: LAB_HOST or 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on, 0 for any free one (default: LAB_PORT or 8080)")
    parser.set_defaults(func=serve)


def serve(args: argparse.Namespace) -> int:
    """Serve until interrupted. Returns 0; raises SettingsError when the data directory is in use."""
    settings = read_settings()
    settings = replace(settings, host=args.host or settings.host, port=settings.port if args.port is None else args.port)
    settings.data_directory.lock().close()  # say at once when another lab has it
    _Server(settings).run()
    return 0


class _Server(BaseApplication):
    """One gthread worker that opens a laboratory and closes it when it is told to stop."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._laboratory: Laboratory | None = None
        super().__init__()

    def load_config(self) -> None:
        """Set gunicorn's options."""
        host = f"[{self._settings.host}]" if ":" in self._settings.host else self._settings.host
        options = {
            "bind": f"{host}:{self._settings.port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "timeout": 0,
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": 75,
            "loglevel": "warning",
            "post_fork": lambda arbiter, worker: _die_with_parent(),
            "worker_exit": lambda arbiter, worker: self._close(),
            "when_ready": _announce,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Open the laboratory, in the worker."""
        logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
        self._laboratory = Laboratory(self._settings, SystemClock())
        return create_app(self._laboratory)

    def _close(self) -> None:
        if self._laboratory is not None:
            self._laboratory.close()


def _die_with_parent() -> None:
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _announce(arbiter: Any) -> None:
    for listener in arbiter.LISTENERS:
        print(f"Pod Hook Lab: {listener} (Ctrl-C stops it)", file=sys.stderr, flush=True)
