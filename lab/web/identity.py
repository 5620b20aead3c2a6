"""Who asks: in a lab for one, whoever has a browser; in a classroom, a learner with a seat, an instructor, or a stranger.

What a browser has of it is Flask's signed, HttpOnly, SameSite=Lax session cookie. In a lab for one it holds a random cluster id.
In a classroom it names a seat or an instructor and nothing that gives rights by itself: whether the seat is still theirs, and the
password still the same, is asked at every request, and the session is made anew at each door, so that nobody can be given one.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Literal

from flask import abort, g, request, session

from lab.classroom.model import Class, Instructor, Learner
from lab.classroom.register import Register
from lab.logs import note
from lab.timeline.run import Run

_LOGGER = logging.getLogger(__name__)

Role = Literal["solo", "stranger", "learner", "instructor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Who asks. ``key`` is what the tokens of their forms are made from; a stranger has no ``cluster``. ``classroom`` is a
    learner's class, ``was_removed`` a stranger whose seat was taken away, ``has_moved`` one whose seat another browser has."""

    role: Role
    key: str
    cluster: str = ""
    name: str = ""
    learner: Learner | None = None
    classroom: Class | None = None
    was_removed: bool = False
    has_moved: bool = False


class Identities:
    """Reads and writes who a browser belongs to. ``register`` None: a lab for one."""

    def __init__(self, register: Register | None, trusted_proxies: tuple[str, ...] = ()) -> None:
        self._register = register
        self._trusted = tuple(ip_network(network) for network in trusted_proxies)

    @property
    def is_classroom(self) -> bool:
        """Whether there are learners and instructors."""
        return self._register is not None

    def visitor(self) -> Visitor:
        """Return who makes the present request; whoever comes for the first time is remembered."""
        if "visitor" not in g:
            g.visitor = self._solo() if self._register is None else self._in_classroom(self._register)
        visitor: Visitor = g.visitor
        return visitor

    def known_cluster(self) -> str:
        """Return the cluster of a browser that was here before; empty when there is none."""
        known = session.get("cluster") if self._register is None else self.visitor().cluster
        return known if isinstance(known, str) else ""

    def seat(self, learner: Learner) -> None:
        """Make the present browser this learner's."""
        self._begin(learner=learner.id, seat=learner.seat)
        note(_LOGGER, "sign-in", kind="learner", ok=True, cluster=learner.cluster, address=self.address())

    def sign_in(self, instructor: Instructor) -> None:
        """Make the present browser this instructor's."""
        self._begin(instructor=instructor.name, proof=instructor.fingerprint)
        note(_LOGGER, "sign-in", kind="instructor", ok=True, cluster=instructor.cluster, address=self.address())

    def refuse(self, kind: Literal["learner", "instructor"]) -> None:
        """Log that somebody was not let in, and from where; not what they typed, which may be a password in the wrong field."""
        note(_LOGGER, "sign-in", kind=kind, ok=False, address=self.address())

    def leave(self) -> None:
        """Make the present browser a stranger's."""
        self._begin()

    def address(self) -> str:
        """Return where the request comes from: what a trusted proxy says, else the other end of the connection."""
        address = request.remote_addr or ""
        for said in reversed(request.headers.get("X-Forwarded-For", "").split(",")):
            if not self._is_trusted(address) or not said.strip():
                break
            address = said.strip()
        return address

    def _is_trusted(self, address: str) -> bool:
        try:
            return any(ip_address(address) in network for network in self._trusted)
        except ValueError:
            return False

    def _begin(self, **holds: str | int) -> None:
        session.clear()
        session.update(holds)
        session.permanent = True
        g.pop("visitor", None)

    def _solo(self) -> Visitor:
        known = session.get("cluster")
        if not isinstance(known, str) or not known:
            known = session["cluster"] = new_cluster()
            session.permanent = True
        return Visitor(role="solo", key=known, cluster=known)

    def _in_classroom(self, register: Register) -> Visitor:
        learner = register.learner(str(session.get("learner", "")))
        has_moved = learner is not None and learner.removed_at is None and session.get("seat") != learner.seat
        if learner is not None and learner.removed_at is None and not has_moved:
            return Visitor(
                role="learner",
                key=f"learner {learner.id}",
                cluster=learner.cluster,
                name=learner.nickname,
                learner=learner,
                classroom=register.find_class(learner.class_id),
            )
        name, proof = str(session.get("instructor", "")), str(session.get("proof", ""))
        instructor = register.instructor(name) if name else None
        if instructor is not None and secrets.compare_digest(instructor.fingerprint.encode(), proof.encode()):
            key = f"instructor {name} {proof}"
            return Visitor(role="instructor", key=key, cluster=instructor.cluster, name=name)
        known = session.get("stranger")
        if not isinstance(known, str) or not known:
            known = session["stranger"] = secrets.token_hex(16)
        was_removed = learner is not None and not has_moved
        return Visitor(role="stranger", key=f"stranger {known}", was_removed=was_removed, has_moved=has_moved)


def may_see(visitor: Visitor, run: Run, shown: Collection[str]) -> bool:
    """Whether a visitor may read a run of the lab's own: their own, in a repeat too; one that their class is ``shown``; an
    instructor everybody's."""
    is_own = run.cluster == visitor.cluster or run.cluster.startswith(f"{visitor.cluster}-")
    return visitor.role == "instructor" or (bool(visitor.cluster) and is_own) or run.id in shown


def cluster_id() -> str:
    """Return the cluster of whoever makes the present request; nobody without one gets this far."""
    if "cluster" in g:
        return str(g.cluster)
    identities: Identities = g.identities
    return identities.visitor().cluster or abort(401, "stranger")


def new_cluster() -> str:
    """Return the id of a cluster that nobody has."""
    return f"c{secrets.token_hex(8)}"
