"""The subcommands of ``lab``, one module each.

A module has ``register(subparsers)``: it adds its parser and sets ``func``, which takes the parsed arguments and returns the exit
code. `lab.cli` finds the modules by itself. What is slow to import is imported in ``func``.
"""
