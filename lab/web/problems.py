"""Pages for requests that cannot be answered: what happened, and where to go from there, in the learner's language."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flask import Blueprint, Response
from htmx_flask import request
from werkzeug.exceptions import HTTPException

from lab.web.visit import Site

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
    "content",
    "failure",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """``kind`` chooses the words; ``message`` is added as it stands."""

    code: int
    kind: Kind
    message: str = ""


def add_problems(blueprint: Blueprint, site: Site) -> None:
    """Answer every HTTP error of the app with a page, or under htmx with a fragment."""

    @blueprint.app_errorhandler(HTTPException)
    def problem(error: HTTPException) -> Response:
        found = Problem(code=error.code or 500, kind=_kind(error))
        if request.htmx:
            response = site.fragment("parts/_problem.html", page=found)
            response.status_code = found.code
            return response
        return site.page("problem.html", found, status=found.code)


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
