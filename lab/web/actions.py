"""What a learner can do: run a manifest, delete its pods, have a text reviewed.

Every action is a form that works without a script (answered with a redirect to the run's page) and under htmx (answered with a
fragment below the buttons; what happens comes by the page's stream). A learner's failure is an answer, never a 500.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, jsonify, redirect, url_for
from htmx_flask import make_response, request
from werkzeug.wrappers import Response as BaseResponse

from lab.errors import LabError
from lab.insight.phrase import phrase
from lab.lessons import Example
from lab.timeline.run import Run
from lab.web.diagnosis import Diagnosis, diagnose
from lab.web.hands import chosen_hold_points
from lab.web.presenters import card_key
from lab.web.problems import Problem, words_of
from lab.web.troubles import STORE
from lab.web.visit import Site, chosen_language, learner
from lab.web.wording import WORDINGS

LONGEST_GRACE_PERIOD_SECONDS = 3_600  # lab: no learner waits longer
LONGEST_SECONDS_TEXT = 10  # digits; Python refuses to read numbers of thousands of them
_NO_GRACE_PERIOD = phrase(
    "cannot use that grace period; give whole seconds from 0 to {most}",
    "无法使用这个宽限期；请输入 0 到 {most} 之间的整数秒",
    most=LONGEST_GRACE_PERIOD_SECONDS,
)
NO_SEAT = phrase("You are not in the class any more; nothing was started.", "你已不在班级中，没有启动任何运行。")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the card says to an action: the lab's own refusal, what the review found, an offer to start afresh."""

    key: str
    problem: str = ""
    diagnosis: Diagnosis | None = None
    offer_fresh: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deletion:
    """An item of the Delete menu, read from its form."""

    grace_period_seconds: int | None
    force: bool


def add_actions(blueprint: Blueprint, site: Site) -> None:
    """Add the learner's actions to the blueprint."""

    @blueprint.post("/examples/<path:example_id>/run")
    def run_example(example_id: str) -> BaseResponse:
        example = site.find_example(example_id) or abort(404)
        reply, run = _run(site, example, request.form.get("manifest", "").replace("\r\n", "\n"), "fresh" in request.form)
        return _answer(site, reply, run, elsewhere="run_page" in request.form)

    @blueprint.post("/examples/<path:example_id>/delete")
    def delete_example(example_id: str) -> BaseResponse:
        run = site.services.runs.latest(learner(), example_id) or abort(404)
        return _answer(site, _delete(site, run), run, elsewhere=False)

    @blueprint.post("/runs/<run_id>/delete")
    def delete_run(run_id: str) -> BaseResponse:
        run = site.find_run(run_id) or abort(404)
        if run.cluster != learner():
            abort(403, "owner")
        return _answer(site, _delete(site, run), run, elsewhere=False)

    @blueprint.post("/review")
    def review() -> Response:
        return jsonify(diagnose(request.form.get("manifest", "")).to_json(WORDINGS[chosen_language()]))


def _run(site: Site, example: Example, manifest: str, fresh: bool) -> tuple[Reply, Run | None]:
    """Open a run, or submit the text to the one that is live; say what there is to say about the text."""
    key, runs = card_key(example.id), site.services.runs
    problem = site.standstill()
    if problem:
        return Reply(key=key, problem=problem), None
    earlier = runs.latest(learner(), example.id)
    live = earlier is not None and earlier.ended is None and not fresh
    site.progress.settle(learner(), example)
    try:
        run = runs.open(learner(), example.id, manifest, verb=example.submit, fresh=fresh, hold_points=chosen_hold_points())
        if not live and site.services.predictions.bind(learner(), example.id, run.id):
            site.progress.note(learner(), "predicted", example.id)
    except LabError as error:
        return Reply(key=key, problem=words_of(error)), None
    if site.has_lost_seat():
        runs.abort(run.id, why="Its learner was removed from the class.", by="instructor")
        return Reply(key=key, problem=WORDINGS[chosen_language()].plain(NO_SEAT)), None
    site.progress.note(learner(), "ran", example.id)
    found = diagnose(manifest)
    return Reply(key=key, diagnosis=found if found.remarks else None, offer_fresh=live), run


def _delete(site: Site, run: Run) -> Reply:
    key = card_key(run.example)
    deletion = read_deletion()
    if deletion is None:
        return Reply(key=key, problem=WORDINGS[chosen_language()].plain(_NO_GRACE_PERIOD))
    if site.services.store_problem() is not None:
        return Reply(key=key, problem=WORDINGS[chosen_language()].plain(STORE))
    pod = request.form.get("pod") or None
    try:
        site.services.runs.delete(run.id, pod=pod, grace_period_seconds=deletion.grace_period_seconds, force=deletion.force)
    except LabError as error:
        return Reply(key=key, problem=words_of(error))
    return Reply(key=key)


def read_deletion() -> Deletion | None:
    """Read the form's ``mode`` (graceful · grace-period · force) and ``seconds``; None when the seconds are no grace period."""
    match request.form.get("mode"):
        case "force":
            return Deletion(grace_period_seconds=0, force=True)
        case "grace-period":
            seconds = request.form.get("seconds", "").strip()
            digits = seconds.isascii() and seconds.isdigit() and len(seconds) <= LONGEST_SECONDS_TEXT
            if not digits or int(seconds) > LONGEST_GRACE_PERIOD_SECONDS:
                return None
            return Deletion(grace_period_seconds=int(seconds), force=False)
        case _:
            return Deletion(grace_period_seconds=None, force=False)


def _answer(site: Site, reply: Reply, run: Run | None, *, elsewhere: bool) -> BaseResponse:
    """Answer with a fragment under htmx, else lead to the run's page, or say on a page of its own why there is none."""
    if not request.htmx:
        if run is None or reply.problem:
            return site.page("problem.html", Problem(code=409, kind="refused", message=reply.problem), status=409)
        return redirect(url_for("lab.run", run_id=run.id), code=303)
    if elsewhere and run is not None:
        response: Response = make_response("", redirect=url_for("lab.run", run_id=run.id))
        return response
    return site.fragment("parts/_reply.html", reply=reply)
