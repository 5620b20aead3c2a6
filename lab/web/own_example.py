"""The example that is no lesson's: the learner's own pod. Its runs have its id, and their texts are the learner's."""

from __future__ import annotations

from lab.lessons import Example, Expectation, SuggestedDelete

OWN_POD = Example(
    lesson="own",
    folder="",
    name="pod",
    labels={"en": "Your own pod", "zh": "你自己的 Pod"},
    look_for={"en": "", "zh": ""},
    manifest="",
    submit="apply",
    delete=SuggestedDelete(),
    node_directories=(),
    refused=False,
    before_delete=(),
    after_delete=(),
    expect=Expectation(),
)
