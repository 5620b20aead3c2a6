"""The measurements for people, and beside them what was to be reached."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]

_COLUMNS = (
    ("pods", "pods", 1.0, "{:.0f}"),
    ("bare_run", "bare", 1000.0, "{:.0f}"),
    ("run", "Running", 1000.0, "{:.0f}"),
    ("run_ratio", "ratio", 1.0, "{:.2f}"),
    ("typical", "typical", 1000.0, "{:.0f}"),
    ("page", "on page", 1000.0, "{:.0f}"),
    ("sandbox", "sandbox", 1000.0, "{:.0f}"),
    ("bare_stop", "bare stop", 1000.0, "{:.0f}"),
    ("delete", "gone", 1000.0, "{:.0f}"),
    ("bare_clear", "bare rm", 1000.0, "{:.0f}"),
    ("clear", "cleared", 1000.0, "{:.0f}"),
    ("clear_ratio", "ratio", 1.0, "{:.2f}"),
    ("latency", "event", 1000.0, "{:.0f}"),
    ("latency_p95", "p95", 1000.0, "{:.0f}"),
    ("cpu", "CPU s/pod", 1.0, "{:.3f}"),
)


def goals(measured: dict[str, list[Row]]) -> list[Row]:
    """Return every goal that the measurements can judge: what, how much, at most how much, and whether it was met."""
    found = []
    for section in ("one-container", "three-containers"):
        for row in measured.get(section, []):
            if row["pods"] == 1:
                found.append(_goal(f"{section}: Run to Running, times the bare calls, cold", row["run_ratio"], 1.15))
                found.append(_goal(f"{section}: delete to gone beyond stopping the process, s", row["delete_beyond"], 0.15))
            if row["pods"] == 32:
                found.append(_goal(f"{section}: 32 at once, times bare Docker four at a time", row["run_ratio"], 1.05))
    for row in measured.get("warm", [])[:1]:  # one container: the bare calls for three take longer than that without a sandbox
        found.append(_goal(f"{row['shape']}: Run to Running with a warm sandbox, s", row["run"], 0.25))
    for row in measured.get("past", []):
        ratio = row["without_engine_last_cpu"] / row["without_engine_first_cpu"]
        found.append(_goal(f"the last of {row['pods']} pods' processor time, times the first's", ratio, 1.1))
    return found


def tables(machine: Row, measured: dict[str, list[Row]], reached: list[Row]) -> str:
    """Return everything as text; times are milliseconds."""
    lines = [", ".join(f"{name.replace('_', ' ')} {value}" for name, value in machine.items())]
    for section, rows in measured.items():
        if section != "past":
            lines += ["", section, "".join(f"{title:>10}" for _, title, _, _ in _COLUMNS)]
            lines += ["".join(f"{form.format(row[name] * scale):>10}" for name, _, scale, form in _COLUMNS) for row in rows]
        for row in rows if section == "past" else ():
            lines += ["", f"{section}: before and after {row['pods']} pods"]
            for name in ("run", "delete", "page", "cpu"):
                lines.append(f"{name:>26} {row[f'{name}_before'] * 1000:10.1f} {row[f'{name}_after'] * 1000:10.1f} ms")
            first, last = row["without_engine_first_cpu"] * 1000, row["without_engine_last_cpu"] * 1000
            lines.append(f"{'cpu of a pod, no engine':>26} {first:10.1f} {last:10.1f} ms")
    lines += [
        "",
        *(f"{'met   ' if g['met'] else 'MISSED'} {g['value']:6.2f} (at most {g['limit']:.2f}) {g['what']}" for g in reached),
    ]
    return "\n".join(lines)


def _goal(what: str, value: float, limit: float) -> Row:
    return {"what": what, "value": round(value, 3), "limit": limit, "met": value <= limit}
