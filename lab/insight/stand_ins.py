"""The images that stand in for one that the lab does not have, and which of a command's programs they hold.

Pure data and look-ups; a test runs the images and compares. What a script calls is told as far as its text can be read.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from lab.insight.commands import SHELLS, functions, shell_script
from lab.insight.shell import Script, everything


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """One of the lab's images: its programs, and the directories in which each of them is found."""

    image: str
    programs: frozenset[str]
    directories: tuple[str, ...]

    def has(self, program: str) -> bool:
        """Whether the image holds a program, called by name or by path."""
        directory, slash, name = program.rpartition("/")
        return name in self.programs and (not slash or directory in self.directories)


BUSYBOX = StandIn(
    image="busybox",
    directories=("/bin",),
    programs=_words(
        """
        [ [[ arch ash awk base64 basename bc bunzip2 busybox bzcat cat chgrp chmod chown chroot clear cmp cp cpio crond cut
        date dc dd df diff dirname dmesg dnsdomainname du echo egrep env expand expr factor fallocate false fgrep find fold
        free ftpget ftpput getopt grep groups gunzip gzip halt head hexdump hostid hostname httpd id ifconfig init ionice ip
        kill killall last less link ln logger login logname ls md5sum mkdir mkfifo mknod mktemp more mount mv nc netstat nl
        nologin nproc nslookup od passwd paste patch pidof ping printf ps pwd readlink realpath renice reset rev rm rmdir
        route run-parts sed seq setsid sh sha1sum sha256sum sha512sum shred shuf sleep sort stat strings stty su sync sysctl
        tac tail tar taskset tee telnet test tftp time timeout top touch tr traceroute true truncate tty umount uname uniq
        unlink unzip uptime usleep vi watch wc wget which who whoami xargs xxd yes
        """
    ),
)
NGINX = StandIn(
    image="nginx",
    directories=("/bin", "/usr/bin", "/sbin", "/usr/sbin"),
    programs=_words(
        """
        [ arch awk base64 basename bash cat chgrp chmod chown chroot cksum comm cp curl cut dash date dd df dirname du echo
        egrep env expand expr factor false fgrep find fmt fold grep groups head hostid hostname id install join link ln
        logname ls mawk md5sum mkdir mkfifo mknod mktemp mv nginx nice nl nohup nproc od paste printenv printf pwd readlink
        realpath rm rmdir run-parts sed seq sh sha1sum sha256sum sha512sum shred shuf sleep sort split stat stdbuf stty sum
        sync tac tail tar tee test timeout touch tr true truncate tsort tty uname unexpand uniq unlink wc who whoami xargs yes
        """
    ),
)
STAND_INS = (BUSYBOX, NGINX)

_BUILTINS = _words(
    """
    . : [ alias bg break cd command continue echo eval exec exit export false fg getopts hash jobs kill local printf pwd read
    readonly return set shift source test times trap true type ulimit umask unalias unset wait
    """
)
_BASH_BUILTINS = _words("[[ declare disown let mapfile shopt typeset")
_RUNS_ANOTHER = _words("env exec nice nohup setsid timeout xargs command time")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_DURATION = re.compile(r"\d+(?:\.\d+)?[smhd]?")
_SUBSTITUTED = re.compile(r"(?:\$\(\s*|`\s*)([\w./-]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Calls:
    """What a command calls. ``programs`` in the order of the text; ``is_whole`` is False when its script cannot be read through,
    so that it may call more; ``scripts`` are files that a shell is to read."""

    programs: tuple[str, ...]
    is_whole: bool = True
    scripts: tuple[str, ...] = ()


def calls_of(argv: tuple[str, ...]) -> Calls:
    """Return what a command calls."""
    if not argv:
        return Calls(programs=())
    shell = shell_script(argv)
    if shell is None:
        is_file = argv[0].rpartition("/")[2] in SHELLS and len(argv) > 1 and not argv[1].startswith("-")
        return Calls(programs=tuple(_unwrapped(argv)), scripts=(argv[1],) if is_file else ())
    substituted = tuple(_SUBSTITUTED.findall(shell.text))
    if shell.script is None:
        return Calls(programs=_distinct((argv[0], *substituted)), is_whole=False)
    return Calls(programs=_distinct((argv[0], *_called(shell.script), *substituted)))


def missing(argv: tuple[str, ...], stand_in: StandIn) -> tuple[str, ...]:
    """Return the programs that a command calls and a stand-in does not hold."""
    inside = shell_script(argv) is not None
    builtins = _BUILTINS | (_BASH_BUILTINS if argv and argv[0].endswith("bash") else frozenset())
    first = argv[0] if argv else ""
    return tuple(
        program
        for program in calls_of(argv).programs
        if not stand_in.has(program) and not (inside and program != first and program in builtins)
    )


def _called(script: Script) -> Iterator[str]:
    own = functions(script)
    for command, _ in everything(script):
        words = list(command.words)
        while words and _ASSIGNMENT.match(words[0]):
            words.pop(0)
        if words and words[0] not in own and "$" not in words[0] and "`" not in words[0]:
            yield from _unwrapped(words)


def _unwrapped(words: Iterable[str]) -> Iterator[str]:
    """Yield a command's program, and the one that it runs for it (``exec``, ``timeout 5 …``)."""
    rest = list(words)
    while rest:
        program = rest.pop(0)
        yield program
        if program.rpartition("/")[2] not in _RUNS_ANOTHER:
            return
        while rest and (rest[0].startswith("-") or _ASSIGNMENT.match(rest[0]) or _DURATION.fullmatch(rest[0])):
            rest.pop(0)
        if rest and "$" in rest[0]:
            return


def _distinct(programs: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(programs))
