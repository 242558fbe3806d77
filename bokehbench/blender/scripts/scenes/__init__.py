"""Procedural scenes: each module has `build(seed) -> parameters` and makes its scene in an empty file."""
