"""Pages for requests that cannot be answered: what happened, and where to go from there, in the learner's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask import Blueprint, Response
from htmx_flask import request
from werkzeug.exceptions import HTTPException, TooManyRequests

from lab.errors import LabError
from lab.insight.phrase import Phrase
from lab.web.visit import Site, chosen_language
from lab.web.wording import WORDINGS

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
    """Answer every HTTP error of the app with a page, or under htmx with a fragment."""

    @blueprint.app_errorhandler(HTTPException)
    def problem(error: HTTPException) -> Response:
        found = Problem(code=error.code or 500, kind=_kind(error))
        if request.htmx:
            response = site.fragment("parts/_problem.html", page=found)
            response.status_code = found.code
        else:
            response = site.page("problem.html", found, status=found.code)
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
