"""Who may ask, and what a browser may do with the answer.

The lab starts containers, so a page of somebody else must never be able to use it from a learner's browser: every request
whose Host or Origin is not the lab's own is refused (421), streams too; every POST carries a token that only our pages know;
every answer forbids foreign scripts and styles, and frames too, but for the pages under ``/embed``, which may stand in frames of
the sites that LAB_EMBED_ANCESTORS names. Who asks is `lab.web.identity`'s to say; on an embedded page, to which browsers send no
cookie, a learner is known by its token, which then holds the cluster id too, for half a day and for what such a page does. In a
classroom strangers see nothing but the doors, and what is under ``/class`` is the instructors'.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, redirect, request, url_for
from werkzeug.wrappers import Response as BaseResponse

from lab.clock import Clock
from lab.timeline.bundle import MAXIMUM_BYTES
from lab.web.identity import Identities, new_cluster
from lab.web.services import WebSettings

TOKEN_FIELD = "csrf_token"  # noqa: S105 - a field's name
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - a header's name
FORM_LIMIT_BYTES = 512 * 1024  # a manifest at its limit, form-encoded at three bytes per byte, and room for the rest

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
UPLOADS = frozenset({"lab.open_bundle"})  # where a whole run is sent
UPLOAD_LIMIT_BYTES = MAXIMUM_BYTES + 64 * 1024  # and the form around it
OPEN_TO_STRANGERS = frozenset(
    f"lab.{name}" for name in ("static", "join", "take_seat", "sign_in", "prove_password", "come_back", "move_seat", "leave")
)
FOR_MACHINES = frozenset({"lab.healthz", "lab.readyz", "lab.metrics"})  # whoever may ask is theirs to say: `lab.web.operations`
EMBEDDED_STREAMS = frozenset({"lab.embed_stream"})
_ACTIONS = "run_example delete_example delete_run continue_example continue_run command_in_example command_in_run repeat_example"
_BESIDE = "review field copy_out prediction predict repeat cancel_repeat node clean_node"
EMBEDDED = EMBEDDED_STREAMS | {f"lab.{name}" for name in f"{_ACTIONS} {_BESIDE}".split()}  # what its token is for
EMBEDDED_SECONDS = 12 * 3600  # how long a page may stand in a frame before it has to be loaded again
VISIT_ARGUMENT = "visit"  # an embedded page's token in the address of its stream


class Guard:
    """The checks before and the headers after every request of the app."""

    def __init__(self, settings: WebSettings, identities: Identities, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._identities = identities
        self._hosts = frozenset(host.strip("[]").lower() for host in settings.allowed_hosts)

    def install(self, blueprint: Blueprint) -> None:
        """Put the checks before every request of the app that the blueprint is registered with, and the headers after it."""
        blueprint.before_app_request(self._check)
        blueprint.after_app_request(self._protect)

    def token(self) -> str:
        """Return the token that forms of the present learner carry."""
        if "embedded" in g:
            visit = f"{g.cluster}.{int(self._clock.now().timestamp()) + EMBEDDED_SECONDS}"
            return f"{visit}.{self._proof('embed', visit)}"
        return self._proof("csrf", self._identities.visitor().key)

    def allow_frame(self) -> None:
        """Let the answer to this request stand in a frame of another site, and carry its learner itself; in a classroom, where
        nobody is known without a seat, only frames that get the cookie show it."""
        g.framed = True
        if not self._identities.is_classroom:
            g.embedded, g.cluster = True, self._identities.known_cluster() or new_cluster()

    def _check(self) -> BaseResponse | None:
        if request.endpoint in FOR_MACHINES:
            return None
        g.identities = self._identities
        limit = UPLOAD_LIMIT_BYTES if request.endpoint in UPLOADS else FORM_LIMIT_BYTES
        request.max_content_length = limit
        request.max_form_memory_size = FORM_LIMIT_BYTES
        if not self._is_ours(f"//{request.host}"):
            abort(421, "host")
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_ours(origin):
            abort(421, "origin")
        if request.method in ("GET", "HEAD", "OPTIONS"):
            in_address = request.args.get(VISIT_ARGUMENT, "") if request.endpoint in EMBEDDED_STREAMS else ""
            if not self._embedded(in_address or request.headers.get(TOKEN_HEADER, "")) and in_address:
                abort(403, "token")
            return self._admit()
        given = request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN_FIELD, "")
        if not self._embedded(given) and not _same(given, self.token()):
            abort(403, "token")
        return self._admit()

    def _admit(self) -> BaseResponse | None:
        """Show strangers of a classroom to its door, and keep learners from what is the instructors'."""
        if not self._identities.is_classroom or request.endpoint is None or request.endpoint in OPEN_TO_STRANGERS:
            return None
        visitor = self._identities.visitor()
        if visitor.role == "stranger":
            if request.method != "GET" or not wants_page() or "HX-Request" in request.headers:
                abort(401, "stranger")
            return redirect(url_for("lab.join", next=request.full_path.rstrip("?")), code=303)
        if visitor.role != "instructor" and is_instructors(request.url_rule.rule if request.url_rule else ""):
            abort(403, "instructor")
        return None

    def _embedded(self, given: str) -> bool:
        """Take the learner from an embedded page's token, if it is one of ours."""
        visit, _, proof = given.rpartition(".")
        if self._identities.is_classroom or request.endpoint not in EMBEDDED or not _same(proof, self._proof("embed", visit)):
            return False
        cluster, _, until = visit.partition(".")
        if not until.isdigit() or int(until) < self._clock.now().timestamp():
            return False
        g.embedded, g.cluster = True, cluster
        return True

    def _proof(self, purpose: str, cluster: str) -> str:
        return hmac.new(self._settings.secret_key.encode(), f"{purpose}:{cluster}".encode(), hashlib.sha256).hexdigest()

    def _is_ours(self, url: str) -> bool:
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return False
        return host is not None and host in self._hosts

    def _protect(self, response: Response) -> Response:
        framed = "framed" in g and bool(self._settings.embed_ancestors)
        ancestors = " ".join(self._settings.embed_ancestors) if framed else "'none'"
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=style_nonce(), ancestors=ancestors))
        if not framed:
            response.headers["X-Frame-Options"] = "DENY"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin" if framed else "same-origin"
        if request.endpoint is None or not request.endpoint.endswith("static"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def wants_page() -> bool:
    """Whether a browser goes to a page, and not a script that takes anything: only the former names HTML. What comes first by the
    rules of the header may be a stranger thing; Chromium's are the most specific."""
    return "text/html" in request.headers.get("Accept", "")


def is_instructors(rule: str) -> bool:
    """Whether a route is one of the instructors'."""
    return rule == "/class" or rule.startswith("/class/")


def _same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), wanted.encode())


def style_nonce() -> str:
    """Return the nonce that this answer's styles made by scripts carry: the editor's."""
    if "style_nonce" not in g:
        g.style_nonce = secrets.token_urlsafe(16)
    return str(g.style_nonce)
