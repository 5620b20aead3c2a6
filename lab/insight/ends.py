"""How the lab itself ended a run: nothing that Kubernetes does, and the words say so."""

from __future__ import annotations

from lab.insight.phrase import Phrase, phrase
from lab.timeline.facts import RunAborted

_BY: dict[str, Phrase] = {
    "limit": phrase(
        "The lab ended this run: it had lived for as long as the lab lets a run live. That limit is the lab’s, outside "
        "Kubernetes, which would have let it go on.",
        "实验室结束了这次运行：它已达到实验室允许的最长时间。这是实验室的限制，与 Kubernetes 无关，Kubernetes 会让它继续运行。",
    ),
    "idle": phrase(
        "The lab ended this run: for a long time nobody had acted on it, and no page showed it. That limit is the lab’s, outside "
        "Kubernetes, which would have let it go on.",
        "实验室结束了这次运行：很长时间没有人操作它，也没有页面在显示它。这是实验室的限制，与 Kubernetes 无关，"
        "Kubernetes 会让它继续运行。",
    ),
    "disk": phrase(
        "The lab ended this run: its learner’s containers had written more to the disk than the lab gives one learner. That "
        "limit is the lab’s, outside Kubernetes, which would have evicted the pod.",
        "实验室结束了这次运行：该学员的容器写入磁盘的数据超过了实验室给每位学员的上限。这是实验室的限制，与 Kubernetes 无关，"
        "Kubernetes 会驱逐这个 Pod。",
    ),
    "engine": phrase(
        "The lab ended this run: the machine’s container engine stopped answering. Kubernetes has no part in that.",
        "实验室结束了这次运行：机器上的容器引擎停止了响应。这与 Kubernetes 无关。",
    ),
    "restart": phrase(
        "The lab ended this run: the lab itself was stopped while the run was live. Kubernetes has no part in that.",
        "实验室结束了这次运行：运行期间实验室自身被停止。这与 Kubernetes 无关。",
    ),
    "stop": phrase(
        "The lab ended this run: the lab itself was stopped. Kubernetes has no part in that.",
        "实验室结束了这次运行：实验室自身被停止。这与 Kubernetes 无关。",
    ),
    "failure": phrase(
        "The lab ended this run: the lab itself failed. That is a fault of the lab, and not of the manifest.",
        "实验室结束了这次运行：实验室自身出错。这是实验室的问题，与清单无关。",
    ),
    "instructor": phrase(
        "The instructor ended this run. Kubernetes has no part in that.", "讲师结束了这次运行。这与 Kubernetes 无关。"
    ),
    "learner": phrase(
        "The run was ended at once, as was asked for, without a graceful deletion.",
        "按要求立即结束了这次运行，没有经过优雅删除。",
    ),
}
_ITSELF = phrase("The lab has ended this run itself.", "实验室主动结束了这次运行。")


def ended_by_the_lab(end: RunAborted) -> Phrase:
    """Return why the lab ended a run."""
    return _BY.get(end.by, _ITSELF)
