"""What kubectl's reading verbs answer at one moment: get, events, describe, logs.

Pure. Answers are kubectl's words and exit status; `None` means the lab does not do this form of the verb.
Source: staging/src/k8s.io/kubectl/pkg/cmd/describe (v1.36).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from lab.scenarios.answers import Answer, not_found, targets_of
from lab.scenarios.kubectl_get import Getter
from lab.scenarios.kubectl_line import KubectlLine
from lab.scenarios.kubectl_logs import LogReader
from lab.timeline.describe import describe_pod
from lab.timeline.facts import JSON, Entry
from lab.timeline.folds import ClusterView


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Answers from one moment of one namespace."""

    view: ClusterView
    entries: Sequence[Entry]
    namespace: str
    now: datetime

    def get(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl get``."""
        return self._getter().get(line)

    def events(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl events``."""
        return self._getter().events(line)

    def logs(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl logs``."""
        return LogReader(view=self.view, entries=self.entries, namespace=self.namespace, now=self.now).logs(line)

    def describe(self, line: KubectlLine) -> Answer | None:
        """Answer ``kubectl describe pod``: by names, by label, or all."""
        targets = targets_of(line.names)
        if targets is None or not line.only_flags({"namespace", "selector", "show-events"}):
            return None
        if any(target.kept.kind != "Pod" for target in targets):
            return None
        texts, missing = list[str](), list[str]()
        for target in targets:
            objects = self._getter().selected(target, line)
            if objects is None:
                return None
            texts += [self.describe_text(pod) for pod in objects]
            missing += [name for name in target.names if self.view.get("Pod", self.namespace, name) is None]
        if not texts and not missing:
            return Answer(stderr=self._getter().nothing(line))
        stderr = "".join(f"{not_found(name)}\n" for name in missing)
        return Answer(rc=1 if missing else 0, stdout="\n\n".join(texts), stderr=stderr)

    def describe_text(self, pod: JSON) -> str:
        """Return the text of describe for a pod of the view."""
        return describe_pod(pod, self.view.events_of(pod["metadata"]["uid"]), now=self.now)

    def _getter(self) -> Getter:
        return Getter(view=self.view, namespace=self.namespace, now=self.now)
