"""What README, CONTRIBUTING and the documents claim about names, defaults, links and files is held to the code."""

from __future__ import annotations

import argparse
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.cli import make_parser
from lab.config import read_settings
from lab.lessons.outputs import WORDS as OUTPUTS
from lab.lessons.predicate_reader import WORDS as PREDICATES
from lab.limits import cpus_of_all, half_of_memory, half_of_pids
from lab.pods.pod_fields import STRUCTS

ROOT = Path(__file__).parents[1]
COMMITTED = subprocess.run(
    ["git", "-c", "safe.directory=*", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.split("\0")[:-1]
DOCUMENTS = sorted(path for path in COMMITTED if path.endswith(".md") and not path.startswith("content/"))
README = (ROOT / "README.md").read_text(encoding="utf-8")
NO_DEFAULT = "none"
LIMITS = (ROOT / "docs/limits.md").read_text(encoding="utf-8")
DERIVED = {  # a default that is no fixed value, as it is written
    "‹LAB_DATA›": lambda: str(read_settings({}).data),
    "‹half of the machine's memory›": lambda: str(half_of_memory()),
    "‹32 for each of the machine's cores›": lambda: f"{cpus_of_all():g}",
    "‹half of what the kernel allows›": lambda: str(half_of_pids()),
}

# What would tie the project to the machine or the network it was written on.
PLACES = {
    "a path of one machine": re.compile(r"(?<![\w.])/(?:home|Users|work|workspace|builds)/(?!learner\b)\w|(?<![\w:])/root/[\w.]"),
    "a package index or registry": re.compile(
        r"registry\.npmjs|pythonhosted\.org|pypi\.org/simple|(?:index-url|registry)\s*=\s*\S*://"
        r"|(?:deb|ftp|security)\.debian\.org/|https?://[^\s/\"]*(?:mirror|proxy|nexus|artifactory)|registry-\d\.docker"
    ),
}


def code(text: str) -> Iterator[str]:
    """Yield each command line and code span of a Markdown text."""
    for number, part in enumerate(re.split(r"^```.*$", text, flags=re.MULTILINE)):
        if number % 2:
            yield from part.splitlines()
        else:
            yield from re.findall(r"`([^`\n]+)`", part)


def settings_table() -> dict[str, str]:
    """Return the tables of settings: the default as written, by variable."""
    return dict(re.findall(r"^\| `(LAB_\w+)` \| `?([^`|]+?)`? \|", README + LIMITS, flags=re.MULTILINE))


def subcommands(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the command lines that end in a subcommand, such as ``lab images list``."""
    found = [action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    if not found:
        yield parser.prog
    for choices in found:
        for child in choices.values():
            yield from subcommands(child)


def anchors(markdown: str) -> set[str]:
    """Return the anchors of a Markdown file's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", markdown, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


class Asked(dict[str, str]):
    """An environment that remembers which variables were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]
        self.names.append(name)
        return super().get(name, default)


def test_every_setting_stands_in_a_table_and_no_other() -> None:
    environment = Asked()
    read_settings(environment)
    assert sorted(settings_table()) == sorted(environment.names)


@pytest.mark.parametrize(("variable", "default"), settings_table().items())
def test_a_setting_has_the_default_that_the_table_gives(variable: str, default: str) -> None:
    unset = read_settings({})
    for written, value in DERIVED.items():
        default = default.replace(written, value())
    assert read_settings({} if default == NO_DEFAULT else {variable: default}) == unset


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_make_target_that_a_document_names_exists(document: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
    named = {
        target
        for line in code((ROOT / document).read_text(encoding="utf-8"))
        for target in re.findall(r"^(?:\$ )?make ([a-z-]+)", line)
    }
    assert named <= targets


def test_every_subcommand_is_in_the_readme() -> None:
    described = " ".join(code(README))
    assert [line for line in subcommands(make_parser()) if line not in described] == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_subcommand_that_a_document_names_exists(document: str) -> None:
    known = {line.split()[1] for line in subcommands(make_parser())}
    named = {
        name
        for line in code((ROOT / document).read_text(encoding="utf-8"))
        for name in re.findall(r"^(?:[A-Z_]+=\S+ )*(?:\.venv/bin/)?lab ([a-z]+)", line)
    }
    assert named <= known


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_relative_link_leads_to_a_committed_file_and_its_heading(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / document).parent / path if path else ROOT / document
        name = file.resolve().relative_to(ROOT).as_posix()
        assert name in COMMITTED, f"{document} links to {target}"
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), f"{document} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_a_file_that_a_document_names_as_code_is_committed(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = re.findall(r"`((?:lab|tests|docs|content|static|templates|benchmarks)/[\w./-]+\.\w+)`", text)
    assert [path for path in named if path not in COMMITTED] == []


def test_every_refused_field_is_listed_as_a_difference() -> None:
    text = (ROOT / "docs/differences.md").read_text(encoding="utf-8")
    refused = {
        "os" if struct == "v1.PodOS" else "seccompProfile" if struct == "v1.SeccompProfile" and name == "type" else name
        for struct, fields in STRUCTS.items()
        for name, field in fields.items()
        if field.refusal
    }
    assert [name for name in sorted(refused) if f"`{name}`" not in text] == []


def test_every_field_of_an_example_is_described() -> None:
    asked = re.findall(r'fields\.\w+\("(\w+)"', (ROOT / "lab/lessons/example.py").read_text(encoding="utf-8"))
    authoring = (ROOT / "docs/authoring.md").read_text(encoding="utf-8")
    assert asked
    assert [name for name in asked if f"`{name}`" not in authoring] == []


def test_every_output_and_predicate_of_a_lesson_is_described() -> None:
    authoring = (ROOT / "docs/authoring.md").read_text(encoding="utf-8")
    assert [what for what in OUTPUTS if f"{{{{ output: first {what}" not in authoring] == []
    assert [word for word in PREDICATES if f"`{word}: " not in authoring] == []


@pytest.mark.parametrize("what", PLACES)
def test_no_committed_file_names(what: str) -> None:
    found = []
    for path in COMMITTED:
        try:
            text = (ROOT / path).read_text(encoding="utf-8")
        except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
            continue  # a picture, or a file that is about to be removed
        found += [f"{path}: {match[0]}" for match in PLACES[what].finditer(text)]
    assert found == []


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a path of one machine", "cd /home/" + "somebody/lab"),
        ("a path of one machine", "see /root/" + ".cache"),
        ("a package index or registry", '"resolved": "https://registry.' + 'npmjs.org/htmx"'),
        ("a package index or registry", "pip --index-" + "url=https://example.org"),
    ],
)
def test_what_no_file_may_name_is_recognised(what: str, text: str) -> None:
    assert PLACES[what].search(text)
