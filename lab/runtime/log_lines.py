"""A container's output, cut into log lines.

Bytes come as the engine relays them; a logical line ends at its newline however many pieces it came in (the partial records
of CRI's and Docker's log files are never seen). A container that floods is not allowed to occupy the lab: beyond the
budget, output is counted and dropped, and one line says how much. This module does no I/O.
Source: pkg/kubelet/kuberuntime/logs/logs.go; the kubelet's containerLogMaxSize (10Mi) for the burst.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab.runtime.runtime import LogLine

MAXIMUM_LINE_BYTES = 256 * 1024  # a longer line is cut there; CRI would go on for ever
BURST_BYTES = 10 << 20  # containerLogMaxSize: beyond it the kubelet rotates and `kubectl logs` forgets
BURST_LINES = 100_000
REFILL_SECONDS = 60.0  # an empty budget is full again after this


@dataclass(slots=True)
class _Partial:
    text: bytearray
    at: str


class LogLines:
    """Collects one container's lines. Times are the moment the newline arrived, as the caller gives it."""

    def __init__(self, *, burst_bytes: int = BURST_BYTES, burst_lines: int = BURST_LINES) -> None:
        self._partial: dict[str, _Partial] = {}
        self._burst_bytes = float(burst_bytes)
        self._burst_lines = float(burst_lines)
        self._bytes_left = self._burst_bytes
        self._lines_left = self._burst_lines
        self._filled_at: float | None = None
        self._dropped_bytes = 0
        self._dropped_lines = 0
        self.unfinished = False  # once `finish` was called: whether its last line had no newline

    @property
    def flooding(self) -> bool:
        """Whether output is being dropped now."""
        return self._dropped_bytes > 0

    def feed(self, pieces: Iterable[tuple[str, bytes]], *, at: str, elapsed_seconds: float) -> tuple[LogLine, ...]:
        """Return the lines that these pieces of output complete."""
        self._refill(elapsed_seconds)
        lines: list[LogLine] = []
        for stream, data in pieces:
            count = data.count(b"\n")
            if not self._afford(len(data), count):
                continue
            lines.extend(self._notice(at))
            lines.extend(self._cut(stream, data, at))
        return tuple(lines)

    def finish(self, *, at: str) -> tuple[LogLine, ...]:
        """Return what is left when the output has ended: lines without a newline, and the notice about dropped output."""
        lines = [*self._notice(at)]
        for stream, partial in self._partial.items():
            if partial.text:
                lines.append((partial.at, stream, _text(partial.text)))
                self.unfinished = True
        self._partial.clear()
        return tuple(lines)

    def _cut(self, stream: str, data: bytes, at: str) -> Iterable[LogLine]:
        partial = self._partial.get(stream)
        *whole, rest = data.split(b"\n")
        for number, line in enumerate(whole):
            if number == 0 and partial is not None and partial.text:
                partial.text += line
                yield from _bounded(stream, partial.text, at)
                partial.text = bytearray()
            else:
                yield from _bounded(stream, line, at)
        if partial is None:
            partial = self._partial[stream] = _Partial(bytearray(), at)
        if rest:
            partial.text += rest
            partial.at = at
            while len(partial.text) > MAXIMUM_LINE_BYTES:
                yield at, stream, _text(partial.text[:MAXIMUM_LINE_BYTES])
                del partial.text[:MAXIMUM_LINE_BYTES]

    def _refill(self, elapsed_seconds: float) -> None:
        if self._filled_at is not None:
            share = (elapsed_seconds - self._filled_at) / REFILL_SECONDS
            self._bytes_left = min(self._burst_bytes, self._bytes_left + self._burst_bytes * share)
            self._lines_left = min(self._burst_lines, self._lines_left + self._burst_lines * share)
        self._filled_at = elapsed_seconds

    def _afford(self, size: int, count: int) -> bool:
        # Once it drops, it drops until a tenth of the budget is back: not one line in a thousand, but stretches that can be read.
        threshold = 0.1 if self._dropped_bytes else 0.0
        enough = self._bytes_left - size >= threshold * self._burst_bytes
        if enough and self._lines_left - count >= threshold * self._burst_lines:
            self._bytes_left -= size
            self._lines_left -= count
            return True
        self._dropped_bytes += size
        self._dropped_lines += count
        self._partial.clear()
        return False

    def _notice(self, at: str) -> Iterable[LogLine]:
        if self._dropped_bytes:
            how_much = f"{self._dropped_lines} lines, {self._dropped_bytes} bytes"
            yield at, "stderr", f"[pod-hook-lab: {how_much} of output not kept: the container writes too fast]"
        self._dropped_bytes = self._dropped_lines = 0


def _bounded(stream: str, line: bytes | bytearray, at: str) -> Iterable[LogLine]:
    for start in range(0, max(1, len(line)), MAXIMUM_LINE_BYTES):
        yield at, stream, _text(line[start : start + MAXIMUM_LINE_BYTES])


def _text(line: bytes | bytearray) -> str:
    return line.decode("utf-8", errors="replace")
