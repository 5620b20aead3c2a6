"""What a class leaves: its files, the edition to have in reserve, and its deletion."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, abort, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from lab.classroom.deletion import Deletions
from lab.classroom.model import Class
from lab.classroom.register import Register
from lab.errors import ClassroomError
from lab.insight.phrase import Phrase, phrase
from lab.lessons.progress import Mark
from lab.records.files import FILES, MEDIA_TYPES, written
from lab.records.rows import Report
from lab.timeline.facts import Entry
from lab.timeline.run import Run
from lab.web.classroom.qr import public_address
from lab.web.visit import Site, chosen_language

MOST_RUNS = 10_000  # of one learner: a day of one every few seconds

_UNSURE = phrase("Nothing was deleted: tick the box to say that you are sure.", "没有删除任何内容：请勾选复选框确认。")


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordsPage:
    """The page. ``problem`` is why nothing was deleted; ``export_command`` and ``plan_b_command`` are for the server."""

    classroom: Class
    learners: int
    export_command: str
    plan_b_command: str
    is_being_deleted: bool
    problem: Phrase | str = ""
    engine_problem: str | None = None


class _Kept:
    """Rows' source in a lab that serves."""

    def __init__(self, site: Site) -> None:
        self._services = site.services

    def marks(self, cluster: str) -> Sequence[Mark]:
        return self._services.progress.of(cluster) if self._services.progress else ()

    def runs(self, cluster: str) -> Sequence[Run]:
        return self._services.runs.recent(cluster, MOST_RUNS)[::-1]

    def entries(self, run: Run) -> Sequence[Entry]:
        return self._services.runs.entries(run.id)


def add_records(blueprint: Blueprint, site: Site, register: Register) -> None:
    """Add the page, the files and the deletion to the blueprint."""
    deletions = Deletions(register, site.services.forget, site.services.clock)

    def page(classroom: Class, problem: Phrase | str = "", status: int = 200) -> Response:
        shown = RecordsPage(
            classroom=classroom,
            learners=len(register.everybody(classroom.id)),
            export_command=f"lab classroom export {classroom.id} DIR",
            plan_b_command="lab export plan-b.zip --lessons 05,06",
            is_being_deleted=deletions.is_going(classroom.id),
            problem=problem or deletions.problem(classroom.id),
        )
        return site.page("classroom/records.html", shown, status=status)

    @blueprint.get("/class/<class_id>/records")
    def class_records(class_id: str) -> BaseResponse:
        classroom = register.find_class(class_id)
        return redirect("/class", code=303) if classroom is None else page(classroom)

    @blueprint.get("/class/<class_id>/export/<any(progress, runs):subject>.<any(csv, json):form>")
    def class_export(class_id: str, subject: str, form: str) -> Response:
        classroom = register.find_class(class_id) or abort(404)
        which = next(file for file in FILES if file == (subject, form))
        report = Report(
            classroom=classroom,
            learners=register.everybody(class_id),
            catalog=site.services.catalog,
            language=chosen_language(),
            address=public_address(site, ""),
        )
        pieces = written(*which, report, _Kept(site), site.services.clock.now())
        response = Response(pieces, content_type=MEDIA_TYPES[which[1]])
        response.headers.set("Content-Disposition", "attachment", filename=file_name(classroom, *which))
        return response

    @blueprint.get("/class/<class_id>/delete")
    def nothing_deleted(class_id: str) -> BaseResponse:
        """Where the switch of languages leads from a deletion that was refused."""
        return redirect(url_for("lab.class_records", class_id=class_id), code=303)

    @blueprint.post("/class/<class_id>/delete")
    def delete_class(class_id: str) -> BaseResponse:
        classroom = register.find_class(class_id) or abort(404)
        if "sure" not in request.form:
            return page(classroom, _UNSURE, 422)
        try:
            deletions.start(class_id)
        except ClassroomError as error:
            return page(classroom, error.words, 422)
        return redirect(url_for("lab.class_records", class_id=class_id), code=303)


def file_name(classroom: Class, subject: str, form: str) -> str:
    """Return the name of a class's file: what no system takes for part of a path, with the day of the class."""
    name = re.sub(r'[\\/:*?"<>|\s.]+', "-", classroom.name).strip("-") or classroom.id
    return f"{name}-{classroom.opened_at:%Y-%m-%d}-{subject}.{form}"
