"""The actions of a scenario, as a closed union of frozen types, and how they are read from JSON.

Each has the name and the fields of the recorded scenarios' `scenario.json`. Nothing here acts; `lab.scenarios.play` does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from lab.errors import ScenarioError
from lab.scenarios.kubectl_line import KubectlLine
from lab.scenarios.waits import WaitCondition

DEFAULT_WAIT_SECONDS = 60.0
DEFAULT_SETTLE_SECONDS = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Submit:
    """``kubectl apply -f`` or ``kubectl create -f``."""

    verb: Literal["apply", "create"]
    file: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Wait for a state of the cluster view; a wait that times out is noted and the scenario goes on."""

    condition: WaitCondition
    timeout_seconds: float = DEFAULT_WAIT_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Delete:
    """``kubectl delete pod``. With ``background`` the next action starts after ``settle_seconds``, and the end waits for it."""

    pod: str | None = None
    args: tuple[str, ...] = ()
    background: bool = False
    settle_seconds: float = DEFAULT_SETTLE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Describe:
    """Keep the text of describe, the object and the wide row under ``name``."""

    pod: str | None = None
    name: str = "describe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Logs:
    """``kubectl logs --timestamps``."""

    pod: str | None = None
    container: str | None = None
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Exec:
    """Run a command in a container; its output is kept under ``name`` when there is one."""

    argv: tuple[str, ...]
    pod: str | None = None
    container: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadFile:
    """Keep the text of a file in a container under ``name`` (default: its path)."""

    path: str
    pod: str | None = None
    container: str | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HostDirectory:
    """Make an empty directory on the virtual node."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HostFile:
    """Keep the text of a file of the virtual node under ``host:PATH``."""

    path: str
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KubectlCall:
    """Any other kubectl call, without the leading ``kubectl``."""

    argv: tuple[str, ...]
    background: bool = False
    settle_seconds: float = DEFAULT_SETTLE_SECONDS

    @property
    def files(self) -> tuple[str, ...]:
        """The manifests the call names with ``-f``; what a command in a container is given is its own affair."""
        return KubectlLine.parse(self.argv[1:] if self.argv[0] == "kubectl" else self.argv).files


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiCall:
    """A raw request to the API server; ``$NS`` in ``path`` stands for the namespace."""

    method: str
    path: str
    body: Any = None
    content_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsupported:
    """Something the lab cannot do; ``what`` is noted in the trace."""

    what: str


Action = (
    Submit | Wait | Delete | Describe | Logs | Exec | ReadFile | HostDirectory | HostFile | KubectlCall | ApiCall | Unsupported
)


def action_from_json(value: object, manifest: str) -> Action:
    """Return one action; ``manifest`` is what apply and create submit by default. Raises ScenarioError for a wrong form."""
    if not isinstance(value, dict) or not isinstance(value.get("do"), str):
        raise ScenarioError('each action must be an object with a string "do"')
    fields = _Fields(cast(Mapping[str, Any], value))
    do = value["do"]
    match do:
        case "apply" | "create":
            return Submit(verb=do, file=fields.text("file") or manifest, args=fields.texts("args"))
        case "wait":
            return _wait(fields)
        case "delete":
            return Delete(
                pod=fields.text("pod"),
                args=fields.texts("args"),
                background=fields.boolean("background"),
                settle_seconds=fields.seconds("settle", DEFAULT_SETTLE_SECONDS),
            )
        case "describe":
            return Describe(pod=fields.text("pod"), name=fields.text("as") or "describe")
        case "logs":
            return Logs(pod=fields.text("pod"), container=fields.text("container"), args=fields.texts("args"))
        case "exec":
            return Exec(
                argv=fields.command("argv"),
                pod=fields.text("pod"),
                container=fields.text("container"),
                name=fields.text("as"),
            )
        case "readfile":
            return ReadFile(
                path=fields.required("path"),
                pod=fields.text("pod"),
                container=fields.text("container"),
                name=fields.text("as"),
            )
        case "hostdir":
            return HostDirectory(path=fields.required("path"))
        case "hostfile":
            return HostFile(path=fields.required("path"), name=fields.text("as"))
        case "kubectl":
            return KubectlCall(
                argv=fields.command("argv"),
                background=fields.boolean("background"),
                settle_seconds=fields.seconds("settle", DEFAULT_SETTLE_SECONDS),
            )
        case "api":
            return ApiCall(
                method=(fields.text("method") or "GET").upper(),
                path=fields.required("path"),
                body=value.get("body"),
                content_type=fields.text("contentType") or "",
            )
        case _:
            return Unsupported(what=do)


def _wait(fields: _Fields) -> Wait | Unsupported:
    text = fields.required("for")
    timeout = fields.seconds("timeout", DEFAULT_WAIT_SECONDS)
    try:
        return Wait(condition=WaitCondition.parse(text), timeout_seconds=timeout)
    except ValueError:
        return Unsupported(what=f"wait {text}")


class _Fields:
    """The fields of one action, each checked when it is taken."""

    def __init__(self, value: Mapping[str, Any]) -> None:
        self._value = value

    def text(self, key: str) -> str | None:
        value = self._value.get(key)
        if value is not None and not isinstance(value, str):
            raise ScenarioError(f'"{key}" must be a string')
        return value

    def required(self, key: str) -> str:
        value = self.text(key)
        if not value:
            raise ScenarioError(f'"{self._value["do"]}" needs "{key}"')
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        value = self._value.get(key) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ScenarioError(f'"{key}" must be a list of strings')
        return tuple(value)

    def command(self, key: str) -> tuple[str, ...]:
        value = self.texts(key)
        if not value:
            raise ScenarioError(f'"{self._value["do"]}" needs "{key}", a list of strings')
        return value

    def boolean(self, key: str) -> bool:
        value = self._value.get(key, False)
        if not isinstance(value, bool):
            raise ScenarioError(f'"{key}" must be true or false')
        return value

    def seconds(self, key: str, default: float) -> float:
        value = self._value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ScenarioError(f'"{key}" must be a number of seconds, zero or more')
        return float(value)
