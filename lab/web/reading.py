"""What the pages need where there is no lab behind them: nothing runs, nothing is kept, and recordings are all there is."""

from __future__ import annotations

import secrets
from typing import NoReturn

import lab
from lab.clock import SystemClock
from lab.errors import EngineUnavailable
from lab.lessons import Catalog
from lab.timeline.bundle import Versions
from lab.web.services import Services, WebSettings

HOST = "localhost"  # the only one that asks
_NOTHING_RUNS = "cannot run anything: these are recordings; set up the lab to run pods"


class _Nothing:
    """Runs, repeats, predictions and bundles of nobody."""

    def get(self, *_: object, **__: object) -> None:
        """Find nothing."""

    latest = of_run = waiting = listing = read = get

    def recent(self, *_: object) -> tuple[()]:
        """Find nothing."""
        return ()

    entries = of_example = live = recent

    def examples(self, *_: object) -> dict[str, int]:
        """Find nothing."""
        return {}

    def refuse(self, *_: object, **__: object) -> NoReturn:
        """Raise EngineUnavailable."""
        raise EngineUnavailable(_NOTHING_RUNS)

    open = delete = proceed = run_command = clean_node = timeline = start = before = cancel = keep = withdraw = bind = refuse
    abort = cancel_all = usage = following = refuse


def reading_services(catalog: Catalog) -> Services:
    """Return services for pages that are read and no more."""
    nothing = _Nothing()
    return Services(
        runs=nothing,
        files=nothing,
        repeats=nothing,
        predictions=nothing,
        bundles=nothing,
        versions=lambda: Versions(lab=lab.__version__, engine="", kubernetes=""),
        catalog=catalog,
        settings=WebSettings(allowed_hosts=frozenset((HOST,)), secret_key=secrets.token_hex(), static_edition=True),
        clock=SystemClock(),
        engine_problem=lambda: _NOTHING_RUNS,
        max_run_seconds=0.0,
    )
