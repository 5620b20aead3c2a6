"""The pages of a classroom: its doors, and what instructors have under ``/class``."""

from __future__ import annotations

from flask import Blueprint

from lab.classroom.presence import Presence
from lab.classroom.register import Register
from lab.web.classroom.board_page import BoardParts, add_board
from lab.web.classroom.classes import add_classes
from lab.web.classroom.doors import add_doors
from lab.web.classroom.links import add_links
from lab.web.classroom.misconceptions import add_misconceptions
from lab.web.classroom.notices import Notices
from lab.web.classroom.presence import add_presence
from lab.web.classroom.records import add_records
from lab.web.classroom.roster import add_roster
from lab.web.classroom.spotlight import add_spotlight
from lab.web.classroom.steering import Steering, add_steering
from lab.web.visit import Site

__all__ = ["add_classroom"]


def add_classroom(blueprint: Blueprint, site: Site, register: Register) -> None:
    """Add the classroom's pages and actions to the blueprint."""
    presence, notices = Presence(site.services.clock), Notices(site.services.clock)
    add_doors(blueprint, site, register)
    add_presence(blueprint, site, presence)
    add_classes(blueprint, site, register)
    add_board(blueprint, BoardParts(site=site, register=register, presence=presence, notices=notices))
    add_roster(blueprint, site, register, presence, notices)
    add_steering(blueprint, Steering(site=site, register=register, presence=presence, notices=notices))
    add_links(blueprint, site, register)
    add_misconceptions(blueprint, site, register)
    add_records(blueprint, site, register)
    if site.happenings is not None:
        add_spotlight(blueprint, site, site.happenings)
