"""Facts of a run: how it was opened, waited for its turn, and ended, and where it is to be held."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOpened:
    """A learner pressed Run (or ``lab run`` began): ``manifest`` is the editor's text, unchanged."""

    run_id: str
    example: str
    manifest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunClosed:
    """The run's pods are gone and nothing of it runs any more."""

    run_id: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAborted:
    """The lab ended the run itself. ``why`` is a sentence; ``by`` is restart · stop · engine · limit (of the run's time) · idle
    (nobody acted on it or looked at it) · disk (its learner's files) · failure · learner."""

    run_id: str
    why: str
    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunQueued:
    """The run waits for its turn, because the machine is full: ``ahead`` others have theirs before it. Said again whenever that
    changes. Nothing of it has been submitted."""

    run_id: str
    ahead: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAdmitted:
    """A run that waited has its turn; what was to be submitted is submitted now."""

    run_id: str
    waited_seconds: float


HoldPoint = Literal[
    "before-start", "after-start", "before-post-start-result", "before-pre-stop", "before-stop-signal", "before-sigkill"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldPointsChosen:
    """The learner wants the run step by step: the kubelet is to stop at these points until they press Continue. Said before
    the run's pods are created."""

    run_id: str
    points: tuple[HoldPoint, ...]
