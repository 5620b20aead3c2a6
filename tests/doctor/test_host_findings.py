from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from lab import share
from lab.clock import SystemClock
from lab.config import Settings
from lab.doctor.finding import Finding
from lab.doctor.host_findings import examine_host
from lab.limits import Limits, half_of_memory


def findings(data: Path, limits: Limits | None = None) -> dict[str, Finding]:
    settings = Settings(data=data, database_url=f"sqlite:///{data}/lab.sqlite", limits=limits or Limits())
    return {finding.subject: finding for finding in examine_host(settings, SystemClock())}


def test_a_store_that_is_no_database_is_wrong_and_has_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "lab.sqlite").write_bytes(b"not a database, but long enough to be looked at" * 40)
    store = findings(tmp_path)["store"]
    assert (store.ok, "cannot be opened" in store.detail) == (False, True)
    assert str(tmp_path / "lab.sqlite") in store.remedy


def test_a_store_that_opens_is_well(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "lab.sqlite") as database:
        database.execute("CREATE TABLE entries (seq INTEGER)")
    database.close()
    store = findings(tmp_path)["store"]
    assert (store.ok, "1 tables" in store.detail) == (True, True)


def test_nothing_is_created_by_looking(tmp_path: Path) -> None:
    found = findings(tmp_path / "data")
    assert found["store"].ok
    assert found["data directory"].detail.endswith("will be created at the first start")
    assert list(tmp_path.iterdir()) == []


def test_a_front_end_that_is_not_built_is_wrong(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(share, "FRONT_END", tmp_path)
    (tmp_path / "manifest.json").write_text('{"app.js": "0", "app.css": "0"}')
    (tmp_path / "app.css").touch()
    front_end = findings(tmp_path / "data")["front end"]
    assert (front_end.ok, front_end.remedy) == (False, "run `make setup`")
    assert front_end.detail.endswith("has no app.js")


def test_a_machine_without_iptables_cannot_shield_itself_from_pods(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program, path=None: None)
    firewall = findings(tmp_path)["firewall"]
    assert (firewall.ok, "apt-get install iptables" in firewall.remedy) == (False, True)


def test_a_disk_that_is_soon_too_full_to_run_anything_is_wrong(tmp_path: Path) -> None:
    disk = findings(tmp_path, Limits(free_disk_bytes=1 << 60))["lab's disk"]
    assert not disk.ok
    assert "(LAB_FREE_DISK_BYTES) nothing new is run" in disk.remedy
    assert findings(tmp_path, Limits(free_disk_bytes=1))["lab's disk"].subject == "lab's disk"


def test_how_many_pods_fit_is_said_and_more_than_there_is_memory_for_is_wrong(tmp_path: Path) -> None:
    limits = Limits(all_memory_bytes=1440 << 20)
    assert "10 pods of one container at a time" in findings(tmp_path, limits)["memory"].detail
    memory = findings(tmp_path, Limits(all_memory_bytes=3 * half_of_memory()))["memory"]
    assert (memory.ok, "lower LAB_ALL_MEMORY_BYTES" in memory.remedy) == (False, True)
