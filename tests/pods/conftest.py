from __future__ import annotations

from collections.abc import Callable

import pytest

from lab.pods.review import ReviewedDocument, review

BASE = """\
apiVersion: v1
kind: Pod
metadata:
  name: demo
spec:
  containers:
  - name: app
    image: busybox
"""  # the next line, 9, continues the container; two spaces less continue the spec


@pytest.fixture
def reviewed() -> Callable[..., ReviewedDocument]:
    """Review a pod whose container (or spec) goes on with the given lines."""

    def of(more: str = "", *, gates: frozenset[str] = frozenset()) -> ReviewedDocument:
        (document,) = review(BASE + more, feature_gates=gates).documents
        return document

    return of
