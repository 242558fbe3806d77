"""A results folder as `run` and `evaluate` leave it, made from arithmetic alone, for tests of tables."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from bokehbench import images, records, registry, rng
from bokehbench.leaderboard.holding import target_facts
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol, Result
from bokehbench.metrics import find
from bokehbench.registry import MethodSpec

METRICS = ("psnr", "ssim", "gmsd")
INSTRUCTION = "needs alexnet.pth: put it into $BOKEHBENCH_WEIGHTS"

SPECS = (
    MethodSpec("identity", "The all-in-focus image.", "x:y", category="floor"),
    MethodSpec("soft", "Blurs <softly> & well.", "x:y", paper="Nobody, 2020", licence="MIT"),
    MethodSpec("sharp", "Blurs too little.", "x:y", category="neural", notes="trained on other lenses"),
    MethodSpec("given", "Sees the layers.", "x:y", category="oracle", oracle="layers"),
)
QUALITY = {"identity": 60.0, "soft": 12.0, "sharp": 20.0, "given": 4.0}
"""Amplitude of each method's error, 8-bit units."""


def register_world(monkeypatch: Any) -> None:
    """Replace the registered methods by `SPECS`."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # not what these tests are about, and slow
    registry.names(MethodSpec)  # loads the built-in ones first, so that they do not come back
    kept = {key: spec for key, spec in registry._registered.items() if key[0] != "method"}
    monkeypatch.setattr(registry, "_registered", kept)
    for spec in SPECS:
        registry.register(spec)


def lights(index: int, size: tuple[int, int]) -> np.ndarray:
    """Some coloured discs on a gradient, [H, W, 3] in [0, 1]."""
    width, height = size
    draw = rng.stream(3, index, "world")
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([0.15 + 0.2 * x / width, 0.12 + 0.2 * y / height, 0.3 - 0.1 * x / width], axis=2)
    for _ in range(12):
        centre, radius = draw.random(2) * (width, height), draw.uniform(0.03, 0.1) * width
        inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 < radius**2
        picture[inside] = 0.5 * picture[inside] + 0.5 * draw.random(3)
    return picture


@mock.patch("os.fsync", lambda handle: None)
def write_world(
    root: Path,
    *,
    scenes: int = 8,
    levels: tuple[str, ...] = ("L1", "L5"),
    methods: Mapping[str, float] = QUALITY,
    size: tuple[int, int] = (48, 32),
    benchmark: str = "toy",
    noise: bool = True,
) -> Protocol:
    """Write cases, predictions, records, scores (psnr is computed, the others follow it) and timings."""
    at = Protocol(root, benchmark, "gt@1")
    for scene in range(scenes):
        for number, level in enumerate(levels):
            case = f"s{scene}_{level}"
            target = lights(scene, size)
            images.write_png(at.case_image(case, "target"), target)
            images.write_png(at.case_image(case, "image"), lights(scene, size)[::-1])
            images.write_disparity(at.case_image(case, "disparity"), target.mean(axis=2))
            content = {
                "schema": "bokehbench.case/1",
                "case": case,
                "scene": f"scene{scene}",
                "level": level,
                "lens": {"K": 4.0 * (number + 1), "disp_focus": 0.5, "gamma": 2.2, "aperture": {}},
                "size": list(size),
                "data": f"data-{case}",
                "disparity_range": None,
                "notes": {"target_noise_psnr": 50.0 + scene} if noise else {},
            }
            records.write_json(at.case_record(case), content)
            for order, (method, amplitude) in enumerate(methods.items()):
                write_result(at, case, method, target, amplitude * (1 + number), seed=order * 1000 + scene)
    return at


def write_result(
    at: Protocol, case: str, method: str, target: np.ndarray, amplitude: float, seed: int
) -> Result:
    """One prediction: the target plus noise of an amplitude in 8-bit units."""
    result = Result(at, method, NO_WEIGHTS, case)
    noise = rng.stream(5, seed, "error").normal(0, amplitude / 255, target.shape)
    images.write_png(result.prediction, target + noise)
    record = {
        "schema": "bokehbench.result/1",
        "benchmark": at.benchmark,
        "protocol": at.protocol,
        "case": case,
        "method": f"{method}@1",
        "weights": {},
        "oracles": [],
        "data": f"data-{case}",
        "prediction": records.sha256_file(result.prediction),
        "code": {"version": "0.1.0", "commit": "c0ffee" * 6, "dirty": False},
        "libraries": {"numpy": "1.26.4"},
        "seed": None,
        "command": f"bokehbench run --benchmark {at.benchmark}:DIR --method {method} --out RESULTS",
    }
    records.write_json(result.record, record)
    timing = {"seconds": 0.1 + amplitude / 100, "peak_memory_mb": 300.0, "device": "a CPU, 2 threads"}
    records.write_json(result.timing, {**timing, "date": "2026-01-02T03:04:05+00:00"})
    write_scores(result)
    return result


def write_scores(result: Result, **changes: Mapping[str, Any]) -> None:
    """Scores of a prediction; `changes` replaces the score of a metric (underscores for dashes)."""
    target = result.at.case_image(result.case, "target")
    error = images.read_image(result.prediction) - images.read_image(target)
    psnr = float(-10 * np.log10(max(float((error**2).mean()), 1e-10)))
    values = {"psnr": psnr, "ssim": psnr / 60, "gmsd": 1 / psnr}
    scores: dict[str, Any] = {
        name: {"value": values[name], "status": "ok", **_identity(name)} for name in METRICS
    }
    lpips = {"value": None, "status": "unavailable", "reason": INSTRUCTION, **_identity("lpips-alex")}
    scores["lpips-alex"] = lpips
    for name, change in changes.items():
        scores[name.replace("_", "-")] = {**scores[name.replace("_", "-")], **change}
    content = {
        "schema": "bokehbench.scores/1",
        "prediction": records.sha256_file(result.prediction),
        **target_facts(result.at, result.case),
        "scores": scores,
    }
    records.write_json(result.scores, content)


def _identity(name: str) -> dict[str, str]:
    metric = find(name)
    return {"metric": metric.id, "fingerprint": metric.fingerprint}
