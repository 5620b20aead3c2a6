"""Addresses of the lab as learners' telephones and laptops reach them, written out and as QR codes."""

from __future__ import annotations

import segno
from flask import request
from markupsafe import Markup

from lab.web.visit import Site

QUIET_ZONE = 4  # modules of light around the code: what ISO/IEC 18004 asks for


def public_address(site: Site, path: str) -> str:
    """Return the whole address of a path as browsers elsewhere reach it: below LAB_PUBLIC_URL, else as this request has come."""
    return (site.services.settings.public_url or request.host_url).rstrip("/") + path


def qr_svg(text: str) -> Markup:
    """Return a QR code as an SVG element without a size of its own, dark on light in either colour scheme. It has no name:
    what shows it writes the address beside it."""
    code = segno.make(text, error="m", micro=False)
    svg = code.svg_inline(border=QUIET_ZONE, dark="#000", light="#fff", svgclass="qr", lineclass=None, omitsize=True)
    return Markup(svg.replace("<svg ", '<svg aria-hidden="true" ', 1))  # noqa: S704 - segno's own, made of numbers alone
