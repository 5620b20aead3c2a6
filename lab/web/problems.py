"""Pages for requests that cannot be answered: what happened, and where to go from there, in the learner's language."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from flask import Blueprint, Response
from htmx_flask import request
from werkzeug.exceptions import HTTPException, TooManyRequests

from lab.errors import ClassroomError, LabError, StoreError
from lab.insight.phrase import Phrase, phrase
from lab.web.visit import Site, chosen_language
from lab.web.wording import WORDINGS

UNAVAILABLE = 503

_NOT_RECORDED = phrase(
    "The lab cannot use its records now, so nothing was changed. Try again in a moment; if it stays so, tell who runs the lab.",
    "实验室目前无法使用它的记录，因此没有做任何改动。请稍后再试；如果仍然如此，请告知实验室的管理者。",
)

_LOGGER = logging.getLogger(__name__)

Kind = Literal[
    "run",
    "lesson",
    "example",
    "page",
    "host",
    "token",
    "owner",
    "stranger",
    "instructor",
    "too-large",
    "method",
    "refused",
    "live",
    "pace",
    "content",
    "failure",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """``kind`` chooses the words; ``message`` is added as it stands."""

    code: int
    kind: Kind
    message: str = ""


def words_of(error: LabError) -> str:
    """Return what an error says, in the visitor's language where it has words in both."""
    words: Phrase | str = getattr(error, "words", str(error))
    return WORDINGS[chosen_language()].plain(words)


def add_problems(blueprint: Blueprint, site: Site) -> None:
    """Answer every HTTP error of the app with a page, or under htmx with a fragment; so too when the store fails in the midst of
    it, or when what an instructor changes was changed by another."""

    def answer(found: Problem) -> Response:
        if not request.htmx:
            return site.page("problem.html", found, status=found.code)
        response = site.fragment("parts/_problem.html", page=found)
        response.status_code = found.code
        return response

    @blueprint.app_errorhandler(StoreError)
    def not_recorded(error: StoreError) -> Response:
        _LOGGER.error("cannot answer %s: %s", request.endpoint, error)
        return answer(Problem(code=UNAVAILABLE, kind="refused", message=WORDINGS[chosen_language()].plain(_NOT_RECORDED)))

    @blueprint.app_errorhandler(ClassroomError)
    def overtaken(error: ClassroomError) -> Response:
        return answer(Problem(code=409, kind="refused", message=words_of(error)))

    @blueprint.app_errorhandler(HTTPException)
    def problem(error: HTTPException) -> Response:
        response = answer(Problem(code=error.code or 500, kind=_kind(error)))
        if isinstance(error, TooManyRequests):
            response.retry_after = error.retry_after
        return response


_FORBIDDEN: dict[str, Kind] = {"owner": "owner", "instructor": "instructor"}


def _kind(error: HTTPException) -> Kind:
    match error.code:
        case 404:
            return _missing(request.path)
        case 403:
            return _FORBIDDEN.get(error.description or "", "token")
        case 401:
            return "stranger"
        case 405:
            return "method"
        case 409 if error.description == "live":
            return "live"
        case 413:
            return "too-large"
        case 421:
            return "host"
        case 429:
            return "pace"
        case _:
            return "failure"


def _missing(path: str) -> Kind:
    match path.strip("/").split("/")[0]:
        case "runs":
            return "run"
        case "lessons":
            return "lesson"
        case "examples":
            return "example"
        case _:
            return "page"
