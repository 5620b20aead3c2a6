"""Which strings Kubernetes takes as names, labels, ports, and what it says of others.

Every function returns the complaints, none when the string is fine. Nothing here knows where the string stands.
Source: staging/src/k8s.io/apimachinery/pkg/util/validation/validation.go (v1.36).
"""

from __future__ import annotations

import re

_LABEL = "[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_QUALIFIED = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_LABEL_VALUE = f"({_QUALIFIED})?"
_HTTP_HEADER = "[-A-Za-z0-9]+"

# validation.go: DNS1123LabelMaxLength, DNS1123SubdomainMaxLength, qualifiedNameMaxLength, IsValidPortName, IsValidPortNum.
_LABEL_LENGTH = 63
_SUBDOMAIN_LENGTH = 253
_QUALIFIED_LENGTH = 63
_PORT_NAME_LENGTH = 15
_PORT_MAXIMUM = 65535


def dns_label_errors(value: str) -> list[str]:
    """Check a container's, a volume's or a host's name."""
    errors = _too_long(value, _LABEL_LENGTH)
    if not _matches(_LABEL, value):
        rule = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-'"
        errors.append(
            _regex_error(f"{rule}, and must start and end with an alphanumeric character", _LABEL, "my-name", "123-abc")
        )
    return errors


def dns_subdomain_errors(value: str) -> list[str]:
    """Check a pod's name."""
    errors = _too_long(value, _SUBDOMAIN_LENGTH)
    if not _matches(_SUBDOMAIN, value):
        rule = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.'"
        errors.append(_regex_error(f"{rule}, and must start and end with an alphanumeric character", _SUBDOMAIN, "example.com"))
    return errors


def qualified_name_errors(value: str) -> list[str]:
    """Check a label's or an annotation's key, or a finalizer."""
    rule = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character"
    explained = _regex_error(rule, _QUALIFIED, "MyName", "my.name", "123-abc")
    parts = value.split("/")
    if len(parts) > 2:
        return [f"a qualified name {explained} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"]
    errors = []
    if len(parts) == 2:
        complaints = dns_subdomain_errors(parts[0]) if parts[0] else ["must be non-empty"]
        errors += [f"prefix part {complaint}" for complaint in complaints]
    name = parts[-1]
    errors += [f"name part {complaint}" for complaint in (_too_long(name, _QUALIFIED_LENGTH) if name else ["must be non-empty"])]
    if not _matches(_QUALIFIED, name):
        errors.append(f"name part {explained}")
    return errors


def label_value_errors(value: str) -> list[str]:
    """Check a label's value."""
    errors = _too_long(value, _LABEL_LENGTH)
    if not _matches(_LABEL_VALUE, value):
        rule = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.'"
        message = f"{rule}, and must start and end with an alphanumeric character"
        errors.append(_regex_error(message, _LABEL_VALUE, "MyValue", "my_value", "12345"))
    return errors


def port_name_errors(value: str) -> list[str]:
    """Check the name of a port, where it is declared or referred to."""
    errors = _too_long(value, _PORT_NAME_LENGTH)
    if not _matches("[-a-z0-9]+", value):
        errors.append("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)")
    if not re.search("[a-z]", value):
        errors.append("must contain at least one letter (a-z)")
    if "--" in value:
        errors.append("must not contain consecutive hyphens")
    if value and "-" in (value[0], value[-1]):
        errors.append("must not begin or end with a hyphen")
    return errors


def port_number_errors(value: int) -> list[str]:
    """Check the number of a port."""
    return [] if 1 <= value <= _PORT_MAXIMUM else [range_message(1, _PORT_MAXIMUM)]


def http_header_errors(value: str) -> list[str]:
    """Check the name of an HTTP header."""
    if _matches(_HTTP_HEADER, value):
        return []
    return [_regex_error("a valid HTTP header must consist of alphanumeric characters or '-'", _HTTP_HEADER, "X-Header-Name")]


def environment_name_errors(value: str) -> list[str]:
    """Check the name of an environment variable."""
    if all(" " <= character <= "~" and character != "=" for character in value):
        return []
    return ["a valid environment variable name must consist only of printable ASCII characters other than '='"]


def config_key_errors(value: str) -> list[str]:
    """Check a key of a ConfigMap or a Secret."""
    errors = _too_long(value, _SUBDOMAIN_LENGTH)
    if not _matches("[-._a-zA-Z0-9]+", value):
        rule = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'"
        errors.append(_regex_error(rule, "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name"))
    if value in (".", "..") or value.startswith(".."):
        errors.append(f"must not be '{value}'" if value in (".", "..") else "must not start with '..'")
    return errors


def range_message(low: int, high: int) -> str:
    """Return the complaint about a number outside ``low`` to ``high``."""
    return f"must be between {low} and {high}, inclusive"


def _too_long(value: str, length: int) -> list[str]:
    return [f"must be no more than {length} characters"] if len(value.encode("utf-8", "replace")) > length else []


def _matches(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value, re.ASCII) is not None


def _regex_error(message: str, pattern: str, *examples: str) -> str:
    shown = " or ".join(f"'{example}', " for example in examples)
    return f"{message} (e.g. {shown}regex used for validation is '{pattern}')"
