"""What a reader did to make a file usable: a code and a line for each, collected by whoever asks."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A warning about one file: `code` as docs/conventions.md lists (W_…), `message` one line."""

    code: str
    message: str


Notes = list[Note]
"""Readers take `notes: Notes | None` and append to it; None throws warnings away."""


def note(notes: Notes | None, code: str, message: str) -> None:
    """Append a warning where somebody collects them."""
    if notes is not None:
        notes.append(Note(code, message))
