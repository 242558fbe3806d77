"""Benchmarks: each yields cases (inputs and target)."""
