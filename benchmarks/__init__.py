"""Benchmarks: every speed or size that the project claims, each against a named baseline."""
