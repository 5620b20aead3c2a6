"""kubectl's flags for the verbs that write: what they mean, and what kubectl says of those it does not take.

Pure. Source: staging/src/k8s.io/kubectl/pkg/cmd/{apply,create,replace,delete} (v1.36).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

DryRun = Literal["none", "client", "server"]
Validation = Literal["strict", "warn", "ignore"]
Output = Literal["", "name", "yaml", "json"]

_UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?)(ns|us|ms|s|m|h)")
_VALIDATION: dict[str, Validation] = {"true": "strict", "strict": "strict", "warn": "warn", "false": "ignore", "ignore": "ignore"}
SUBMIT_FLAGS = frozenset(
    {"dry-run", "output", "validate", "save-config", "server-side", "field-manager", "force-conflicts", "overwrite", "wait"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """kubectl delete's flags. ``grace_period_seconds`` is what is sent: None leaves it to the pod's spec."""

    grace_period_seconds: int | None = None
    force: bool = False
    wait: bool = True
    ignore_not_found: bool = False
    timeout_seconds: float | None = None
    dry_run: DryRun = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitOptions:
    """The flags of apply, create and replace."""

    dry_run: DryRun = "none"
    output: Output = ""
    validation: Validation = "strict"
    save_config: bool = False
    server_side: bool = False

    @property
    def suffix(self) -> str:
        """What kubectl adds to each line of a dry run."""
        return dry_run_suffix(self.dry_run)


def dry_run_suffix(dry_run: DryRun) -> str:
    """Return what kubectl adds to each line of a dry run."""
    return {"none": "", "client": " (dry run)", "server": " (server dry run)"}[dry_run]


def submit_options(flags: Mapping[str, str]) -> SubmitOptions | str | None:
    """Return what the long-named ``flags`` mean, the error that kubectl prints, or None for what the lab does not do."""
    if not set(flags) <= SUBMIT_FLAGS:
        return None
    dry_run, validate, output = flags.get("dry-run", "none"), flags.get("validate", "strict"), flags.get("output", "")
    if dry_run not in get_args(DryRun):
        return f'Invalid dry-run value ({dry_run}). Must be "none", "server", or "client".'
    if validate not in _VALIDATION:
        return f'invalid - validate option "{validate}"; must be one of: strict (or true), warn, ignore (or false)'
    if output not in get_args(Output):
        return None
    return SubmitOptions(
        dry_run=_dry_run(dry_run),
        output=_output(output),
        validation=_VALIDATION[validate],
        save_config=flags.get("save-config") == "true",
        server_side=flags.get("server-side") == "true",
    )


def delete_options(args: tuple[str, ...]) -> DeleteOptions | str:
    """Return what kubectl makes of delete's flags, or the error it prints (kubectl/pkg/cmd/delete: Validate)."""
    flags = {"--grace-period": "-1", "--force": "false", "--now": "false", "--wait": "true", "--ignore-not-found": "false"}
    flags |= {"--timeout": "0s", "--cascade": "background", "--dry-run": "none"}
    for arg in args:
        flag, given, value = arg.partition("=")
        if flag not in flags:
            return f"unknown flag: {flag}"
        flags[flag] = value if given else "true"
    try:
        grace = int(flags["--grace-period"])
    except ValueError:
        value = flags["--grace-period"]
        return f'invalid argument "{value}" for "--grace-period" flag: strconv.ParseInt: parsing "{value}": invalid syntax'
    force = flags["--force"] == "true"
    if flags["--now"] == "true":
        if grace != -1:
            return "--now and --grace-period cannot be specified together"
        grace = 1
    if grace == 0 and not force:
        grace = 1  # with this flag alone kubectl asks for the shortest graceful deletion
    elif force and grace < 0:
        grace = 0
    elif force and grace > 0:
        return "--force and --grace-period greater than 0 cannot be specified together"
    timeout = duration_seconds(flags["--timeout"])
    if isinstance(timeout, str):
        return f'invalid argument "{flags["--timeout"]}" for "--timeout" flag: {timeout}'
    if flags["--dry-run"] not in get_args(DryRun):
        return f'Invalid dry-run value ({flags["--dry-run"]}). Must be "none", "server", or "client".'
    return DeleteOptions(
        grace_period_seconds=None if grace < 0 else grace,
        force=force,
        wait=flags["--wait"] != "false",
        ignore_not_found=flags["--ignore-not-found"] == "true",
        timeout_seconds=timeout if timeout > 0 else None,
        dry_run=_dry_run(flags["--dry-run"]),
    )


def duration_seconds(text: str) -> float | str:
    """Return the seconds of a Go duration such as ``1m30s``, or the error of Go's time.ParseDuration."""
    if text.removeprefix("-") == "0":
        return 0.0
    parts = _DURATION_PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text.removeprefix("-"):
        missing = text.removeprefix("-").replace(".", "", 1).isdecimal()
        return f'time: {"missing unit in" if missing else "invalid"} duration "{text}"'
    seconds = sum(float(number) * _UNIT_SECONDS[unit] for number, unit in parts)
    return -seconds if text.startswith("-") else seconds


def _dry_run(text: str) -> DryRun:
    return "client" if text == "client" else "server" if text == "server" else "none"


def _output(text: str) -> Output:
    return "name" if text == "name" else "yaml" if text == "yaml" else "json" if text == "json" else ""
