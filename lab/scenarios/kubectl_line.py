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
    "--filename": "filename",
    "--namespace": "namespace",
    "--container": "container",
    "--output": "output",
    "--selector": "selector",
    "--tail": "tail",
    "--timeout": "timeout",
    "--grace-period": "grace-period",
    "--sort-by": "sort-by",
    "--for": "for",
    "--cascade": "cascade",
    "--field-selector": "field-selector",
}
_SWITCHES = {"-p": "previous", "-w": "watch", "-A": "all-namespaces", "-i": "stdin", "-t": "tty"}


@dataclass(frozen=True, slots=True, kw_only=True)
class KubectlLine:
    """``names`` are the words after the verb; ``flags`` maps long names to values ("true" for a bare switch); ``command`` is what
    follows ``--``; ``options`` are the flags as written, to be passed on."""

    verb: str
    names: tuple[str, ...] = ()
    flags: Mapping[str, str] = field(default_factory=dict)
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
        names: list[str] = []
        flags: dict[str, str] = {}
        options: list[str] = []
        while words:
            word = words.pop(0)
            if not word.startswith("-"):
                names.append(word)
                continue
            name, equals, value = word.partition("=")
            options.append(word)
            if name in _WITH_VALUE and not equals and words:
                value, equals = words.pop(0), "="
                options.append(value)
            long_name = _WITH_VALUE.get(name) or _SWITCHES.get(name) or name.lstrip("-")
            flags[long_name] = value if equals else "true"
        return cls(
            verb=names[0] if names else "",
            names=tuple(names[1:]),
            flags=flags,
            command=tuple(command),
            options=tuple(options),
        )

    def only_flags(self, known: Collection[str]) -> bool:
        """Whether the line has no flag but these."""
        return set(self.flags) <= set(known)

    def switch(self, name: str) -> bool:
        """Whether a switch is on."""
        return self.flags.get(name, "false") == "true"
