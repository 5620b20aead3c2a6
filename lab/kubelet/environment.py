"""Expand a container's environment, command and arguments, as the kubelet does before it asks the runtime.

Hook commands are not expanded: that is Kubernetes' rule, not an omission. Source: pkg/kubelet/kubelet_pods.go
makeEnvironmentVariables, third_party/forked/golang/expansion/expand.go (v1.36).
Differs from the kubelet: variables that refer to one another can double their length line by line, so there is a bound; the
kubelet has none, and fails where the kernel takes no more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from lab.errors import LabError
from lab.kubelet.references import References
from lab.pods.model import Container, EnvVar, KeyReference

# What every container of a cluster finds in its environment (pkg/kubelet/envvars): the API server's Service. Differs from
# Kubernetes: nothing answers at the address.
_API_HOST, _API_PORT = "10.96.0.1", "443"
SERVICE_VARIABLES = (
    ("KUBERNETES_SERVICE_HOST", _API_HOST),
    ("KUBERNETES_SERVICE_PORT", _API_PORT),
    ("KUBERNETES_SERVICE_PORT_HTTPS", _API_PORT),
    ("KUBERNETES_PORT", f"tcp://{_API_HOST}:{_API_PORT}"),
    (f"KUBERNETES_PORT_{_API_PORT}_TCP", f"tcp://{_API_HOST}:{_API_PORT}"),
    (f"KUBERNETES_PORT_{_API_PORT}_TCP_PROTO", "tcp"),
    (f"KUBERNETES_PORT_{_API_PORT}_TCP_PORT", _API_PORT),
    (f"KUBERNETES_PORT_{_API_PORT}_TCP_ADDR", _API_HOST),
)

EXPANDED_LIMIT = 1024 * 1024  # characters of all variables, or of command and args; a process gets no string above 128 KiB


def environment(container: Container, references: References) -> tuple[tuple[str, str], ...]:
    """Return the container's variables in order; ``$(NAME)`` refers to those before. Raises LabError in the kubelet's words for
    a reference that leads nowhere."""
    values: dict[str, str] = {}
    size = 0
    for source in container.env_from:
        keys = references.keys(source.kind, source.name, optional=source.optional)
        more = {f"{source.prefix}{key}": data.decode(errors="replace") for key, data in keys.items()}
        size = _within_limit(size + sum(map(len, more.values())))
        values |= more
    before = {**dict(SERVICE_VARIABLES), **values}
    for variable in container.env:
        value = _value(container, variable, references, before)
        if value is not None:
            size = _within_limit(size + len(value))
            values[variable.name] = before[variable.name] = value
    services = ((name, value) for name, value in SERVICE_VARIABLES if name not in values)
    return (*values.items(), *services)


def expand_all(words: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """Expand each word of a command. Raises LabError."""
    expanded: list[str] = []
    size = 0
    for word in words:
        expanded.append(expand(word, values))
        size = _within_limit(size + len(expanded[-1]))
    return tuple(expanded)


def expand(text: str, values: Mapping[str, str]) -> str:
    """Replace ``$(NAME)`` by its value; ``$$`` is a dollar sign, and an unknown name stays as written. Raises LabError."""
    out, at, size = [], 0, 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            out.append(text[at])
            at += 1
        elif text[at + 1] == "$":
            out.append("$")
            at += 2
        elif text[at + 1] == "(" and (end := text.find(")", at)) > 0:
            name = text[at + 2 : end]
            out.append(values.get(name, f"$({name})"))
            size = _within_limit(size + len(out[-1]))
            at = end + 1
        else:
            out.append(text[at : at + 2])
            at += 2
    return "".join(out)


def _value(container: Container, variable: EnvVar, references: References, before: Mapping[str, str]) -> str | None:
    """Return the variable's value; None when it refers to an optional key that is not there."""
    source = variable.source
    if source is None:
        return expand(variable.value, before)
    if not isinstance(source, KeyReference):
        return references.of_pod(source, container)
    keys = references.keys(source.kind, source.name, optional=source.optional)
    if source.key not in keys and not source.optional:
        where = f"{source.kind} {references.pod.namespace}/{source.name}"
        raise LabError(f"couldn't find key {source.key} in {where}")
    data = keys.get(source.key)
    return None if data is None else data.decode(errors="replace")


def _within_limit(size: int) -> int:
    if size > EXPANDED_LIMIT:
        raise LabError(
            f"cannot expand variables to more than {EXPANDED_LIMIT // 1024} KiB, the lab's limit; "
            "let them refer to one another less"
        )
    return size
