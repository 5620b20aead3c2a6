"""Recorded scenarios against what the lab does: what is compared, what may differ, and the verdict."""
