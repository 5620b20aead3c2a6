"""What containers can reach: other containers of their own cluster, and nothing else.

A Docker ``internal`` network still leads to the host, by the bridge's own address, and so to every service that listens there and
to every published port. Two chains of the lab's own, for IPv4 and IPv6, drop what comes from the lab's bridges to the host but
replies to what the host opened (hooks, probes), and whatever is routed from or to them. They know the bridges by the prefix of
their interface names, so they hold for bridges that are still to come. Name resolution is the runtime's part: the embedded server
forwards from the host's side, where no chain sees it. Source: iptables(8), iptables-extensions(8).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

BRIDGE_PREFIX = "phl"  # of the interface names of every lab's bridges on this host

_INPUT_CHAIN = "POD-HOOK-LAB"
_FORWARD_CHAIN = "POD-HOOK-LAB-FORWARD"
_FROM, _TO = ("-i", f"{BRIDGE_PREFIX}+"), ("-o", f"{BRIDGE_PREFIX}+")
_RULES = f"""\
*filter
:{_INPUT_CHAIN} - [0:0]
:{_FORWARD_CHAIN} - [0:0]
-A {_INPUT_CHAIN} -m conntrack --ctstate ESTABLISHED,RELATED --ctdir REPLY -j ACCEPT
-A {_INPUT_CHAIN} -j DROP
-A {_FORWARD_CHAIN} -m physdev --physdev-is-bridged -j RETURN
-A {_FORWARD_CHAIN} -j DROP
COMMIT
"""  # bridged: within one bridge, seen here only where the kernel passes such packets to iptables
_TIMEOUT_SECONDS = 30
_LOCK_WAIT_SECONDS = 10  # Docker changes rules too


@dataclass(frozen=True, slots=True, kw_only=True)
class FirewallState:
    """Whether containers are kept from the host; if not, a sentence on why and one on what would help."""

    installed: bool
    why: str = ""
    remedy: str = ""


def ensure() -> FirewallState:
    """Put the chains in force, first in line, unless they are. Idempotent, about 0.05 s; call it again whenever it matters, since
    other programs may flush the tables."""
    if os.geteuid() != 0:
        return FirewallState(
            installed=False,
            why="cannot keep containers from the host: only root may change the firewall",
            remedy="start the lab as root, or use it alone on a machine without services of value",
        )
    for program in _programs():
        if shutil.which(program) is None:
            return FirewallState(
                installed=False,
                why=f"cannot keep containers from the host: {program} is not on this machine",
                remedy="install it: apt-get install iptables",
            )
        try:
            _install(program)
        except subprocess.SubprocessError as error:
            return FirewallState(
                installed=False,
                why=f"cannot keep containers from the host: {program} failed: {_words(error)}",
                remedy="load the kernel's modules for it (modprobe xt_conntrack xt_physdev) or run on a kernel that has them",
            )
    return FirewallState(installed=True)


def remove() -> None:
    """Take the chains away. All labs on this host share them: only for the last one to leave."""
    for program in _programs():
        if shutil.which(program) is None:
            continue
        for parent, chain, match in _jumps(program):
            while _succeeds(program, "-C", parent, *match, "-j", chain):
                _run(program, "-D", parent, *match, "-j", chain)
        for chain in (_INPUT_CHAIN, _FORWARD_CHAIN):
            if _succeeds(program, "-S", chain):
                _run(program, "-F", chain)
                _run(program, "-X", chain)


def _programs() -> tuple[str, ...]:
    return ("iptables", "ip6tables") if Path("/proc/net/if_inet6").exists() else ("iptables",)


def _install(program: str) -> None:
    # The chains are replaced in one step, so nothing slips through while they are.
    _run(f"{program}-restore", "--noflush", text=_RULES)
    jumps = _jumps(program)
    for parent in {parent for parent, _, _ in jumps}:
        wanted = [" ".join(("-A", parent, *match, "-j", chain)) for at, chain, match in jumps if at == parent]
        rules = [line for line in _run(program, "-S", parent).splitlines() if line.startswith("-A ")]
        if rules[: len(wanted)] == wanted:
            continue
        for rule in reversed(wanted):  # first in first, and only then away with where they were
            _run(program, "-I", *rule.split()[1:])
        for rule in rules:
            if rule in wanted:
                _delete_last(program, parent, rule)


def _delete_last(program: str, parent: str, rule: str) -> None:
    rules = [line for line in _run(program, "-S", parent).splitlines() if line.startswith("-A ")]
    _run(program, "-D", parent, str(len(rules) - rules[::-1].index(rule)))


def _jumps(program: str) -> tuple[tuple[str, str, tuple[str, str]], ...]:
    """Return where the chains are called from: parent chain, chain, match. Docker calls DOCKER-USER before all of its own."""
    forward = "DOCKER-USER" if _succeeds(program, "-S", "DOCKER-USER") else "FORWARD"
    return (("INPUT", _INPUT_CHAIN, _FROM), (forward, _FORWARD_CHAIN, _FROM), (forward, _FORWARD_CHAIN, _TO))


def _succeeds(program: str, *arguments: str) -> bool:
    try:
        _run(program, *arguments)
    except subprocess.CalledProcessError:
        return False
    return True


def _run(program: str, *arguments: str, text: str = "") -> str:
    wait = (f"--wait={_LOCK_WAIT_SECONDS}",) if program.endswith("-restore") else ("--wait", str(_LOCK_WAIT_SECONDS))
    command = [program, *wait, *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True, timeout=_TIMEOUT_SECONDS).stdout


def _words(error: subprocess.SubprocessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        return " ".join((error.stderr or error.stdout).split())
    return str(error)
