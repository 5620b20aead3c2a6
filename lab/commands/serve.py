"""`lab serve`: the pages, from one process with many threads.

The server's master forks one worker, and the laboratory lives in that worker; when the master is killed, the kernel kills the
worker with it, so that a lab never outlives the process a person sees. Told to stop, by whatever signal, the worker ends runs
and streams at once and gives everything back while the requests in flight are answered. Told a second time, the server ends where
it stands; what was running is removed when the lab starts again.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter
from gunicorn.errors import AppImportError
from gunicorn.glogging import Logger

from lab.app import Course, create_app
from lab.clock import SystemClock, Thread
from lab.config import EVERY_ADDRESS, Settings, read_settings
from lab.connections import BoundedWorker, allow_open_files
from lab.errors import LabError, SettingsError
from lab.laboratory import Laboratory
from lab.lessons import Catalog
from lab.logs import note, set_up_logs
from lab.share import CONTENT
from lab.web.followers import AT_ONCE

FAILED = 1
THREADS = AT_ONCE + 64  # one per open page, which holds a stream, and those that answer pages and actions
CONNECTIONS = 8192  # idle ones hold no thread, and a browser keeps up to six
GRACEFUL_SECONDS = 30  # for a slow engine to remove a class's containers; a learner's own take about a second
HIGHEST_PORT = 65535
AGAIN_SECONDS = 1.0  # what comes sooner is the same word twice: from a terminal and from a program that passes it on
NICENESS = -10  # setpriority(2)
OOM_SCORE = -900  # proc(5); an engine that systemd started has -500, learners' containers 1000
PR_SET_PDEATHSIG = 1  # linux/prctl.h

_LOGGER = logging.getLogger(__name__)

_EPILOG = """\
exit codes:
  0    stopped by Ctrl-C or SIGTERM: every run was ended, nothing is left on the engine
  1    the lab could not be opened, or was told to stop twice and left what was running; `lab sweep` removes it
  2    the command line or a setting cannot be used, such as a port or a data directory that is in use
"""


def register(subparsers: Any) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser(
        "serve", help="serve the lab's pages", epilog=_EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", help="address to listen on (default: LAB_HOST or 127.0.0.1)")
    parser.add_argument("--port", type=_port, help="port to listen on, 0 for any free one (default: LAB_PORT or 8080)")
    parser.add_argument(
        "--classroom",
        action="store_true",
        help="for a class: learners join by code, instructors sign in (LAB_CLASSROOM; see `lab classroom init`)",
    )
    parser.add_argument("--content", metavar="DIR", type=Path, default=CONTENT, help="lessons of your own (default: the lab's)")
    parser.add_argument("--dev", action="store_true", help="read lessons again when their files change, and reload open pages")
    parser.set_defaults(func=serve)


def serve(args: argparse.Namespace) -> int:
    """Serve until interrupted. Returns the exit code; raises SettingsError when the port or the data directory is in use."""
    settings = settings_of(args)
    set_up_logs(settings.log_format)
    course = Course(root=args.content, live=args.dev)
    Catalog.load(course.root)  # say at once what is wrong in it
    settings.data_directory.lock().close()  # say at once when another lab has it
    listener = listen(settings.host, settings.port)
    master = os.getpid()
    try:
        _Server(settings, listener, course).run()
    except SystemExit as end:
        if os.getpid() != master:
            raise  # the worker's end, whose code the master judges
        return FAILED if end.code else 0  # the server's own codes mean something else here
    return 0


def settings_of(args: argparse.Namespace) -> Settings:
    """Return the settings that the command line changes. Raises SettingsError, also for an address that others could reach while
    nobody has to sign in."""
    environment = dict(os.environ)
    if args.host:
        environment["LAB_HOST"] = args.host
    if args.classroom:
        environment["LAB_CLASSROOM"] = "yes"
    settings = read_settings(environment)
    settings = settings if args.port is None else replace(settings, port=args.port)
    if not settings.classroom and not settings.is_loopback:
        raise SettingsError(
            f"cannot serve {settings.host} to whoever can reach it: anybody could run containers here; "
            "leave the address out, or add --classroom"
        )
    if settings.classroom and settings.host in EVERY_ADDRESS and settings.public_url is None:
        raise SettingsError(
            f"cannot serve a classroom on {settings.host}: what browsers type is not known; "
            "set LAB_PUBLIC_URL, such as https://lab.example.org"
        )
    return settings


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on the address; port 0 is any free one. Raises SettingsError when it cannot be had."""
    host = host.strip("[]")
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        why = str(error.strerror).partition(" (while")[0]  # Python adds the address, which is named already
        remedy = "choose another with --host and --port, or LAB_HOST and LAB_PORT"
        raise SettingsError(f"cannot listen on {host} port {port}: {why}; {remedy}") from error


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"cannot use {text!r} as a port: give a number from 0 to {HIGHEST_PORT}")
    return int(text)


class _Server(BaseApplication):
    """One worker that opens a laboratory and closes it when it is told to stop."""

    def __init__(self, settings: Settings, listener: socket.socket, course: Course) -> None:
        self._settings = settings
        self._course = course
        self._listener = listener
        self._clock = SystemClock()
        self._changed = self._clock.condition()
        self._stopping = False
        self._closing: Thread | None = None
        super().__init__()

    def run(self) -> None:
        """Serve until told to stop."""
        allow_open_files()
        _Master(self, self._clock).run()

    def load_config(self) -> None:
        """Set gunicorn's options."""
        options = {
            "bind": f"fd://{self._listener.detach()}",
            "workers": 1,
            "worker_class": _Worker,
            "threads": THREADS,
            "worker_connections": CONNECTIONS,
            "timeout": 0,
            "graceful_timeout": GRACEFUL_SECONDS,
            "keepalive": 75,
            "loglevel": "warning",
            "logger_class": _ServerLog,
            "post_fork": lambda arbiter, worker: _die_with(arbiter.pid),
            "worker_exit": lambda arbiter, worker: self._close(),
            "when_ready": self._announce,
            "control_socket_disable": True,  # it would be one file for all labs of a person
        }
        for name, value in options.items():
            if name in self.cfg.settings:  # the control socket is gunicorn's since 25.1
                self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        """Open the laboratory, in the worker, and have it closed as soon as the worker is told to stop."""
        _go_before_containers()
        try:
            laboratory = Laboratory(self._settings, self._clock, holder=os.getppid())
        except LabError as error:
            raise AppImportError(f"lab: {error}") from error
        logging.getLogger().addHandler(laboratory.metrics.log_handler())
        self._closing = self._clock.spawn("close the laboratory", self._close_when_told, laboratory)
        app = create_app(laboratory, self._course)
        gc.collect()
        gc.freeze()  # lessons and recordings stay: to look through them for garbage now and then held everybody up for 0.1 s
        return app

    def stop(self) -> None:
        """Have the laboratory closed; returns at once. Safe in a signal's handler: nothing else of its thread takes this lock."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()

    def _announce(self, arbiter: Any) -> None:
        for listener in arbiter.LISTENERS:
            if self._settings.log_format == "json":
                note(_LOGGER, "serving", address=str(listener))
            else:
                known = f", for browsers {self._settings.public_url}" if self._settings.public_url else ""
                print(f"Pod Hook Lab: {listener} (Ctrl-C stops it){known}", file=sys.stderr, flush=True)

    def _close_when_told(self, laboratory: Laboratory) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping)
        laboratory.close()

    def _close(self) -> None:
        self.stop()
        if self._closing is not None:
            self._closing.join()


class _Master(Arbiter):
    """Stops in order when it is told to, and at once when it is told again."""

    def __init__(self, app: _Server, clock: SystemClock) -> None:
        self._told_at: float | None = None
        self._lab_clock = clock
        super().__init__(app)

    def signal(self, sig: int, frame: Any) -> None:
        """Note a signal; its handler, so as little as possible. The worker dies with this process."""
        if sig in (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT):
            now = self._lab_clock.monotonic()
            if self._told_at is not None and now - self._told_at >= AGAIN_SECONDS:
                os.write(sys.stderr.fileno(), b"stopped at once; what was running is removed when the lab starts again\n")
                os._exit(FAILED)
            self._told_at = self._told_at or now
        super().signal(sig, frame)


class _ServerLog(Logger):
    """The server's own words go where the lab's go, without what was asked for: a query string may hold a token."""

    def setup(self, cfg: Any) -> None:
        """Leave the handling to the lab's handler."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True

    def exception(self, msg: object, *args: object, **kwargs: Any) -> None:
        """Log a failure, of a request by its path alone."""
        super().exception(msg, *(arg.partition("?")[0] if isinstance(arg, str) else arg for arg in args), **kwargs)


class _Worker(BoundedWorker):
    """Stops in order whatever the signal. Ctrl-C comes as SIGINT from the terminal and as SIGQUIT from the master; gunicorn would
    leave at the first and have the second interrupt the closing of the laboratory."""

    app: _Server

    def handle_exit(self, sig: int, frame: Any) -> None:
        """End runs and streams, then the worker."""
        self.app.stop()
        super().handle_exit(sig, frame)

    def handle_quit(self, sig: int, frame: Any) -> None:
        """The same."""
        self.handle_exit(sig, frame)


def _go_before_containers() -> None:
    """Have the kernel run this process before those of containers and of the engine, and end it after them when memory is short:
    while thirty pods start, pages and streams still take a moment. Where that is not allowed, all are alike."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(OOM_SCORE))


def _die_with(master: int) -> None:
    """Have the kernel kill this process when the master ends; end at once when it has ended since the fork."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != master:
        os._exit(FAILED)
