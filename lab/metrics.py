"""What the lab measures of itself, in Prometheus' words; the only importer of prometheus_client.

Each laboratory has a registry of its own. What happens is counted as it happens (requests, facts made durable, what goes wrong);
what is, such as live runs, is asked for at each scrape and given as `Sign`. Labels are names of the lab's own, endpoints and
methods, never anything that a visitor chose, so what is kept does not grow with the day.
Source: prometheus.io/docs/practices/naming.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_REQUEST_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds; pages are to stay below 0.1
_DURABLE_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.15, 0.5, 1.0, 5.0)  # seconds; a fact is to be seen within 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """Something that is now: what it is called, what it says, and how much it is."""

    name: str
    help: str
    value: float


class Metrics:
    """The measurements of one lab. Thread-safe."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._requests = Histogram(
            "lab_request_seconds",
            "Time until a request was answered, streams until they began",
            ("endpoint", "method", "status"),
            buckets=_REQUEST_BUCKETS,
            registry=self._registry,
        )
        self._streams = Gauge("lab_streams_open", "Followers: streams of events that are open", registry=self._registry)
        self._problems = Counter(
            "lab_problems_total", "Warnings and errors in the lab's log", ("level",), registry=self._registry
        )
        self._durable = Histogram(
            "lab_fact_durable_seconds",
            "Time from a fact's append until it was durable; its count is the number of facts appended",
            buckets=_DURABLE_BUCKETS,
            registry=self._registry,
        )
        ProcessCollector(registry=self._registry)
        PlatformCollector(registry=self._registry)

    def request(self, endpoint: str, method: str, status: int, seconds: float) -> None:
        """Count a request that was answered."""
        self._requests.labels(endpoint, method, str(status)).observe(seconds)

    def durable(self, seconds: float) -> None:
        """Count a fact that has become durable, so long after it was appended."""
        self._durable.observe(seconds)

    def stream_opened(self) -> None:
        """Count a follower in."""
        self._streams.inc()

    def stream_closed(self) -> None:
        """Count a follower out."""
        self._streams.dec()

    def watch(self, read: Callable[[], Iterable[Sign]]) -> None:
        """Ask for these signs at each scrape."""
        self._registry.register(_Signs(read))

    def log_handler(self) -> logging.Handler:
        """Return a handler that counts what a logger warns of."""
        return _Counting(self._problems)

    def text(self) -> bytes:
        """Return everything measured, in the text format."""
        return generate_latest(self._registry)


class _Signs(Collector):
    """Asks when it is scraped, and not when it is registered."""

    def __init__(self, read: Callable[[], Iterable[Sign]]) -> None:
        self._read = read

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for sign in self._read():
            yield GaugeMetricFamily(sign.name, sign.help, value=sign.value)


class _Counting(logging.Handler):
    def __init__(self, problems: Counter) -> None:
        super().__init__(logging.WARNING)
        self._problems = problems

    def emit(self, record: logging.LogRecord) -> None:
        self._problems.labels("error" if record.levelno >= logging.ERROR else "warning").inc()
