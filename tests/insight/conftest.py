"""Clusters for folds over what a kubelet did."""

from __future__ import annotations

from tests.kubelet.conftest import given

__all__ = ["given"]
