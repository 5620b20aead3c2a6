"""Links back: for a learner whose browser has forgotten them, an instructor has one made that seats another browser.

A link holds the learner and the number of their seat, signed, for fifteen minutes. Using it gives the seat the next number, so
that it works once, none that was made before works any more, and the browser that had the seat is out. Opening the link changes
nothing, since programs that preview links do that too; pressing its button does.
"""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response, abort, redirect, url_for
from itsdangerous import BadSignature, URLSafeTimedSerializer
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from lab.classroom.model import Class, Learner
from lab.classroom.register import Register
from lab.errors import ClassroomError
from lab.insight.phrase import Phrase, phrase
from lab.web.classroom.qr import public_address, qr_svg
from lab.web.visit import Site

LINK_SECONDS = 15 * 60
PURPOSE = "link back"

_UNUSABLE = phrase(
    "This link was used already, or is older than 15 minutes; ask your instructor for a new one.",
    "这个链接已经用过，或已超过 15 分钟，请向讲师索取新的链接。",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkPage:
    """What an instructor gives to a learner."""

    learner: Learner
    classroom: Class
    address: str
    code: Markup
    minutes: int = LINK_SECONDS // 60
    engine_problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComeBackPage:
    """What a learner opens. ``instructor`` is who has signed in on this browser, ``problem`` says why the link cannot be used."""

    learner: Learner | None
    classroom: Class | None
    instructor: str = ""
    problem: Phrase | None = None
    engine_problem: str | None = None


def add_links(blueprint: Blueprint, site: Site, register: Register) -> None:
    """Add these pages and actions to the blueprint."""
    signer = URLSafeTimedSerializer(site.services.settings.secret_key, salt=PURPOSE)

    def learner_of(token: str) -> Learner:
        try:
            learner_id, seat = signer.loads(token, max_age=LINK_SECONDS)
        except (BadSignature, ValueError, TypeError) as error:
            raise ClassroomError(_UNUSABLE) from error
        found = register.learner(str(learner_id))
        if found is None or found.removed_at is not None or found.seat != seat:
            raise ClassroomError(_UNUSABLE)
        return found

    @blueprint.post("/class/<class_id>/learners/<learner_id>/link")
    def link_back(class_id: str, learner_id: str) -> Response:
        classroom, learner = register.find_class(class_id), register.learner(learner_id)
        if classroom is None or learner is None or learner.class_id != class_id or learner.removed_at is not None:
            abort(404)
        address = public_address(site, url_for("lab.come_back", token=signer.dumps([learner.id, learner.seat])))
        page = LinkPage(learner=learner, classroom=classroom, address=address, code=qr_svg(address))
        return site.page("classroom/link.html", page)

    @blueprint.get("/class/<class_id>/learners/<learner_id>/link")
    def no_link_yet(class_id: str, learner_id: str) -> BaseResponse:
        """A link is made by its button alone: who comes by another way, such as the switch of languages, presses it again."""
        return redirect(url_for("lab.class_board", class_id=class_id), code=303)

    @blueprint.get("/back/<token>")
    def come_back(token: str) -> Response:
        try:
            return _page(site, register, learner_of(token))
        except ClassroomError as error:
            return _page(site, register, None, error.words)

    @blueprint.post("/back/<token>")
    def move_seat(token: str) -> BaseResponse:
        visitor = site.identities.visitor()
        try:
            learner = learner_of(token)
            if visitor.role == "instructor":
                return _page(site, register, learner)
            site.identities.seat(register.move_seat(learner.id, learner.seat))
        except ClassroomError as error:
            return _page(site, register, None, error.words)
        return redirect(url_for("lab.index"), code=303)


def _page(site: Site, register: Register, learner: Learner | None, problem: Phrase | None = None) -> Response:
    visitor = site.identities.visitor()
    page = ComeBackPage(
        learner=learner,
        classroom=register.find_class(learner.class_id) if learner else None,
        instructor=visitor.name if visitor.role == "instructor" else "",
        problem=problem,
    )
    return site.page("classroom/come_back.html", page, status=403 if problem else 200)
