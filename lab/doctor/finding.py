"""One thing the doctor looked at. Pure data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``detail`` says what was found, or what is wrong; ``remedy`` is empty when ``ok``."""

    subject: str
    ok: bool
    detail: str
    remedy: str = ""

    def to_json(self) -> dict[str, str | bool]:
        """Return it as ``lab doctor --json`` prints it."""
        return {"subject": self.subject, "ok": self.ok, "detail": self.detail, "remedy": self.remedy}


def well(subject: str, detail: str) -> Finding:
    """Return a finding of something that is as it should be."""
    return Finding(subject=subject, ok=True, detail=detail)


def wrong(subject: str, detail: str, remedy: str) -> Finding:
    """Return a finding of something that is not."""
    return Finding(subject=subject, ok=False, detail=detail, remedy=remedy)
