"""Quality without reference, by pyiqa in a process of its own: NIQE, MUSIQ, MANIQA, CLIP-IQA.

pyiqa is not ours to depend on (PolyForm Noncommercial licence; it also loads checkpoints that can run code),
so it is never imported here. A Python that has it runs `iqa_worker.py`, with this contract:

- `PYTHON iqa_worker.py REQUEST.json REPLY.json`, no network, `$TORCH_HOME` a fresh and empty folder.
- REQUEST: `schema` "bokehbench.iqa-request/1"; `metric`; `weights`, {name: path} of files whose hashes have
  been checked; `images`, paths of 8-bit pictures.
- While it works it prints one line for each picture.
- REPLY, written when all is done: `schema` "bokehbench.iqa-reply/1"; `made_by`, "package==version"; `values`,
  a number for each picture, in their order. Exit status 0; 3 says that there is no pyiqa. Anything else is a
  failure, and the last line of stderr says why.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bokehbench import images, jobs, records
from bokehbench.errors import InputError, JobFailed, Unavailable, Undefined
from bokehbench.metrics import weights
from bokehbench.metrics.focus_box import cut, shorter_side
from bokehbench.metrics.sets import Measured, Picture
from bokehbench.registry import SetMetricSpec, get

PYTHON_VARIABLE = "BOKEHBENCH_PYIQA_PYTHON"
"""Environment variable with the Python that has pyiqa; this one where it is not set."""
WORKER = Path(__file__).with_name("iqa_worker.py")
REQUEST, REPLY = "bokehbench.iqa-request/1", "bokehbench.iqa-reply/1"
PATIENCE = 900.0
"""Seconds without a word from the process after which it is ended."""
MISSING = 3
"""Exit status of the worker where there is no pyiqa."""


def niqe(pictures: Sequence[Picture], *, least: int = 0) -> Measured:
    """Mean NIQE of the predictions, that of the targets beside it; lower is called better."""
    return measure("niqe", pictures, least)


def musiq(pictures: Sequence[Picture], *, least: int = 0) -> Measured:
    """Mean MUSIQ (KonIQ-10k) of the predictions, that of the targets beside it."""
    return measure("musiq", pictures, least)


def maniqa_pipal(pictures: Sequence[Picture], *, least: int = 0) -> Measured:
    """Mean MANIQA (PIPAL) of the predictions, that of the targets beside it."""
    return measure("maniqa-pipal", pictures, least)


def clipiqa(pictures: Sequence[Picture], *, least: int = 0) -> Measured:
    """Mean CLIP-IQA of the predictions, that of the targets beside it."""
    return measure("clipiqa", pictures, least)


def measure(metric: str, pictures: Sequence[Picture], least: int = 0) -> Measured:
    """Mean score of predictions and of targets.

    Args:
        metric: of the worker.
        pictures: one at least.
        least: 0 for whole pictures; else the shorter side, in pixels, that a picture's box in focus must have
            to be asked about, and nothing but the box is.

    Raises:
        Unavailable: weights are missing, or no Python with pyiqa.
        Undefined: no picture has such a box.
        JobFailed: the process failed, died or fell silent.
    """
    files = {name: weights.require(name) for name in get(SetMetricSpec, metric).weights}
    with tempfile.TemporaryDirectory(prefix="bokehbench-iqa-") as folder:
        asked = _boxes(pictures, least, Path(folder)) if least else pictures
        targets = list(dict.fromkeys(picture.target for picture in asked))
        wanted = [*(picture.prediction for picture in asked), *targets]
        values, made_by = score_files(metric, wanted, files)
    of_targets = dict(zip(targets, values[len(asked) :], strict=True))
    return Measured(
        float(np.mean(values[: len(asked)])),
        float(np.mean([of_targets[picture.target] for picture in asked])),
        made_by,
        len(asked),
    )


def _boxes(pictures: Sequence[Picture], least: int, folder: Path) -> list[Picture]:
    """The boxes in focus of those pictures that have a large one, as pictures in a folder."""
    made = []
    for number, picture in enumerate(pictures):
        if picture.box is None or shorter_side(picture.box) < least:
            continue
        parts = {"p": picture.prediction, "t": picture.target}
        for what, path in parts.items():
            parts[what] = folder / f"{number}{what}.png"
            whole = images.quantise(images.read_image(path))
            images.write_png(parts[what], np.ascontiguousarray(cut(whole, picture.box)))
        made.append(Picture(parts["p"], parts["t"]))
    if not made:
        raise Undefined(f"no picture has a region in focus of {least} pixels on its shorter side")
    return made


def score_files(metric: str, files: Sequence[Path], needed: dict[str, Path]) -> tuple[list[float], str]:
    """(a score for each file, package and version), from one process."""
    with tempfile.TemporaryDirectory(prefix="bokehbench-iqa-") as folder:
        home = Path(folder)
        request = {
            "schema": REQUEST,
            "metric": metric,
            "weights": {name: str(path.resolve()) for name, path in needed.items()},
            "images": [str(file.resolve()) for file in files],
        }
        records.write_json(home / "request.json", request)
        _run(metric, home, len(files))
        return _read_reply(metric, home / "reply.json", len(files))


def _run(metric: str, home: Path, count: int) -> None:
    python = os.environ.get(PYTHON_VARIABLE) or sys.executable
    command = [python, str(WORKER), str(home / "request.json"), str(home / "reply.json")]
    with (home / "stderr").open("w+") as said, jobs.progress(metric, count) as advance:
        try:
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=said, text=True, env=_environment(home)
            )
        except OSError as error:
            raise Unavailable(
                f"${PYTHON_VARIABLE}={python}: {error.strerror}; name a Python that has pyiqa"
            ) from error
        silent = _Watch(process)
        try:
            for _ in process.stdout or ():
                advance(1)
                silent.restart()
            status = process.wait()
        finally:
            silent.stop()
            process.kill()
            process.wait()
        said.seek(0)
        lines = said.read().strip().splitlines()
    if status == MISSING:
        raise Unavailable(
            "needs pyiqa (PolyForm Noncommercial licence) in an environment of its own: python3 -m venv IQA, "
            f"IQA/bin/pip install pyiqa, then set {PYTHON_VARIABLE}=IQA/bin/python"
        )
    if silent.struck:
        raise JobFailed(f"{metric}: its process said nothing for {PATIENCE:.0f} s and was ended")
    if status != 0:
        raise JobFailed(
            f"{metric}: its process failed with status {status}: {lines[-1] if lines else 'no word'}"
        )


class _Watch:
    """Kills a process that has been silent for `PATIENCE` seconds."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process, self.struck = process, False
        self.restart()

    def restart(self) -> None:
        self.stop()
        self.timer = threading.Timer(PATIENCE, self._strike)
        self.timer.daemon = True
        self.timer.start()

    def stop(self) -> None:
        if hasattr(self, "timer"):
            self.timer.cancel()

    def _strike(self) -> None:
        self.struck = True
        self.process.kill()


def _environment(home: Path) -> dict[str, str]:
    """Of the process: no hub, no cache but an empty one, one thread, nothing of this Python's own path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    offline = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(home / "hf"), "TORCH_HOME": str(home / "torch")}
    return {**kept, **offline, **dict.fromkeys(jobs.THREADS, "1"), "CUDA_VISIBLE_DEVICES": ""}


def _read_reply(metric: str, path: Path, count: int) -> tuple[list[float], str]:
    try:
        reply = records.read_json(path)
        if reply["schema"] != REPLY:
            raise ValueError(f"schema {reply['schema']}")
        values, made_by = [float(value) for value in reply["values"]], str(reply["made_by"])
        if len(values) != count:
            raise ValueError(f"{len(values)} values for {count} pictures")
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise JobFailed(f"{metric}: its process left no reply as agreed ({error})") from error
    return values, made_by
