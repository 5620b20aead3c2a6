"""``lab serve`` in a process of its own, and somebody who uses its pages as a browser does; for tests that kill it."""

from __future__ import annotations

import contextlib
import http.client
import http.cookiejar
import json
import os
import re
import select
import signal
import subprocess
import sys
import threading
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

from docker.errors import NotFound

from lab.clock import SystemClock, Thread
from lab.data_directory import DataDirectory

PATIENCE_SECONDS = 60.0  # a deadline for what must come, not a measure of how fast
_ROW = re.compile(r'<li id="step-(\d+)".*?</li>', re.DOTALL)
Rows = dict[int, str]  # what the list of steps shows, by seq


class ServedLab:
    """A lab with its own data directory. Starts when it is made, again after `start`."""

    def __init__(self, data: Path, **settings: str) -> None:
        self.data = data
        self._settings = settings
        self.start()

    def start(self) -> None:
        """Serve on a free port; return once pages are answered."""
        unset = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
        self.process = subprocess.Popen(
            [str(Path(sys.executable).with_name("lab")), "serve", "--port", "0"],
            env={**unset, "LAB_DATA": str(self.data), **self._settings},
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a group of its own, as a shell gives to what it starts
        )
        self.said: list[str] = []
        self._heard = threading.Condition()
        self._ear: Thread = SystemClock().spawn("ear", self._listen)
        with self._heard:
            self._heard.wait_for(lambda: self._address() or self.process.poll() is not None, PATIENCE_SECONDS)
            address = self._address()
        assert address, "the lab did not start:\n" + "".join(self.said)
        self.address: str = address
        urllib.request.urlopen(f"{address}/healthz", timeout=PATIENCE_SECONDS).close()
        (self.worker,) = self._children()

    @property
    def instance(self) -> str:
        """The lab's mark on the engine."""
        return DataDirectory(self.data).instance_id

    def kill(self) -> None:
        """``kill -9`` the process a person sees; return once its worker has ended too."""
        worker = os.pidfd_open(self.worker)
        try:
            self.process.kill()
            ended, _, _ = select.select([worker], [], [], PATIENCE_SECONDS)
            assert ended, "the worker outlives its master"
        finally:
            os.close(worker)
            self._bury()

    def tell(self, number: signal.Signals, *, group: bool = False) -> None:
        """Send a signal, to the whole group as a terminal does or to the process alone."""
        if group:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        self._bury()
        return self.process.returncode

    def stop(self) -> int:
        """Stop it as a service manager does, and return the exit code."""
        self.tell(signal.SIGTERM)
        return self.end()

    def close(self) -> None:
        """Stop, unless it has ended."""
        if self.process.poll() is None:
            self.stop()

    def _bury(self) -> None:
        try:
            self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            raise
        self._ear.join(PATIENCE_SECONDS)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def _listen(self) -> None:
        for line in self.process.stderr or ():
            with self._heard:
                self.said.append(line)
                self._heard.notify_all()
        with self._heard:
            self._heard.notify_all()

    def _address(self) -> str:
        found = re.search(r"http://[\d.]+:\d+", "".join(self.said))
        return found[0] if found else ""

    def _children(self) -> list[int]:
        return [int(pid) for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()]


@dataclass
class Stream:
    """What a stream of server-sent events has shown so far."""

    rows: Rows = field(default_factory=dict)
    arrivals: dict[int, datetime] = field(default_factory=dict)  # when each frame came, by seq
    ended: bool = False  # by the lab's word, not because the connection broke
    trouble: str = ""  # what keeps the lab from running anything, as the page says it
    stopping: bool = False  # the lab's last word before it stops

    def facts(self) -> list[str]:
        """The names of the facts shown, in order."""
        return facts_of(self.rows)


class HasAddress(Protocol):
    """A lab, or what stands before it."""

    @property
    def address(self) -> str:
        """Where its pages are, as a URL without a path."""
        ...


class Visitor:
    """Somebody with a browser: keeps cookies, sends forms from the page with its token and its Origin. ``handlers`` are those of
    `urllib.request` for a lab that is not reached by plain HTTP."""

    def __init__(self, lab: HasAddress, *handlers: urllib.request.BaseHandler) -> None:
        self._lab = lab
        self._jar = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._jar), *handlers)
        self._token = ""

    def get(self, path: str) -> str:
        """Return a page."""
        with self._opener.open(f"{self._lab.address}{path}", timeout=PATIENCE_SECONDS) as response:
            html: str = response.read().decode()
        found = re.search(r'name="csrf_token" value="([0-9a-f]+)"', html)
        self._token = found[1] if found else self._token
        return html

    def run(self, example: str, manifest: str) -> str:
        """Press Run on an example's card and return the id of its run."""
        self.get(f"/lessons/{example.partition('/')[0]}")
        return self._post(f"/examples/{example}/run", {"manifest": manifest}).rpartition("/")[2]

    def press(self, path: str, **form: str) -> None:
        """Send a form of the page that was got last, as its script does: what happens comes by the page's stream."""
        self._post(path, form, {"HX-Request": "true"})

    def send(self, path: str, **form: str) -> None:
        """Send a form of the page that was got last, without a script."""
        self._post(path, form)

    def delete(self, run_id: str, **form: str) -> None:
        """Choose an item of the run's Delete menu."""
        self._post(f"/runs/{run_id}/delete", form)

    def rows(self, run_id: str) -> Rows:
        """Return the steps on a run's page."""
        return {int(row[1]): row[0] for row in _ROW.finditer(self.get(f"/runs/{run_id}"))}

    @contextlib.contextmanager
    def following(self, path: str) -> Iterator[Iterator[Stream]]:
        """Open a stream; each event gives what has been shown up to it. It ends when the connection does."""
        request = urllib.request.Request(f"{self._lab.address}{path}", headers={"Accept": "text/event-stream"})
        with self._opener.open(request, timeout=PATIENCE_SECONDS) as response:
            yield _events(response)

    def at(self, lab: ServedLab) -> Visitor:
        """The same browser at another lab on this machine, to which it sends the same cookies."""
        other = Visitor(lab)
        for cookie in self._jar:
            other._jar.set_cookie(cookie)
        return other

    @property
    def token(self) -> str:
        """The token of the forms on the page that was got last."""
        return self._token

    @property
    def secure_cookies(self) -> frozenset[str]:
        """The names of the cookies that are never sent by plain HTTP nor shown to scripts."""
        return frozenset(c.name for c in self._jar if c.secure and c.has_nonstandard_attr("HttpOnly"))

    @property
    def cookies(self) -> str:
        """The cookies that the pages have set, as a header."""
        return "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._jar)

    def watch(self, run_id: str, until: Callable[[Stream], bool]) -> Stream:
        """Follow a run until it shows what is waited for; fail when it ends before."""
        with self.following(f"/runs/{run_id}/stream") as events:
            stream = Stream()
            for stream in events:
                if until(stream):
                    return stream
        raise AssertionError(f"run {run_id} ended with {stream.facts()}")

    def _post(self, path: str, form: Mapping[str, str], headers: Mapping[str, str] = MappingProxyType({})) -> str:
        """Send a form and return where it leads."""
        data = urllib.parse.urlencode({"csrf_token": self._token, **form}).encode()
        headers = {"Origin": self._lab.address, **headers}
        request = urllib.request.Request(f"{self._lab.address}{path}", data, headers=headers)
        with self._opener.open(request, timeout=PATIENCE_SECONDS) as response:
            return str(response.url)


def facts_of(rows: Rows) -> list[str]:
    """Return the names of the facts that rows show, in order."""
    return [found[1] for _, row in sorted(rows.items()) if (found := re.search(r"#\d+ (\w+)</span>", row))]


def left_on_the_engine(client: Any, instance: str) -> list[str]:
    """Return the containers and networks of a lab."""
    wanted = {"label": f"pod-hook-lab.instance={instance}"}
    containers = client.containers.list(all=True, filters=wanted, ignore_removed=True)
    return [thing.name for thing in (*containers, *client.networks.list(filters=wanted))]


def await_removal(client: Any, instance: str) -> None:
    """Return once the engine has removed the containers of a lab that are there now."""
    wanted = {"label": f"pod-hook-lab.instance={instance}"}
    for container in client.containers.list(all=True, filters=wanted, ignore_removed=True):
        with contextlib.suppress(NotFound):
            container.wait(condition="removed", timeout=PATIENCE_SECONDS)


def left_on_the_host(data: Path) -> list[str]:
    """Return the mounts below a data directory, and its clusters' directories."""
    return mounts_below(data) + [str(path) for path in (data / "nodes").glob("*")]


def mounts_below(directory: Path) -> list[str]:
    """Return the mounts below a directory, in the order in which they were made."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    return [mount for mount in mounts if mount.startswith(f"{directory}/")]


def _events(response: Any) -> Iterator[Stream]:
    stream, data, event, clock = Stream(), "", "", SystemClock()
    with contextlib.suppress(ConnectionError, http.client.IncompleteRead):
        for line in response:
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "data":
                data += value
            elif name == "event":
                event = value
            elif not name:
                for frame in json.loads(data)["frames"] if event == "frames" else ():
                    stream.arrivals.setdefault(frame["seq"], clock.now())
                    if "step" in frame:
                        stream.rows[frame["seq"]] = frame["step"]["html"]
                stream.trouble = json.loads(data) if event == "trouble" else stream.trouble
                stream.ended = stream.ended or event == "end"
                stream.stopping = event == "stopping"
                data = event = ""
                yield stream
