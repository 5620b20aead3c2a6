"""Copies recorded scenarios in the form in which this directory keeps them.

usage: python -m tests.conformance.compact RECORDINGS [TARGET]

RECORDINGS holds a directory per scenario; TARGET is `golden/` beside this file by default. Kept are the manifests, scenario.json,
noisy.txt, and of each trace.json what is compared or read, a row a line: the runtime's own events and the kubelet's log are left
out. Nothing is rewritten; what is in TARGET already and has no recording stays.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

GOLDEN = Path(__file__).parent / "golden"
LEFT_OUT = ("runtimeEvents", "kubeletLog")
DESCRIBED = ".pod.yaml"  # what `describe` actions kept


def main(argv: list[str]) -> int:
    """Compact the recordings that the command line names; return the exit status."""
    if len(argv) not in (1, 2):
        print(__doc__, file=sys.stderr)
        return 2
    source, target = Path(argv[0]), Path(argv[1]) if argv[1:] else GOLDEN
    traces = sorted(source.glob("*/trace.json"))
    for trace in traces:
        compact(trace.parent, target / trace.parent.name)
    if (source / "noisy.txt").exists():
        (target / "noisy.txt").write_text((source / "noisy.txt").read_text())
    print(f"{len(traces)} scenarios in {target}")
    return 0


def compact(recording: Path, target: Path) -> None:
    """Write one scenario's directory."""
    target.mkdir(parents=True, exist_ok=True)
    for manifest in recording.glob("*.yaml"):
        if not manifest.name.endswith(DESCRIBED):
            (target / manifest.name).write_text(manifest.read_text())
    for name, left_out in (("scenario.json", ("description",)), ("trace.json", LEFT_OUT)):
        content = json.loads((recording / name).read_text())
        kept = {key: value for key, value in content.items() if key not in left_out}
        (target / name).write_text("".join(lines(kept)))


def lines(content: dict[str, Any]) -> Iterator[str]:
    """Yield a JSON object as text, with a line for each row of its lists."""
    yield "{\n"
    for number, (key, value) in enumerate(content.items()):
        yield ",\n" * bool(number) + f" {json.dumps(key)}: "
        if isinstance(value, list) and value:
            yield "[\n" + ",\n".join(f"  {row(item)}" for item in value) + "\n ]"
        else:
            yield row(value)
    yield "\n}\n"


def row(value: object) -> str:
    """Return a value on one line."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
