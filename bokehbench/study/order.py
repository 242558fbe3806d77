"""The order in which a participant sees a study: a function of study and code, the same here and in the page.

Nothing is drawn: every item is sorted by the hash of what it is, so that `templates/study.js` needs ten lines
for it and a report can tell whether answers are those of the page.
"""

from __future__ import annotations

from dataclasses import dataclass

from bokehbench.study.models import Study


@dataclass(frozen=True)
class Step:
    """One question as a participant sees it; `shown` are its pictures from left to right."""

    trial: str
    repeat: bool
    shown: tuple[str, ...]


def hash32(*words: str) -> int:
    """32-bit FNV-1a of the words joined by `|`, finished by MurmurHash3's mixing of bits."""
    value = 0x811C9DC5
    for byte in "|".join(words).encode():
        value = ((value ^ byte) * 0x01000193) & 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x85EBCA6B) & 0xFFFFFFFF
    value = ((value ^ (value >> 13)) * 0xC2B2AE35) & 0xFFFFFFFF
    return value ^ (value >> 16)


def subject_hash(code: str) -> int:
    """What the page knows of a code that may take part."""
    return hash32("subject", code)


def plan(study: Study, code: str) -> list[Step]:
    """Every question of a participant, in order.

    Repeated questions come in the second half, with their pictures in the opposite order.
    """
    trials = {trial.id: trial for trial in study.trials}
    ids = sorted(_asked(study, code), key=lambda name: (hash32(study.hash, code, "order", name), name))
    if not study.assigned:
        ids = ids[: study.each]
    half = (len(ids) + 1) // 2
    late = [(name, False) for name in ids[half:]] + [(name, True) for name in ids[: study.repeats]]
    late.sort(key=lambda item: (hash32(study.hash, code, "late", item[0], str(int(item[1]))), item[0]))
    steps = []
    for name, repeat in [*((name, False) for name in ids[:half]), *late]:
        shown = sorted(trials[name].pictures, key=lambda p: (hash32(study.hash, code, "place", name, p), p))
        steps.append(Step(name, repeat, tuple(reversed(shown)) if repeat else tuple(shown)))
    return steps


def _asked(study: Study, code: str) -> list[str]:
    """Trials of a participant: those assigned to the code, or all."""
    if not study.assigned:
        return [trial.id for trial in study.trials]
    row = study.assigned[study.subjects.index(subject_hash(code))]
    return [study.trials[number].id for number in row]
