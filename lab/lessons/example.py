"""One runnable example of a lesson: a manifest, what to press, what to look for, and what must then be seen.

An example is the folder ``examples/<name>/`` with ``pod.yaml`` (the manifest exactly as the editor shows it) and
``example.yaml``:

    label: {en: …, zh: …}          look_for: {en: …, zh: …}     one or two sentences beside the card
    delete: graceful | force | <seconds of a grace period>       what the lesson tells the learner to press
    submit: apply | create         node: [/dir, …]               directories the virtual node has beforehand, empty
    refused: true                  the API refuses the manifest, and that is the point
    before_delete, after_delete    scenario actions (see lab/scenarios); by default: wait until ready, and 1.2 s more
    predict: …                     cards that a learner puts into an order before the run (`lab.lessons.cards`)
    expect: …                      what a real run must show (`Expectation`); `lab content check` runs every example

With a ``check.yaml`` (`lab.lessons.check`) it is a challenge: ``pod.yaml`` is broken, ``symptom: {en: …, zh: …}`` says what
one notices, and ``solution.yaml`` is a manifest that passes, by default when one waits until it is ready and deletes it
gracefully; ``solved: {before_delete, delete, after_delete}`` says what else to do. Nothing here runs anything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from lab.lessons.cards import Cards, read_cards
from lab.lessons.check import Check, read_check
from lab.lessons.fields import Fields, Words
from lab.lessons.problems import Problems

Action = Mapping[str, Any]

READY = ({"do": "wait", "for": "ready", "timeout": 60}, {"do": "wait", "for": "time=1.2"})
LONGEST_GRACE_PERIOD_SECONDS = 600  # lab: a lesson that makes a learner wait longer teaches nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedDelete:
    """The item of the Delete menu that the lesson asks for; ``grace_period_seconds`` goes with ``grace-period``."""

    mode: Literal["graceful", "grace-period", "force"] = "graceful"
    grace_period_seconds: int | None = None

    @property
    def kubectl_arguments(self) -> tuple[str, ...]:
        """What kubectl delete is given for it."""
        match self.mode:
            case "graceful":
                return ()
            case "grace-period":
                return (f"--grace-period={self.grace_period_seconds}",)
            case "force":
                return ("--grace-period=0", "--force")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a run must show. Sequences must occur in this order, other things may stand between.

    ``story`` is told in moments (`lab.insight.moments`), such as "app preStop began". ``statuses`` are kubectl's STATUS
    column, ``events`` reasons, ``logs`` parts of log lines. ``answers`` are parts of what kubectl printed, in any order.
    ``absent`` lists moments, event reasons, STATUS values and parts of log lines and answers that must not occur. ``files``
    are read in the container before the delete, ``node_files`` on the node afterwards (None: not there).
    """

    story: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    node_files: Mapping[str, str | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What makes an example a challenge."""

    symptom: Words
    check: Check
    solution: str
    before_delete: tuple[Action, ...]
    delete: SuggestedDelete
    after_delete: tuple[Action, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A manifest that a learner edits and runs. ``lesson`` is the lesson's slug, ``folder`` its place in the content folder;
    texts are per language."""

    lesson: str
    folder: str
    name: str
    labels: Words
    look_for: Words
    manifest: str
    submit: Literal["apply", "create"]
    delete: SuggestedDelete
    node_directories: tuple[str, ...]
    refused: bool
    before_delete: tuple[Action, ...]
    after_delete: tuple[Action, ...]
    expect: Expectation
    cards: Cards = field(default_factory=Cards)
    challenge: Challenge | None = None

    @property
    def id(self) -> str:
        """``<lesson slug>/<example name>``: how runs, URLs and tests call it."""
        return f"{self.lesson}/{self.name}"

    def actions(self) -> tuple[Action, ...]:
        """Return what the lesson tells the learner to do, as the actions of a scenario."""
        before: tuple[Action, ...] = tuple({"do": "hostdir", "path": path} for path in self.node_directories)
        after: tuple[Action, ...] = tuple({"do": "hostfile", "path": path} for path in self.expect.node_files)
        if self.refused:
            return (*before, {"do": self.submit})
        return (
            *before,
            {"do": self.submit},
            *self.before_delete,
            *({"do": "readfile", "path": path} for path in self.expect.files),
            {"do": "delete", "args": list(self.delete.kubectl_arguments)},
            {"do": "wait", "for": "gone", "timeout": 90},
            *self.after_delete,
            *after,
        )

    def solved(self, challenge: Challenge) -> Example:
        """Return the example as it is played with its challenge's solution, which shows no symptom."""
        return replace(
            self,
            manifest=challenge.solution,
            before_delete=challenge.before_delete,
            delete=challenge.delete,
            after_delete=challenge.after_delete,
            expect=Expectation(),
        )


def read_example(folder: Path, lesson: str, path: str, problems: Problems) -> Example:
    """Read an example folder; ``path`` is how problems name it. Whatever is missing or wrong is noted in ``problems``."""
    manifest = _read(folder / "pod.yaml", f"{path}/pod.yaml", problems)
    description = f"{path}/example.yaml"
    fields = Fields.parse(_read(folder / "example.yaml", description, problems), description, problems)
    example = Example(
        lesson=lesson,
        folder=path,
        name=folder.name,
        labels=fields.words("label"),
        look_for=fields.words("look_for"),
        manifest=manifest,
        submit=_submit(fields),
        delete=_suggested_delete(fields),
        node_directories=fields.strings("node"),
        refused=fields.flag("refused"),
        before_delete=fields.list_of("before_delete", dict, default=READY),
        after_delete=fields.list_of("after_delete", dict),
        expect=_expectation(fields.nested("expect")),
        cards=read_cards(fields),
        challenge=_challenge(folder, path, fields, problems) if (folder / "check.yaml").exists() else None,
    )
    fields.finish()
    return example


def _challenge(folder: Path, path: str, fields: Fields, problems: Problems) -> Challenge:
    solved = fields.nested("solved")
    challenge = Challenge(
        symptom=fields.words("symptom"),
        check=read_check(_read(folder / "check.yaml", f"{path}/check.yaml", problems), f"{path}/check.yaml", problems),
        solution=_read(folder / "solution.yaml", f"{path}/solution.yaml", problems),
        before_delete=solved.list_of("before_delete", dict, default=READY),
        delete=_suggested_delete(solved),
        after_delete=solved.list_of("after_delete", dict),
    )
    solved.finish()
    return challenge


def _submit(fields: Fields) -> Literal["apply", "create"]:
    match fields.value("submit", default="apply"):
        case "apply":
            return "apply"
        case "create":
            return "create"
        case _:
            fields.wrong("submit", "apply or create")
            return "apply"


def _suggested_delete(fields: Fields) -> SuggestedDelete:
    match fields.value("delete", default="graceful"):
        case "graceful":
            return SuggestedDelete()
        case "force":
            return SuggestedDelete(mode="force")
        case int(seconds) if not isinstance(seconds, bool) and 0 <= seconds <= LONGEST_GRACE_PERIOD_SECONDS:
            return SuggestedDelete(mode="grace-period", grace_period_seconds=seconds)
        case _:
            fields.wrong("delete", "graceful, force, or the seconds of a grace period")
            return SuggestedDelete()


def _expectation(fields: Fields) -> Expectation:
    expectation = Expectation(
        story=fields.strings("story"),
        statuses=fields.strings("statuses"),
        events=fields.strings("events"),
        logs=fields.strings("logs"),
        answers=fields.strings("answers"),
        absent=fields.strings("absent"),
        files=fields.mapping("files", str),
        node_files=fields.mapping("node_files", str, type(None)),
    )
    fields.finish()
    return expectation


def _read(file: Path, path: str, problems: Problems) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        problems.note(path, 1, "cannot find this file; add it")
    except (OSError, UnicodeDecodeError) as error:
        problems.note(path, 1, f"cannot read this file ({error}); save it as UTF-8 text that the lab may read")
    return ""
