"""Who may ask, and what a browser may do with the answer.

The lab starts containers, so a page of somebody else must never be able to use it from a learner's browser: every request
whose Host or Origin is not the lab's own is refused (421), streams too; every POST carries a token that only our pages know;
every answer forbids foreign scripts, styles and frames. A learner is known by a random cluster id in Flask's signed,
HttpOnly, SameSite=Lax session cookie and by nothing else.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, request, session

from lab.web.services import WebSettings

TOKEN_FIELD = "csrf_token"  # noqa: S105 - a field's name
TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - a header's name
FORM_LIMIT_BYTES = 512 * 1024  # a manifest at its limit, form-encoded at three bytes per byte, and room for the rest

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'nonce-{nonce}'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Guard:
    """The checks before and the headers after every request of the app."""

    def __init__(self, settings: WebSettings) -> None:
        self._settings = settings
        self._hosts = frozenset(host.strip("[]").lower() for host in settings.allowed_hosts)

    def install(self, blueprint: Blueprint) -> None:
        """Put the checks before every request of the app that the blueprint is registered with, and the headers after it."""
        blueprint.before_app_request(self._check)
        blueprint.after_app_request(self._protect)

    def token(self) -> str:
        """Return the token that forms of the present learner carry."""
        return hmac.new(self._settings.secret_key.encode(), f"csrf:{cluster_id()}".encode(), hashlib.sha256).hexdigest()

    def _check(self) -> None:
        request.max_content_length = FORM_LIMIT_BYTES
        request.max_form_memory_size = FORM_LIMIT_BYTES
        if not self._is_ours(f"//{request.host}"):
            abort(421, "host")
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_ours(origin):
            abort(421, "origin")
        if request.method not in ("GET", "HEAD", "OPTIONS"):
            given = request.headers.get(TOKEN_HEADER) or request.form.get(TOKEN_FIELD, "")
            if not hmac.compare_digest(given.encode(), self.token().encode()):
                abort(403, "token")

    def _is_ours(self, url: str) -> bool:
        try:
            host = urlsplit(url).hostname
        except ValueError:
            return False
        return host is not None and host in self._hosts

    def _protect(self, response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(nonce=style_nonce()))
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "same-origin"
        response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        if request.endpoint is None or not request.endpoint.endswith("static"):
            response.headers.setdefault("Cache-Control", "no-store")
        return response


def cluster_id() -> str:
    """Return the learner's cluster id, giving them one on their first visit."""
    known = session.get("cluster")
    if not isinstance(known, str) or not known:
        known = session["cluster"] = f"c{secrets.token_hex(8)}"
        session.permanent = True
    return known


def style_nonce() -> str:
    """Return the nonce that this answer's styles made by scripts carry: the editor's."""
    if "style_nonce" not in g:
        g.style_nonce = secrets.token_urlsafe(16)
    return str(g.style_nonce)
