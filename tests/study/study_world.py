"""A results folder of flat colours, and people who answer as the page would let them."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import images, records, registry
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol, Result
from bokehbench.registry import MethodSpec
from bokehbench.study.design import Design
from bokehbench.study.models import Key, Study, read_key, read_study
from bokehbench.study.order import Step, plan

METHODS = ("zeiss-like", "pinhole", "smear")
SIZE = (48, 32)
Choose = Callable[[str, tuple[str, ...]], str | None]


def register_world(monkeypatch: Any) -> None:
    """Replace the registered methods by ours."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # not what these tests are about, and slow
    registry.names(MethodSpec)
    kept = {key: spec for key, spec in registry._registered.items() if key[0] != "method"}
    monkeypatch.setattr(registry, "_registered", kept)
    for name in METHODS:
        registry.register(MethodSpec(name, "A method.", "x:y"))
    registry.register(MethodSpec("seer", "Sees the layers.", "x:y", oracle="layers"))


def write_results(
    root: Path,
    scenes: int = 4,
    methods: Sequence[str] = (*METHODS, "seer"),
    truth: bool = True,
    benchmark: str = "ipb",
) -> Protocol:
    """Two cases a scene; a prediction is a colour of its own, so that copies can be recognised."""
    at = Protocol(root, benchmark, "study@1")
    shade = np.linspace(0, 1, SIZE[0])[None, :, None] * np.ones((SIZE[1], 1, 3))
    for number in range(2 * scenes):
        case = f"portrait{number}"
        images.write_png(at.case_image(case, "image"), shade)
        images.write_disparity(at.case_image(case, "disparity"), shade[..., 0])
        shown = ["image", "disparity"]
        if truth:
            images.write_png(at.case_image(case, "target"), shade**2)
            shown.append("target")
        content = {
            "schema": "bokehbench.case/1",
            "case": case,
            "scene": f"room{number // 2}",
            "level": f"L{1 + number % 2}",
            "lens": {"K": 8.0, "disp_focus": 0.75, "gamma": 2.2},
            "size": list(SIZE),
            "data": f"data-{case}",
            "notes": {},
            "pictures": dict.fromkeys(shown, ""),
        }
        records.write_json(at.case_record(case), content)
        for index, method in enumerate(methods):
            result = Result(at, method, NO_WEIGHTS, case)
            colour = np.array([index / 8, number / 16, (7 * index + 3 * number) % 11 / 11])
            images.write_png(result.prediction, 0.5 * shade + 0.5 * colour)
            record = {
                "method": f"{method}@1",
                "data": f"data-{case}",
                "prediction": records.sha256_file(result.prediction),
                "command": "bokehbench run",
            }
            records.write_json(result.record, record)
    return at


def opened(folder: Path) -> tuple[Study, Key]:
    """Study and key as `build` left them."""
    study = read_study(folder)
    return study, read_key(folder.with_name(f"{folder.name}.key.json"), study)


def answer_sheet(study: Study, key: Key, code: str, choose: Choose, **changes: Any) -> dict[str, Any]:
    """The file of a participant who answers `choose(case, labels)`: a label, a rating, or None for a tie."""

    def answer(step: Step) -> dict[str, Any]:
        pictures = {key.pictures[name].label: name for name in step.shown}
        case = key.cases[key.pictures[step.shown[0]].case].case
        said = choose(case, tuple(pictures))
        rated = {c.name: said for c in study.criteria_of(step.trial)}
        choice = None if rated else "tie" if said is None else pictures[said]
        return {
            "trial": step.trial,
            "repeat": step.repeat,
            "shown": list(step.shown),
            "choice": choice,
            "ratings": rated,
            "seconds": 2.5,
        }

    return {
        "schema": "bokehbench.answers/1",
        "study": study.hash,
        "code": code,
        "started": "2026-01-02T03:04:05.000Z",
        "saved": "2026-01-02T04:04:05.000Z",
        "consent": bool(study.consent),
        "screen": [1200, 900],
        "answers": [answer(step) for step in plan(study, code)],
        **changes,
    }


def send(folder: Path, study: Study, key: Key, code: str, choose: Choose, **changes: Any) -> Path:
    """Write the file of a participant into a folder."""
    path = folder / f"answers-{code}.json"
    records.write_json(path, answer_sheet(study, key, code, choose, **changes))
    return path


def design(kind: Any = "pairwise", **changes: Any) -> Design:
    """Options with a seed."""
    return Design(kind=kind, **{"seed": 3, **changes})


def digest(folder: Path) -> dict[str, str]:
    """Hash of every file by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(p.relative_to(folder)): records.sha256_file(p) for p in files}
