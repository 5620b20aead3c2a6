"""The pages of a classroom: its doors, and what instructors have under ``/class``."""

from __future__ import annotations

from flask import Blueprint

from lab.classroom.register import Register
from lab.web.classroom.doors import add_doors
from lab.web.classroom.links import add_links
from lab.web.classroom.misconceptions import add_misconceptions
from lab.web.classroom.records import add_records
from lab.web.classroom.spotlight import add_spotlight
from lab.web.visit import Site

__all__ = ["add_classroom"]


def add_classroom(blueprint: Blueprint, site: Site, register: Register) -> None:
    """Add the classroom's pages and actions to the blueprint."""
    add_doors(blueprint, site, register)
    add_links(blueprint, site, register)
    add_misconceptions(blueprint, site, register)
    add_records(blueprint, site, register)
    if site.happenings is not None:
        add_spotlight(blueprint, site, site.happenings)
