"""The append-only log of facts, and what is read from it: views, statuses, kubectl's tables and descriptions."""
