"""The contestants: each module trains with one library in a process of its own.

A module has one function ``run`` that takes the settings of the work, trains, and
returns its figures; ``python -m benchmarks.contestants NAME SETTINGS`` calls it.
"""
