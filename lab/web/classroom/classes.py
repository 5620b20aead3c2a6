"""An instructor's classes: the list of them, opening, pausing and ending one, and how to join it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, redirect, request, url_for
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from lab.classroom.model import Class
from lab.classroom.register import Register
from lab.errors import ClassroomError
from lab.insight.phrase import Phrase
from lab.web.classroom.qr import public_address, qr_svg
from lab.web.visit import Site

CODE_GROUP = 3  # letters of a code that are read together


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassLine:
    """A class in the list, and how many have a seat in it."""

    classroom: Class
    learners: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassesPage:
    """All classes; ``problem`` says why none was opened under ``name``."""

    open: tuple[ClassLine, ...]
    ended: tuple[ClassLine, ...]
    name: str = ""
    problem: Phrase | None = None
    engine_problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """How to join a class: the code in groups, the address to type, the QR code of the address that has the code in it.
    ``is_here_only``: nobody but this machine can reach that address."""

    code: str
    address: str
    qr: Markup
    is_here_only: bool


def add_classes(blueprint: Blueprint, site: Site, register: Register) -> None:
    """Add these pages and actions to the blueprint."""

    def page(name: str = "", problem: Phrase | None = None) -> ClassesPage:
        lines = tuple(ClassLine(classroom=c, learners=len(register.roster(c.id))) for c in register.classes())
        return ClassesPage(
            open=tuple(line for line in lines if line.classroom.is_open),
            ended=tuple(line for line in lines if not line.classroom.is_open),
            name=name,
            problem=problem,
            engine_problem=site.services.engine_problem(),
        )

    @blueprint.get("/class")
    def classes() -> Response:
        return site.page("classroom/classes.html", page())

    @blueprint.post("/class")
    def open_class() -> BaseResponse:
        name = request.form.get("name", "")
        try:
            opened = register.open_class(name)
        except ClassroomError as error:
            return site.page("classroom/classes.html", page(name, error.words), status=409)
        return redirect(url_for("lab.class_board", class_id=opened.id), code=303)

    @blueprint.post("/class/<class_id>/pause")
    def pause_class(class_id: str) -> BaseResponse:
        find_class(register, class_id)
        register.pause_class(class_id, paused="resume" not in request.form)
        return to_board(class_id)

    @blueprint.post("/class/<class_id>/code")
    def change_code(class_id: str) -> BaseResponse:
        find_class(register, class_id)
        register.change_code(class_id)
        return to_board(class_id)

    @blueprint.post("/class/<class_id>/end")
    def end_class(class_id: str) -> BaseResponse:
        find_class(register, class_id)
        register.close_class(class_id)
        return to_board(class_id)

    @blueprint.post("/class/<class_id>/reopen")
    def reopen_class(class_id: str) -> BaseResponse:
        find_class(register, class_id)
        register.reopen_class(class_id)
        return to_board(class_id)


def find_class(register: Register, class_id: str) -> Class:
    """Return a class; answer the request with 404 when there is none."""
    return register.find_class(class_id) or abort(404)


def to_board(class_id: str) -> BaseResponse:
    """Lead to a class's board; where a script has sent the form, the board shows by itself what has become of it."""
    if "HX-Request" in request.headers:
        return Response(status=204)
    return redirect(url_for("lab.class_board", class_id=class_id), code=303)


def invitation(site: Site, classroom: Class) -> Invitation:
    """Return how to join a class."""
    code = classroom.code
    address = public_address(site, url_for("lab.join"))
    return Invitation(
        code=" ".join(code[at : at + CODE_GROUP] for at in range(0, len(code), CODE_GROUP)),
        address=address.split("://", 1)[-1],
        qr=qr_svg(public_address(site, url_for("lab.join", code=code))),
        is_here_only=_is_loopback(urlsplit(address).hostname or ""),
    )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
