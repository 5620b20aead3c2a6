"""The programs that recorded scenarios use, as functions: what they print, how long they take, their exit codes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.kubelet import shell_server

if TYPE_CHECKING:
    from tests.kubelet.shell import Process

FOREVER_SECONDS = 80_000.0
NOT_FOUND = 127


def exists(path: str) -> bool:
    """Whether there is such a program."""
    directory, _, name = path.rpartition("/")
    return name in PROGRAMS and directory in ("", "/bin", "/usr/bin", "/usr/sbin")


def run(process: Process, argv: tuple[str, ...]) -> int:
    """Run a program in a process; return its exit code."""
    if not exists(argv[0]):
        process.err(f"/bin/sh: {argv[0]}: not found\n")
        return NOT_FOUND
    return PROGRAMS[argv[0].rpartition("/")[2]](process, argv[1:])


def _echo(process: Process, args: tuple[str, ...]) -> int:
    process.out(" ".join(args) + "\n")
    return 0


def _printf(process: Process, args: tuple[str, ...]) -> int:
    process.out(args[0] % tuple(int(arg) for arg in args[1:]))
    return 0


def _sleep(process: Process, args: tuple[str, ...]) -> int:
    process.pause(float(args[0]))
    return 0


def _nc(process: Process, args: tuple[str, ...]) -> int:
    match args:
        case ("-ll", "-p", port, "-e", "/bin/sh", "-c", handler):
            shell_server.serve(process, int(port), handler)
        case _:  # one that never answers: scenarios that wait for it are played on the engine
            process.pause(FOREVER_SECONDS)
    return 0


def _nginx(process: Process, args: tuple[str, ...]) -> int:
    if args[:1] == ("-s",):
        process.instance.signal({"quit": "QUIT", "stop": "TERM"}[args[1]])
        return 0
    process.traps |= {"QUIT": "", "TERM": ""}
    process.pause(FOREVER_SECONDS, lambda: bool(process.pending))
    return 0


def _kill(process: Process, args: tuple[str, ...]) -> int:
    assert args[1:] == ("1",), "no scenario signals another process than PID 1"
    process.instance.signal(args[0].removeprefix("-"))
    return 0


def _test(process: Process, args: tuple[str, ...]) -> int:
    match args[:-1] if args[-1] == "]" else args:
        case ("-f", path):
            return 0 if process.instance.read(path) is not None else 1
        case (left, "-lt", right):
            return 0 if int(left) < int(right) else 1
        case other:
            raise ValueError(f"cannot test {other}")


def _touch(process: Process, args: tuple[str, ...]) -> int:
    process.instance.sink(args[0], append=True)("")
    return 0


def _cat(process: Process, args: tuple[str, ...]) -> int:
    text = process.instance.read(args[0])
    if text is None:
        process.err(f"cat: can't open '{args[0]}': No such file or directory\n")
        return 1
    process.out(text)
    return 0


def _date(process: Process, args: tuple[str, ...]) -> int:
    now = process.instance.clock.now()
    match args:
        case ():
            process.out(f"{now:%a %b} {now.day:2} {now:%H:%M:%S UTC %Y}\n")
        case ("+%s",):
            process.out(f"{int(now.timestamp())}\n")
        case ("+%s.%N",):
            process.out(f"{now.timestamp():.6f}000\n")
    return 0


def _id(process: Process, args: tuple[str, ...]) -> int:
    user = process.instance.config.run_as_user or 0
    process.out(f"{user}\n" if args == ("-u",) else f"uid={user} gid=0(root) groups=0(root)\n")
    return 0


def _says(text: str, code: int) -> Callable[[Process, tuple[str, ...]], int]:
    def program(process: Process, args: tuple[str, ...]) -> int:
        process.out(text)
        return code

    return program


def _pwd(process: Process, args: tuple[str, ...]) -> int:
    process.out(f"{process.instance.config.working_dir or '/'}\n")
    return 0


PROGRAMS: dict[str, Callable[[Process, tuple[str, ...]], int]] = {
    "echo": _echo,
    "printf": _printf,
    "sleep": _sleep,
    "nc": _nc,
    "httpd": _says("", 0),
    "nginx": _nginx,
    "kill": _kill,
    "test": _test,
    "[": _test,
    "touch": _touch,
    "cat": _cat,
    "date": _date,
    "id": _id,
    "pwd": _pwd,
    "tty": _says("not a tty\n", 1),
    "read": _says("", 1),  # stdin is empty
    "mkdir": _says("", 0),
    "true": _says("", 0),
    ":": _says("", 0),
    "false": _says("", 1),
}
