"""Metrics: one file each, a function and its spec."""
