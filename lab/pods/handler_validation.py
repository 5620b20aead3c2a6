"""The API server's rules for hooks and probes.

Each function appends to the errors it is given; order and wording are the server's.
Source: pkg/apis/core/validation/validation.go, validateLifecycle, validateProbe, validateHandler (v1.36).
"""

from __future__ import annotations

from typing import Any

from lab.pods.field_errors import FieldErrors
from lab.pods.names import http_header_errors, port_name_errors, port_number_errors

JSON = dict[str, Any]

_NAMED_SIGNALS = """
SIGABRT SIGALRM SIGBUS SIGCHLD SIGCLD SIGCONT SIGFPE SIGHUP SIGILL SIGINT SIGIO SIGIOT SIGKILL SIGPIPE SIGPOLL SIGPROF
SIGPWR SIGQUIT SIGSEGV SIGSTKFLT SIGSTOP SIGSYS SIGTERM SIGTRAP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGUSR1 SIGUSR2 SIGVTALRM
SIGWINCH SIGXCPU SIGXFSZ
"""
_REAL_TIME_SIGNALS = ("SIGRTMAX", *(f"SIGRTMAX-{n}" for n in range(1, 15)), "SIGRTMIN", *(f"SIGRTMIN+{n}" for n in range(1, 16)))
LINUX_SIGNALS = tuple(sorted((*_NAMED_SIGNALS.split(), *_REAL_TIME_SIGNALS)))
WINDOWS_SIGNALS = ("SIGKILL", "SIGTERM")
_HANDLER_FIELDS = ("exec", "httpGet", "tcpSocket", "grpc", "sleep")  # the order in which the server counts them


def check_lifecycle(errors: FieldErrors, path: str, lifecycle: JSON, *, grace_seconds: int, os_name: str) -> None:
    """Check a container's hooks and its stop signal."""
    for hook in ("postStart", "preStop"):
        if hook in lifecycle:
            _check_handler(errors, f"{path}.{hook}", lifecycle[hook], grace_seconds)
    if "stopSignal" in lifecycle:
        _check_stop_signal(errors, f"{path}.stopSignal", lifecycle["stopSignal"], os_name)


def check_probe(errors: FieldErrors, path: str, probe: JSON, *, grace_seconds: int) -> None:
    """Check a probe; ``path`` ends with its kind."""
    _check_handler(errors, path, probe, grace_seconds)
    for name in ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"):
        if probe.get(name, 0) < 0:
            errors.invalid(f"{path}.{name}", probe[name], "must be greater than or equal to 0")
    own_grace = probe.get("terminationGracePeriodSeconds")
    if own_grace is not None and own_grace <= 0:
        errors.invalid(f"{path}.terminationGracePeriodSeconds", own_grace, "must be greater than 0")
    if path.endswith(".readinessProbe"):
        if own_grace is not None:
            errors.invalid(f"{path}.terminationGracePeriodSeconds", own_grace, "must not be set for readinessProbes")
    elif probe["successThreshold"] != 1:
        errors.invalid(f"{path}.successThreshold", probe["successThreshold"], "must be 1")


def _check_handler(errors: FieldErrors, path: str, handler: JSON, grace_seconds: int) -> None:
    present = [name for name in _HANDLER_FIELDS if name in handler]
    if not present:
        errors.required(path, "must specify a handler type")
        return
    _check_action(errors, f"{path}.{present[0]}", handler[present[0]], grace_seconds)
    for name in present[1:]:
        errors.forbidden(f"{path}.{name}", "may not specify more than 1 handler type")


def _check_action(errors: FieldErrors, path: str, action: JSON, grace_seconds: int) -> None:
    match path.rpartition(".")[2]:
        case "exec":
            if not action.get("command"):
                errors.required(f"{path}.command")
        case "httpGet":
            _check_http_get(errors, path, action)
        case "sleep":
            _check_sleep(errors, path, action, grace_seconds)
        case _:
            _check_port(errors, f"{path}.port", action["port"])


def _check_http_get(errors: FieldErrors, path: str, action: JSON) -> None:
    _check_port(errors, f"{path}.port", action["port"])
    if action["scheme"] not in ("HTTP", "HTTPS"):
        errors.not_supported(f"{path}.scheme", action["scheme"], ("HTTP", "HTTPS"))
    for index, header in enumerate(action.get("httpHeaders", ())):
        complaints = http_header_errors(header["name"])
        errors.invalid_for_each(f"{path}.httpHeaders", header["name"], complaints, at=f"{path}.httpHeaders[{index}].name")


def _check_port(errors: FieldErrors, path: str, port: int | str) -> None:
    errors.invalid_for_each(path, port, port_name_errors(port) if isinstance(port, str) else port_number_errors(port))


def _check_sleep(errors: FieldErrors, path: str, action: JSON, grace_seconds: int) -> None:
    if not 0 <= action["seconds"] <= grace_seconds:
        detail = f"must be non-negative and less than terminationGracePeriodSeconds ({grace_seconds})"
        errors.invalid(path, action["seconds"], detail, at=f"{path}.seconds")


def _check_stop_signal(errors: FieldErrors, path: str, signal: str, os_name: str) -> None:
    if not os_name:
        errors.forbidden(path, "may not be set for containers with empty `spec.os.name`")
        return
    supported = WINDOWS_SIGNALS if os_name == "windows" else LINUX_SIGNALS
    if signal not in supported:
        errors.not_supported(path, signal, supported)
