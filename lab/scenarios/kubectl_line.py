"""A kubectl command line taken apart, as far as scenarios use it.

It knows which flags take a value; it does not know what a verb means.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

_WITH_VALUE = {
    "-f": "filename",
    "-n": "namespace",
    "-c": "container",
    "-o": "output",
    "-l": "selector",
    "-L": "label-columns",
    **{
        f"--{name}": name
        for name in (
            *("filename", "namespace", "container", "output", "selector", "label-columns", "tail", "timeout", "grace-period"),
            *("sort-by", "for", "field-selector", "field-manager", "patch", "type", "subresource", "since", "since-time"),
            *(
                "limit-bytes",
                "request-timeout",
                "types",
                "template",
                "image",
                "restart",
                "env",
                "port",
                "labels",
                "max-log-requests",
            ),
            *("annotations", "pod-running-timeout", "image-pull-policy", "overrides", "chunk-size"),
        )
    },
}
_SWITCHES = {"-p": "previous", "-w": "watch", "-A": "all-namespaces", "-i": "stdin", "-t": "tty", "-q": "quiet"}
_PATCH_SHORT = {"-p": "patch"}
_FOLLOW_SHORT = {"-f": "follow"}
_RUN_COMBINED = {"-it": ("stdin", "tty"), "-ti": ("stdin", "tty")}


@dataclass(frozen=True, slots=True, kw_only=True)
class KubectlLine:
    """``names`` are the words after the verb; ``flags`` maps long names to values ("true" for a bare switch); ``files`` are all
    that ``-f`` names; ``command`` is what follows ``--``; ``options`` are the flags as written, to be passed on."""

    verb: str
    names: tuple[str, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @classmethod
    def parse(cls, argv: Sequence[str]) -> KubectlLine:
        """Return the parts of a command line without its leading ``kubectl``."""
        words = list(argv)
        command: list[str] = []
        if "--" in words:
            split = words.index("--")
            words, command = words[:split], words[split + 1 :]
        verb = next((word for word in words if not word.startswith("-")), "")
        with_value = {**_WITH_VALUE, **(_PATCH_SHORT if verb == "patch" else {})}
        if verb == "logs":
            del with_value["-f"]
        switches = {**_SWITCHES, **(_FOLLOW_SHORT if verb == "logs" else {})}
        names: list[str] = []
        flags: dict[str, str] = {}
        files: list[str] = []
        options: list[str] = []
        while words:
            word = words.pop(0)
            if not word.startswith("-") or word == "-":
                names.append(word)
                continue
            options.append(word)
            if word in _RUN_COMBINED:
                flags |= dict.fromkeys(_RUN_COMBINED[word], "true")
                continue
            name, equals, value = word.partition("=")
            if name not in with_value and name[:2] in with_value and not name.startswith("--"):
                name, equals, value = name[:2], "=", word[2:].removeprefix("=")  # -oyaml
            if name in with_value and not equals and words:
                value, equals = words.pop(0), "="
                options.append(value)
            long_name = with_value.get(name) or switches.get(name) or name.lstrip("-")
            flags[long_name] = value if equals else "true"
            if long_name == "filename":
                files += value.split(",")
        return cls(
            verb=names[0] if names else "",
            names=tuple(names[1:]),
            flags=flags,
            files=tuple(files),
            command=tuple(command),
            options=tuple(options),
        )

    def only_flags(self, known: Collection[str]) -> bool:
        """Whether the line has no flag but these."""
        return set(self.flags) <= set(known)

    def switch(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.flags.get(name, "false") == "true"


def labels_match(selector: str) -> Mapping[str, tuple[str, frozenset[str]]] | None:
    """Return a label selector as key → (operator, values); None for a form that cannot be read."""
    terms: dict[str, tuple[str, frozenset[str]]] = {}
    for term in _split_terms(selector):
        words = term.split(None, 2)
        if len(words) == 3 and words[1] in ("in", "notin") and words[2].startswith("(") and words[2].endswith(")"):
            terms[words[0]] = (words[1], frozenset(v.strip() for v in words[2][1:-1].split(",")))
        elif "!=" in term:
            key, _, value = term.partition("!=")
            terms[key.strip()] = ("notin", frozenset({value.strip()}))
        elif "=" in term:
            key, _, value = term.replace("==", "=").partition("=")
            if not key.strip():
                return None
            terms[key.strip()] = ("in", frozenset({value.strip()}))
        elif term.startswith("!"):
            terms[term[1:].strip()] = ("absent", frozenset())
        elif term and " " not in term:
            terms[term] = ("present", frozenset())
        else:
            return None
    return terms


def selects(terms: Mapping[str, tuple[str, frozenset[str]]], labels: Mapping[str, str]) -> bool:
    """Whether an object with ``labels`` is selected."""
    for key, (operator, values) in terms.items():
        value = labels.get(key)
        held = {
            "in": value in values,
            "notin": value is None or value not in values,
            "present": value is not None,
            "absent": value is None,
        }[operator]
        if not held:
            return False
    return True


def _split_terms(selector: str) -> list[str]:
    """Split at commas outside parentheses."""
    terms, depth = [""], 0
    for character in selector:
        depth += (character == "(") - (character == ")")
        if character == "," and depth == 0:
            terms.append("")
        else:
            terms[-1] += character
    return [term.strip() for term in terms]
