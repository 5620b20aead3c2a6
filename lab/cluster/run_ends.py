"""How runs end: because nothing of them is left, because somebody ends them, or by the lab's limits.

What an end frees goes to those that wait.
"""

from __future__ import annotations

import logging
from functools import partial

from lab.cluster.attention import Attention
from lab.cluster.live_run import LiveRun
from lab.cluster.live_runs import LiveRuns
from lab.cluster.run_parts import RunParts
from lab.cluster.run_times import FOREVER, deadlines, overdue
from lab.cluster.submissions import Submissions
from lab.errors import StoreError
from lab.timeline.facts import RunAborted, RunClosed

END_RETRY_SECONDS = 1.0  # while the store cannot take the end of a run

_LOGGER = logging.getLogger(__name__)


class RunEnds:
    """Ends runs. What the nodes have to tell comes here."""

    def __init__(self, parts: RunParts, live: LiveRuns, attention: Attention) -> None:
        self._parts = parts
        self._live = live
        self._changed = live.changed
        self._attention = attention
        self.submissions = Submissions(parts.clock, parts.limits, live, self.answered)
        self.is_closing = False

    def abort(self, run_id: str, *, why: str, by: str) -> None:
        """End a live run now. Does not wait until the node is cleared, nor for a store that takes nothing."""
        with self._changed:
            live = self._live.find(run_id)
            if live is None:
                return
            live.ending = True
            self.submissions.leave(live)
        self._end(live, RunAborted(run_id=run_id, why=why, by=by))

    def close(self) -> None:
        """End every live run, because the lab stops. Nobody has their turn any more."""
        with self._changed:
            self.is_closing = True
            self._changed.notify_all()
        for live in self._live.every():
            self.abort(live.run.id, why="The lab was stopped.", by="stop")

    def watch(self, live: LiveRun) -> None:
        """See to it that a run does not live, or is left alone, for too long. Returns at once."""
        self._parts.clock.spawn(f"limit {live.run.id}", self._end_in_time, live.run.id)

    def close_if_done(self, live: LiveRun) -> None:
        """Close a run whose commands have answered and whose pods are gone from API and node."""
        left = {o["metadata"]["uid"] for o in live.cluster.registry.view().list("Pod")} | live.cluster.node.pod_uids()
        with self._changed:
            if live.commands or live.pods & left or live.ending:
                return
            live.ending = True
        why = "Its pods are gone." if live.pods else "It created no pod."
        if live.began is None:
            why = "It was deleted while it waited for its turn."
        self._end(live, RunClosed(run_id=live.run.id, why=why))

    def go_on(self) -> None:
        """Let whoever has room now have their turn."""
        with self._changed:
            if not self.is_closing:
                self.submissions.go_on()

    def answered(self, live: LiveRun) -> None:
        """A command of the run has answered: close the run when that was all, or drop what it created if it was ended
        meanwhile."""
        with self._changed:
            live.commands -= 1
        if self._live.find(live.run.id) is not None:
            self.close_if_done(live)
        else:
            try:
                live.drop_pods()
            except StoreError:
                _LOGGER.exception("cannot drop the pods of run %s", live.run.id)
        self._make_room(live)

    # --- from the nodes ---------------------------------------------------------------------------------------------------

    def pod_cleared(self, pod_uid: str, run_id: str) -> None:
        """Nothing of a pod is left on its node."""
        live = self._live.find(run_id)
        if live is not None:
            self.close_if_done(live)
        with self._changed:
            self.submissions.let_go(pod_uid)
            self.go_on()

    def pod_started(self, pod_uid: str) -> None:
        """A pod runs, or has got as far as it will by itself."""
        with self._changed:
            self.submissions.started(pod_uid)
            self.go_on()

    def left_behind(self, pod_uid: str) -> None:
        """The engine may still hold a container of a pod: it counts until that has been looked for and removed."""
        with self._changed:
            self.submissions.left_behind(pod_uid)
        self._parts.left_behind()

    def strays_removed(self) -> None:
        """The engine holds no container any more that was left behind."""
        with self._changed:
            self.submissions.strays_removed()
            self.go_on()

    def engine_lost(self, message: str) -> None:
        """The engine has stopped answering."""
        with self._changed:
            lost = self._live.every()
            for live in lost:
                self.submissions.leave(live)  # or it would have its turn at an engine that does not answer
        for live in lost:
            self.abort(live.run.id, why=f"The container engine stopped answering: {message}", by="engine")
        self._parts.engine_lost()

    def failed(self, run_id: str, message: str) -> None:
        """The lab itself cannot go on with a run."""
        self.abort(run_id, why=f"The lab failed while it looked after the run: {message}. Its log says more.", by="failure")

    # --- private ------------------------------------------------------------------------------------------------------------

    def _end_in_time(self, run_id: str) -> None:
        """End a run that has been live, or left alone, for too long."""
        limits, clock = self._parts.limits, self._parts.clock
        with self._changed:
            while (live := self._live.find(run_id)) is not None:
                unseen_since = self._attention.unseen_since(live.run.cluster, live.run.example)
                due = deadlines(live, limits, unseen_since, clock.monotonic())
                by = min(due, key=lambda name: due[name])
                left = due[by] - clock.monotonic()
                if left > 0:  # for ever while a repeat's run waits for its turn
                    timeout = left if left < FOREVER else None
                    self._changed.wait_for(partial(self._has_moved, run_id, live.starting_until), timeout)
                elif by == "start":
                    self.submissions.give_up_starting(live)
                else:
                    break
        if live is not None:
            end = overdue(live, limits, by, held=bool(live.cluster.node.held(run_id)))
            self.abort(run_id, why=end.why, by=end.by)

    def _has_moved(self, run_id: str, starting_until: float) -> bool:
        """Whether a run has ended, or begun to start pods since."""
        live = self._live.find(run_id)
        return live is None or live.starting_until != starting_until

    def _end(self, live: LiveRun, how: RunClosed | RunAborted) -> None:
        """Bring a run that is marked as ending to its end; on a thread of its own when the store cannot take it now."""
        if live.end(how):
            self._forget(live)
        else:
            self._parts.clock.spawn(f"end {live.run.id}", self._end_later, live, how)

    def _end_later(self, live: LiveRun, how: RunClosed | RunAborted) -> None:
        ended = False
        while not ended:
            with self._changed:
                if self._changed.wait_for(lambda: self.is_closing, END_RETRY_SECONDS):
                    return  # the next lab closes it
            ended = live.end(how)
        self._forget(live)

    def _forget(self, live: LiveRun) -> None:
        self._live.remove(live)
        self._make_room(live)

    def _make_room(self, live: LiveRun) -> None:
        """Let go of what a run's cluster does not hold any more, for whoever waits."""
        with self._changed:
            self.submissions.release(live.cluster)
            self.go_on()
