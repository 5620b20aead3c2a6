"""A class played on this host: many learners as real clients over HTTP, what they saw and when, and whether the host holds.

`Player` drives a lab that is served in a process of its own; `lab classroom rehearse` and ``benchmarks/classroom.py`` share it.
"""
