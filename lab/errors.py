"""The lab's own exceptions.

A learner's failure is a fact or a field error, never an exception; these mean that the lab could not do its part.

    LabError
    ├── EngineError                cannot do something with the container engine
    │   ├── EngineUnavailable      no engine answers
    │   ├── ImageNotFound          the engine's local store has no such image
    │   └── ContainerGone          the container (or exec) is not there or not running any more
    ├── ApiError                   a refusal of the API server, in transit to the learner's answer: code, reason, message
    ├── VolumeError                a pod's volume cannot be prepared on its node, in the kubelet's words
    ├── HistoryExpired             a reader asked for entries older than the retention horizon
    ├── StoreError                 the store cannot be read or written
    ├── BundleError                a file is not a run that this lab can show
    ├── ScenarioError              a scenario directory cannot be read
    ├── ContentError               a content folder cannot be read as lessons; lists every problem with file and line
    ├── ClassroomError             a class, a seat or a sign-in is refused; has words for whoever asked
    └── SettingsError              a setting has a value that cannot be used

Messages start with "cannot …", name the object and the remedy. Third-party exceptions stop at the one module that
imports the package and are re-raised ``from`` the original as one of these.
"""

from __future__ import annotations

from typing import Any


class LabError(Exception):
    """Base of every error the lab raises itself."""


class EngineError(LabError):
    """The container engine refused or failed. ``runtime_message`` holds the engine's own words, unchanged."""

    def __init__(self, message: str, *, runtime_message: str = "", code: int | None = None) -> None:
        super().__init__(message)
        self.runtime_message = runtime_message or message
        self.code = code


class EngineUnavailable(EngineError):
    """No container engine answers."""


class ImageNotFound(EngineError):
    """The engine's local store does not hold the image."""


class ContainerGone(EngineError):
    """The container or exec is not there, or is no longer running."""


class ApiError(LabError):
    """A refusal as the API server words it: HTTP status, Status reason, and ``causes`` as (field, message) pairs."""

    def __init__(self, code: int, reason: str, message: str, *, causes: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.causes = causes


class VolumeError(LabError):
    """A pod's volume cannot be prepared on its virtual node; the message is the kubelet's."""


class HistoryExpired(LabError):
    """Entries before the retention horizon were asked for."""


class StoreError(LabError):
    """The store cannot be read or written."""


class BundleError(LabError):
    """A file is not a run's bundle, or not one that this lab can show; the message says where and why."""


class ProgressError(LabError):
    """A file is not a learner's progress; the message says where and why."""


class ScenarioError(LabError):
    """A scenario directory, manifest or actions file cannot be read."""


class ContentError(LabError):
    """The content folder has mistakes; the message lists all of them, one ``FILE:LINE: cannot …`` a line."""


class SettingsError(LabError):
    """A setting has a value that cannot be used."""


class ClassroomError(LabError):
    """A class, a seat in it or a sign-in is refused. ``words`` is a `lab.insight.phrase.Phrase` for whoever asked;
    ``retry_seconds`` is set when the same may be tried again after so long."""

    def __init__(self, words: Any, *, retry_seconds: int | None = None) -> None:
        super().__init__(words.english.format(**words.values))
        self.words = words
        self.retry_seconds = retry_seconds
