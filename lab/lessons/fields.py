"""A YAML mapping of a content file, read field by field.

Front matter and ``example.yaml`` are written by hand, so every mistake is noted with its line (`Problems`) and a
harmless value is returned in its place: reading goes on. Nothing here knows what the fields mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, get_args

import yaml

from lab.lessons.problems import Problems

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)
Words = Mapping[Language, str]


class Fields:
    """The fields of one mapping. Take each with its typed method, then call `finish`, which notes what nobody asked for."""

    def __init__(self, values: Mapping[str, Any], lines: Mapping[str, int], place: tuple[str, int], problems: Problems) -> None:
        self._values = values
        self._lines = lines
        self._path, self._line = place
        self._problems = problems
        self._asked: set[str] = set()
        self._unread = False  # the text could not be read, so a missing field is no mistake of its own

    @classmethod
    def parse(cls, text: str, path: str, problems: Problems, *, first_line: int = 1) -> Fields:
        """Read YAML ``text`` that begins at ``first_line`` of ``path``."""
        values: dict[str, Any] = {}
        lines: dict[str, int] = {}
        unread = False
        try:
            loader = yaml.SafeLoader(text)
            node = loader.get_single_node()
            if isinstance(node, yaml.MappingNode):
                for key, value in node.value:
                    name = str(key.value)
                    if name in values:
                        problems.note(path, key.start_mark.line + first_line, f"cannot use the field {name} twice; keep one")
                    values[name] = loader.construct_object(value, deep=True)
                    lines[name] = key.start_mark.line + first_line
            elif node is not None:
                problems.note(path, first_line, "cannot read this as fields; write `name: value` lines")
        except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that is none
            mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
            what = error.problem if isinstance(error, yaml.MarkedYAMLError) else error
            problems.note(path, (mark.line if mark else 0) + first_line, f"cannot read this as YAML: {what}; correct the line")
            unread = True
        fields = cls(values, lines, (path, first_line), problems)
        fields._unread = unread
        return fields

    @property
    def names(self) -> tuple[str, ...]:
        """All fields, asked for or not."""
        self._asked.update(self._values)
        return tuple(self._values)

    def text(self, name: str) -> str:
        """Return a required string without surrounding white space."""
        value = self._take(name, required=True)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.strip():
            self.wrong(name, "text")
            return ""
        return value.strip()

    def number(self, name: str, *, least: int, most: int) -> int:
        """Return a required whole number within bounds."""
        value = self._take(name, required=True)
        if value is None:
            return least
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.wrong(name, f"a whole number from {least} to {most}")
            return least
        return value

    def flag(self, name: str) -> bool:
        """Return an optional yes or no; no when absent."""
        value = self._take(name, required=False)
        if value is not None and not isinstance(value, bool):
            self.wrong(name, "true or false")
        return value is True

    def value(self, name: str, *, default: Any) -> Any:
        """Return whatever stands there, for a field whose shape only the caller can judge."""
        value = self._take(name, required=False)
        return default if value is None else value

    def words(self, name: str) -> Words:
        """Return a required text in every language, written as a mapping from language to text."""
        value = self._take(name, required=True)
        if value is None:
            return dict.fromkeys(LANGUAGES, "")
        if not isinstance(value, dict) or set(value) != set(LANGUAGES) or not all(isinstance(v, str) for v in value.values()):
            self.wrong(name, "a text for each of " + ", ".join(LANGUAGES))
            return dict.fromkeys(LANGUAGES, "")
        return {language: value[language].strip() for language in LANGUAGES}

    def strings(self, name: str) -> tuple[str, ...]:
        """Return an optional list of strings."""
        value = self._take(name, required=False)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.wrong(name, "a list of texts")
            return ()
        return tuple(value)

    def mapping(self, name: str, *kinds: type) -> Mapping[str, Any]:
        """Return an optional mapping from text to values of ``kinds``."""
        value = self._take(name, required=False)
        if value is None:
            return {}
        if not isinstance(value, dict) or not all(isinstance(k, str) and isinstance(v, kinds) for k, v in value.items()):
            self.wrong(name, "a mapping from text to " + " or ".join(kind.__name__ for kind in kinds))
            return {}
        return value

    def list_of(self, name: str, *kinds: type, default: tuple[Any, ...] = ()) -> tuple[Any, ...]:
        """Return an optional list of values of ``kinds``."""
        value = self._take(name, required=False)
        if value is None:
            return default
        if not isinstance(value, list) or not all(isinstance(item, kinds) for item in value):
            self.wrong(name, "a list of " + " or ".join(kind.__name__ for kind in kinds))
            return ()
        return tuple(value)

    def nested(self, name: str) -> Fields:
        """Return an optional mapping as fields of its own; problems in it carry the line of ``name``."""
        value = self.mapping(name, object)
        line = self._lines.get(name, self._line)
        return Fields(value, dict.fromkeys(value, line), (self._path, line), self._problems)

    def wrong(self, name: str, wanted: str) -> None:
        """Note that the field does not hold what is wanted."""
        self._problems.note(self._path, self._lines.get(name, self._line), f"cannot use the field {name}; write {wanted}")

    def finish(self) -> None:
        """Note every field that was not asked for: most often a spelling mistake."""
        for name in self._values:
            if name not in self._asked:
                known = ", ".join(sorted(self._asked))
                self._problems.note(self._path, self._lines[name], f"cannot use the unknown field {name}; known are {known}")

    def _take(self, name: str, *, required: bool) -> Any:
        self._asked.add(name)
        value = self._values.get(name)
        if value is None and required and not self._unread:
            self._problems.note(self._path, self._line, f"cannot do without the field {name}; add it")
        return value
