"""Whom a browser belongs to, kept in its signed cookie over every setting of this machine's clock.

Flask takes a cookie that was signed in the future for a forged one. When the clock has been set back, that is everybody's: a
class would have to join again, and whoever learns alone would lose their cluster.
"""

from __future__ import annotations

from flask import Flask, Request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from itsdangerous import BadSignature

from lab.clock import Clock


class Sessions(SecureCookieSessionInterface):
    """Flask's sessions, which end when their time has passed and not before."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """Return what the request's cookie holds; nothing for one that is forged or too old."""
        serializer = self.get_signing_serializer(app)
        cookie = request.cookies.get(self.get_cookie_name(app))
        if serializer is None or not cookie:
            return super().open_session(app, request)
        try:
            held, signed_at = serializer.loads(cookie, return_timestamp=True)
        except BadSignature:
            return self.session_class()
        if self._clock.now() - signed_at > app.permanent_session_lifetime:
            return self.session_class()
        return self.session_class(held)
