"""What an instructor does to a whole class: get it ready, run an example for everybody who is here, end all runs."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, abort, request
from werkzeug.wrappers import Response as BaseResponse

from lab.classroom.announcements import Announcement
from lab.classroom.model import Learner
from lab.classroom.presence import Presence
from lab.classroom.register import LARGEST_CLASS, Register
from lab.errors import LabError
from lab.insight.phrase import Phrase, phrase
from lab.lessons import Example
from lab.web.classroom.classes import find_class, to_board
from lab.web.classroom.notices import Notices
from lab.web.classroom.roster import ENDED_BY, WHY_ENDED, end_runs
from lab.web.presenters import example_url
from lab.web.visit import Site

REFUSALS_NAMED = 3
_ENDED = phrase("The class has ended; reopen it first.", "课程已结束，请先重新开放。")


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """Acts on classes."""

    site: Site
    register: Register
    presence: Presence
    notices: Notices

    def end_all(self, class_id: str) -> None:
        """End every live run of a class."""
        ended = sum(end_runs(self.site.services, learner) for learner in self.register.roster(class_id))
        self.notices.say(class_id, phrase("Runs that were ended: {n}.", "已结束 {n} 个运行。", n=ended))

    def warm_up(self, class_id: str, manifests: tuple[str, ...], seats: int) -> None:
        """Make the network of everybody who has a seat, and of ``seats`` in all; and the sandbox of the first example."""
        clusters = [learner.cluster for learner in self.register.roster(class_id)]
        clusters += self.register.spare_clusters(class_id, max(0, seats - len(clusters)))
        for cluster in clusters:
            self.site.services.prepare(cluster, manifests)
        self.notices.say(class_id, phrase("Getting {n} seats ready…", "正在准备 {n} 个座位……", n=len(clusters)))

    def start_all(self, class_id: str, example: Example) -> None:
        """Run an example for everybody who is here and does not run it already; each in their own cluster, in the fair queue."""
        here = [learner for learner in self.register.roster(class_id) if self._is_here(learner)]
        started, refused = 0, []
        for learner in here:
            try:
                started += self._start(learner, example)
            except LabError as error:
                refused.append((learner, error))
        self.notices.say(class_id, _told(example, started, len(here), refused), failed=bool(refused))

    def announce(self, class_id: str, example: Example, url: str) -> None:
        """Tell every page of a class that an example is run for everybody, and where it stands."""
        if self.site.happenings is not None:
            words = phrase(
                "Your instructor runs an example for everybody: {example}.",
                "讲师正在为所有人运行示例：{example}。",
                example=_label(example),
            )
            self.site.happenings.announcements.make(class_id, Announcement(words=words, url=url))

    def _is_here(self, learner: Learner) -> bool:
        sighting = self.presence.of(learner.id)
        return sighting is not None and sighting.is_here

    def _start(self, learner: Learner, example: Example) -> bool:
        """Run an example for a learner. False when a run of theirs goes on. Raises LabError."""
        services, progress = self.site.services, self.site.progress
        if any(run.example == example.id for run in services.runs.live(learner.cluster)):
            return False
        progress.settle(learner.cluster, example)
        run = services.runs.open(learner.cluster, example.id, example.manifest, verb=example.submit)
        if not self.register.has_seat(learner.id):  # removed meanwhile
            services.runs.abort(run.id, why=WHY_ENDED, by=ENDED_BY)
            return False
        if services.predictions.bind(learner.cluster, example.id, run.id):
            progress.note(learner.cluster, "predicted", example.id)
        progress.note(learner.cluster, "ran", example.id)
        return True


def add_steering(blueprint: Blueprint, steering: Steering) -> None:
    """Add these actions to the blueprint."""
    site, register = steering.site, steering.register

    def has_ended(class_id: str) -> bool:
        """Whether a class has ended, which is said on its board: nothing is started in it."""
        ended = not find_class(register, class_id).is_open
        if ended:
            steering.notices.say(class_id, _ENDED, failed=True)
        return ended

    @blueprint.post("/class/<class_id>/end-runs")
    def end_all_runs(class_id: str) -> BaseResponse:
        find_class(register, class_id)
        steering.end_all(class_id)
        return to_board(class_id)

    @blueprint.post("/class/<class_id>/warm-up")
    def warm_up(class_id: str) -> BaseResponse:
        if has_ended(class_id):
            return to_board(class_id)
        lesson = site.find_lesson(request.form.get("lesson", ""))
        manifests = tuple(example.manifest for example in lesson.examples) if lesson else ()
        seats = request.form.get("seats", "").strip()
        wanted = int(seats) if seats.isascii() and seats.isdigit() and len(seats) <= len(str(LARGEST_CLASS)) else 0
        steering.warm_up(class_id, manifests, min(wanted, LARGEST_CLASS))
        return to_board(class_id)

    @blueprint.post("/class/<class_id>/start-all")
    def start_all(class_id: str) -> BaseResponse:
        if has_ended(class_id):
            return to_board(class_id)
        example = site.find_example(request.form.get("example", "")) or abort(404)
        words = phrase("Starting {example} for everybody…", "正在为所有人启动 {example}……", example=_label(example))
        steering.notices.say(class_id, words)
        steering.announce(class_id, example, example_url(example))
        site.services.clock.spawn(f"start all {class_id}", steering.start_all, class_id, example)
        return to_board(class_id)


def _told(example: Example, started: int, here: int, refused: list[tuple[Learner, LabError]]) -> Phrase:
    label = _label(example)
    if not here:
        return phrase("{example}: nobody is here to run it.", "{example}：没有在线的学员。", example=label)
    if not refused:
        goes_on = here - started
        return phrase(
            "{example}: started for {n}; it already ran for {others}.",
            "{example}：已为 {n} 人启动；{others} 人已在运行。",
            example=label,
            n=started,
            others=goes_on,
        )
    names = ", ".join(learner.nickname for learner, _ in refused[:REFUSALS_NAMED])
    error = refused[0][1]
    return phrase(
        "{example}: started for {n}; refused for {refused} ({names}): {why}",
        "{example}：已为 {n} 人启动；{refused} 人被拒绝（{names}）：{why}",
        example=label,
        n=started,
        refused=len(refused),
        names=names,
        why=getattr(error, "words", str(error)),
    )


def _label(example: Example) -> Phrase:
    return phrase("{label}", "{label_zh}", label=example.labels["en"], label_zh=example.labels["zh"])
