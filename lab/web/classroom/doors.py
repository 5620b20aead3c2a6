"""The doors of a classroom: a learner takes a seat with a code and a nickname, an instructor signs in with a password."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Blueprint, Response, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from lab.classroom.register import CODE_LENGTH, Register, plain_code
from lab.errors import ClassroomError
from lab.insight.phrase import Phrase
from lab.web.identity import Visitor
from lab.web.visit import Site


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorPage:
    """A door. ``code`` and ``name`` are what was typed or came with the address, ``problem`` says why it stays shut, ``next`` is
    where to go afterwards."""

    next: str
    code: str = ""
    name: str = ""
    problem: Phrase | None = None
    was_removed: bool = False
    has_moved: bool = False
    code_length: int = CODE_LENGTH
    engine_problem: str | None = None


def add_doors(blueprint: Blueprint, site: Site, register: Register) -> None:
    """Add these pages and actions to the blueprint."""

    @blueprint.get("/join")
    def join() -> BaseResponse:
        visitor, code = site.identities.visitor(), request.args.get("code", "")
        if _has_come(visitor, code):
            return redirect(_next(request.args.get("next", "")), code=303)
        page = DoorPage(
            next=_next(request.args.get("next", "")),
            code=code[: 2 * CODE_LENGTH],
            was_removed=visitor.was_removed,
            has_moved=visitor.has_moved,
        )
        return site.page("classroom/join.html", page)

    @blueprint.post("/join")
    def take_seat() -> BaseResponse:
        code, nickname = request.form.get("code", ""), request.form.get("nickname", "")
        where = _next(request.form.get("next", ""))
        if _has_come(site.identities.visitor(), code):
            return redirect(where, code=303)
        try:
            learner = register.join(code, nickname, site.identities.address())
        except ClassroomError as error:
            site.identities.refuse("learner")
            page = DoorPage(next=where, code=code[: 2 * CODE_LENGTH], name=nickname, problem=error.words)
            return _refused(site.page("classroom/join.html", page), error)
        site.identities.seat(learner)
        return redirect(where, code=303)

    @blueprint.get("/sign-in")
    def sign_in() -> BaseResponse:
        return site.page("classroom/sign_in.html", DoorPage(next=_next(request.args.get("next", ""), "/class")))

    @blueprint.post("/sign-in")
    def prove_password() -> BaseResponse:
        name, where = request.form.get("name", "").strip(), _next(request.form.get("next", ""), "/class")
        try:
            instructor = register.sign_in(name, request.form.get("password", ""), site.identities.address())
        except ClassroomError as error:
            site.identities.refuse("instructor")
            page = DoorPage(next=where, name=name, problem=error.words)
            return _refused(site.page("classroom/sign_in.html", page), error)
        site.identities.sign_in(instructor)
        return redirect(where, code=303)

    @blueprint.post("/leave")
    def leave() -> BaseResponse:
        site.identities.leave()
        return redirect(url_for("lab.join"), code=303)


def _has_come(visitor: Visitor, code: str) -> bool:
    """Whether a browser has its seat already: in the open class of this code, or in whichever while it has none. The next class
    on the same laptop gets a door."""
    known = visitor.classroom
    return known is not None and known.is_open and (not code or plain_code(code) == known.code)


def _next(wanted: str, otherwise: str = "/") -> str:
    """Return where to go on: a page of this lab, whatever was asked for."""
    parts = urlsplit(wanted)
    is_ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/join", "/sign-in")) and not parts.netloc
    return wanted if is_ours and wanted.isprintable() else otherwise


def _refused(response: Response, error: ClassroomError) -> Response:
    response.status_code = 403 if error.retry_seconds is None else 429
    if error.retry_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_seconds)
    return response
