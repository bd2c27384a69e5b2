"""Slow evidence: run by ``make evidence``, and in short by the tests."""
