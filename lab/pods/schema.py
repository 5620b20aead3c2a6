"""How a field of the API is described: its Go type, and what this lab does with it.

Four answers are kept apart: a field *unknown to Kubernetes* (absent from the table: the server's strict decoding error), one
that Kubernetes has and *the lab does not run* (``refused``, or ``only`` some values), one that is stored as Kubernetes stores it
and *has no effect here* (``without_effect``: said beside the manifest), and one that the lab runs or may store without telling a
lie (``run``, ``stored``). Nothing is silently ignored. The table itself is `lab.pods.pod_fields`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field's Go type (``*`` a pointer), and why it is refused or changes nothing ("" when it is run or stored).

    ``allowed`` narrows both: these values are what the lab does anyway. ``always``: written even when it is zero.
    """

    go_type: str
    always: bool = False
    refusal: str = ""
    no_effect: str = ""
    allowed: tuple[Any, ...] = ()

    def refuses(self, value: Any) -> bool:
        """Whether the lab cannot run the field with this value. An absent value (None) is never refused."""
        return bool(self.refusal) and self._says_more(value)

    def ignores(self, value: Any) -> bool:
        """Whether the field with this value is stored and changes nothing here."""
        return bool(self.no_effect) and self._says_more(value)

    def _says_more(self, value: Any) -> bool:
        return value is not None and not any(value == known and type(value) is type(known) for known in self.allowed)


def run(go_type: str) -> Field:
    """A field that the lab acts on, or that changes nothing on its one node and is stored as it is."""
    return Field(go_type=go_type)


stored = run  # Reads better where a field changes nothing here; the comment beside it says why that is true.


def required(go_type: str) -> Field:
    """A field that the lab runs and the API writes even when it is empty or zero (no ``omitempty``)."""
    return Field(go_type=go_type, always=True)


def refused(go_type: str, why: str) -> Field:
    """A field that Kubernetes has and the lab does not run."""
    return Field(go_type=go_type, refusal=why)


def only(go_type: str, allowed: tuple[Any, ...], why: str) -> Field:
    """A field of which the lab runs the ``allowed`` values."""
    return Field(go_type=go_type, refusal=why, allowed=allowed)


def without_effect(go_type: str, why: str, allowed: tuple[Any, ...] = ()) -> Field:
    """A field that is stored and changes nothing here, unless its value is one of ``allowed``."""
    return Field(go_type=go_type, no_effect=why, allowed=allowed)


INTEGER_RANGES = {"int32": (-(1 << 31), (1 << 31) - 1), "int64": (-(1 << 63), (1 << 63) - 1)}
_OTHER_KINDS = (
    *("string", "bool", "map[string]string", "map[string][]uint8"),
    *("v1.ResourceList", "v1.Time", "intstr.IntOrString", "resource.Quantity"),
)
_STRING_TYPE_NAMES = """
RestartPolicy DNSPolicy PreemptionPolicy PullPolicy TerminationMessagePolicy ContainerRestartPolicy Signal URIScheme
Protocol MountPropagationMode RecursiveReadOnlyMode HostPathType StorageMedium PodFSGroupChangePolicy
SupplementalGroupsPolicy PodSELinuxChangePolicy ProcMountType SeccompProfileType OSName TolerationOperator TaintEffect
Capability PodConditionType SecretType ContainerRestartRuleAction ContainerRestartRuleOnExitCodesOperator
"""
_STRING_TYPES = frozenset((*(f"v1.{name}" for name in _STRING_TYPE_NAMES.split()), "types.UID", "string"))


def kind_of(go_type: str) -> str:
    """Return the JSON shape of a Go type: list · string · integer · bool · map · struct, or the type if it decodes itself."""
    go_type = go_type.removeprefix("*")
    if go_type.startswith("[]"):
        return "list"
    if go_type in _STRING_TYPES:
        return "string"
    if go_type in INTEGER_RANGES:
        return "integer"
    return {"bool": "bool", "map[string]string": "map"}.get(go_type, go_type if go_type in _OTHER_KINDS else "struct")
