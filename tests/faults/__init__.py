"""Faults and load, on a real engine: `python -m tests.faults` prints what became of each case."""
