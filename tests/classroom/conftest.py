"""The store's fixtures: a class is kept in a real one."""

from __future__ import annotations

from tests.store.conftest import clock, full_disk, store, url

__all__ = ["clock", "full_disk", "store", "url"]
