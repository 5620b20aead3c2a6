"""What an instructor does to one learner: another name, an end to their runs, their seat taken away."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from lab.classroom.model import Learner
from lab.classroom.presence import Presence
from lab.classroom.register import Register
from lab.errors import ClassroomError
from lab.insight.phrase import phrase
from lab.web.classroom.classes import to_board
from lab.web.classroom.notices import Notices
from lab.web.services import Services
from lab.web.visit import Site

ENDED_BY = "instructor"
WHY_ENDED = "Your instructor ended it."


def add_roster(blueprint: Blueprint, site: Site, register: Register, presence: Presence, notices: Notices) -> None:
    """Add these actions to the blueprint."""

    def found(class_id: str, learner_id: str) -> Learner:
        learner = register.learner(learner_id)
        if learner is None or learner.class_id != class_id or learner.removed_at is not None:
            abort(404)
        return learner

    @blueprint.post("/class/<class_id>/learners/<learner_id>/rename")
    def rename_learner(class_id: str, learner_id: str) -> BaseResponse:
        before = found(class_id, learner_id)
        try:
            after = register.rename(learner_id, request.form.get("nickname", ""))
        except ClassroomError as error:
            notices.say(class_id, error.words, failed=True)
        else:
            names = {"before": before.nickname, "after": after.nickname}
            notices.say(class_id, phrase("{before} is now called {after}.", "{before} 现在叫 {after}。", **names))
        return to_board(class_id)

    @blueprint.post("/class/<class_id>/learners/<learner_id>/end-runs")
    def end_learners_runs(class_id: str, learner_id: str) -> BaseResponse:
        learner = found(class_id, learner_id)
        ended = end_runs(site.services, learner)
        notices.say(
            class_id,
            phrase("Runs of {name} that were ended: {n}.", "已结束 {name} 的 {n} 个运行。", name=learner.nickname, n=ended),
        )
        return to_board(class_id)

    @blueprint.post("/class/<class_id>/runs/<run_id>/end")
    def end_run(class_id: str, run_id: str) -> BaseResponse:
        run = site.services.runs.get(run_id) or abort(404)
        owner = register.learner_of(run.cluster)
        if owner is None or owner.class_id != class_id:
            abort(404)
        site.services.runs.abort(run_id, why=WHY_ENDED, by=ENDED_BY)
        return redirect(url_for("lab.run", run_id=run_id), code=303)

    @blueprint.post("/class/<class_id>/learners/<learner_id>/remove")
    def remove_learner(class_id: str, learner_id: str) -> BaseResponse:
        learner = found(class_id, learner_id)
        register.remove(learner_id)
        presence.forget(learner_id)
        end_runs(site.services, learner)
        site.services.clock.spawn(f"discard {learner.cluster}", site.services.discard, learner.cluster)
        notices.say(
            class_id,
            phrase("{name} was removed; their runs are being ended.", "已移除 {name}，其运行正在结束。", name=learner.nickname),
        )
        return to_board(class_id)


def end_runs(services: Services, learner: Learner) -> int:
    """End a learner's live runs, and their repeat if one goes on; return how many runs there were."""
    services.repeats.cancel_all(learner.cluster)
    live = services.runs.live(learner.cluster)
    for run in live:
        services.runs.abort(run.id, why=WHY_ENDED, by=ENDED_BY)
    return len(live)
