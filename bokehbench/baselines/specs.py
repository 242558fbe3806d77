"""Specs; filled by the room."""

from bokehbench.registry import Spec

SPECS: tuple[Spec, ...] = ()
