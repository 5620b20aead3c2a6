"""Runs that were opened from files: they are read like the lab's own, and nothing else.

A file is checked before it is kept, one at a time: its facts have the right form, and its page can be made. What is kept then is
what this lab has read, written anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from lab.errors import BundleError
from lab.timeline.bundle import Bundle, read_bundle
from lab.timeline.facts import Entry
from lab.timeline.run import Run
from lab.web.frames import Frames, Renderer, frame_text
from lab.web.services import Bundles

PREFIX = "file-"  # of the ids of such runs
KEPT_IN_MEMORY = 16  # bundles that were read last


class OpenedRuns:
    """The runs of files. Thread-safe."""

    def __init__(self, bundles: Bundles) -> None:
        self._bundles = bundles
        self._lock = threading.Lock()
        self._checking = threading.Lock()
        self._read: OrderedDict[str, Bundle] = OrderedDict()

    def open(self, data: bytes, cluster: str, renderer: Renderer) -> str:
        """Check and keep a file, and return the id of its run. Takes up to some seconds. Raises BundleError, StoreError."""
        with self._checking:
            bundle = read_bundle(data)
            _require_shown(bundle, renderer)
        return PREFIX + self._bundles.keep(bundle.text, cluster)

    def run(self, run_id: str) -> Run | None:
        """Return such a run."""
        bundle = self.bundle(run_id)
        return bundle.run(run_id) if bundle else None

    def entries(self, run_id: str, after: int = 0) -> tuple[Entry, ...]:
        """Return its entries after ``after``."""
        bundle = self.bundle(run_id)
        return tuple(entry for entry in bundle.entries_as(run_id) if entry.seq > after) if bundle else ()

    def bundle(self, run_id: str) -> Bundle | None:
        """Return what is known of such a run; None when it is none, or is not kept any more."""
        if not run_id.startswith(PREFIX):
            return None
        with self._lock:
            if run_id in self._read:
                self._read.move_to_end(run_id)
                return self._read[run_id]
        text = self._bundles.get(run_id.removeprefix(PREFIX))
        if text is None:
            return None
        bundle = read_bundle(text)
        with self._lock:
            self._read[run_id] = bundle
            while len(self._read) > KEPT_IN_MEMORY:
                self._read.popitem(last=False)
        return bundle


def _require_shown(bundle: Bundle, renderer: Renderer) -> None:
    """Make the whole page of a bundle once; whatever in it a page cannot be made of is a fault of the file."""
    frames, entry = Frames(renderer), bundle.entries[0]
    try:
        for entry in bundle.entries:
            frame = frames.add(entry)
            if frame is not None:
                frame_text(frame)
    except Exception as error:
        name = type(entry.fact).__name__
        raise BundleError(f"cannot open this run: its entry {entry.seq} ({name}) cannot be shown: {error!r}") from error
