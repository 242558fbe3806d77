"""Methods in environments of their own: a manifest of cases in, one PNG a case out."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import images, records
from bokehbench.baselines.external_process import Allowed, Watch, files, why_not_png
from bokehbench.baselines.external_spec import CONTRACT, ExternalMethodSpec, ExternalRestorerSpec, clean
from bokehbench.cases import FloatImage, Inputs
from bokehbench.errors import BokehbenchError, JobFailed
from bokehbench.optics import decode
from bokehbench.rng import stream

SUFFIX = {"png8": ".png", "png16": ".png", "exr": ".exr", "npy": ".npy"}
LOG_LINE = 160


@dataclass(frozen=True)
class Answer:
    """What became of one picture that was asked for.

    Attributes:
        number: of the picture, in the order of asking.
        image: [H, W, 3] float32, or None with the error.
        seconds: since the picture before; None for the first of a process, which waited for its start.
        process: number of the process that made it, or ended without it, from 0.
        died: the program died at it.
        tried: False where the program was given up before it came to it.
    """

    number: int
    image: FloatImage | None
    error: BokehbenchError | None = None
    seconds: float | None = None
    process: int = 0
    died: bool = False
    tried: bool = True


@dataclass(frozen=True)
class _Asked:
    """A case whose files are written; `first` is the number of the first of several that fall together."""

    number: int
    entry: dict[str, Any]
    first: int

    @property
    def shape(self) -> tuple[int, int, int]:
        width, height = self.entry["size"]
        return height, width, 3


class External:
    """A method or restorer that keeps to the file contract.

    Args:
        spec: what describes it. A restorer is shown neither disparity nor lens, and its pictures may have any
            size.
        work: folder for inputs and outputs, removed afterwards; a temporary one where it is None.
        log: file that gets the program's output; in `work` where it is None.

    Attributes:
        ended: how each process ended, in order.
        watches: the same with memory.
    """

    def __init__(
        self,
        spec: ExternalMethodSpec | ExternalRestorerSpec,
        work: Path | None = None,
        log: Path | None = None,
    ) -> None:
        self.spec, self.about = spec, spec.external
        self.weights = spec.locate()
        self.work, self.log = work, log
        self.watches: list[Watch] = []
        self._silent = 0  # bytes of the log that were there before the process: headers, earlier runs

    def render(self, inputs: Inputs) -> FloatImage:
        """Bokeh image [H, W, 3] float32 in [0, 1]; a process for it alone. JobFailed where there is none."""
        (answer,) = self.render_many([inputs])
        if answer.image is None:
            raise answer.error or JobFailed("made no picture")
        return answer.image

    def restore(self, inputs: Inputs) -> FloatImage:
        """As `bokehbench.cases.Restorer`."""
        return self.render(inputs)

    def render_many(self, asked: Iterable[Inputs], *, by_key: bool = False) -> Iterator[Answer]:
        """Answers to all that is asked, as they come: one process, and a further one after each death.

        A death costs the picture that the program was at; with `by_key`, all that follow it of its key. The
        program is given up when more than `restarts` processes in a row died without a picture, or when the
        time is over.

        Inputs are written one by one before the program starts, so that they need not fit into memory. A
        key may be asked for more than once.
        """
        with self._folder() as work:
            waiting = self._written(work, asked, by_key)
            until = time.monotonic() + self.about.limits.total
            in_vain = 0  # processes in a row that died without a picture
            for attempt in itertools.count():
                if not waiting:
                    return
                asked_for = len(waiting)
                yield from self._one_process(work, waiting, attempt, until)
                watch = self.watches[-1]
                in_vain = in_vain + 1 if len(waiting) == asked_for else 0
                # One that ended well has chosen to leave something out: it would again.
                lost = (
                    waiting if watch.finished else [one for one in waiting if one.first == waiting[0].first]
                )
                for one in list(lost):
                    waiting.remove(one)
                    error = self._blame(work, watch, one)
                    yield Answer(one.number, None, error, process=attempt, died=not watch.finished)
                if in_vain > self.about.restarts or time.monotonic() > until:
                    error = self._given_up(watch, in_vain)
                    yield from (
                        Answer(one.number, None, error, None, attempt, tried=False) for one in waiting
                    )
                    return
                if in_vain:
                    waiting = _from_the_middle(waiting)

    # ---------------------------------------------------------------------------------------- processes

    def _one_process(self, work: Path, waiting: list[_Asked], number: int, until: float) -> Iterator[Answer]:
        """Run the program on what is waiting; answered cases leave the list."""
        out = work / "out"
        by_path = {out / one.entry["output"]: one for one in waiting}
        manifest = self._write_manifest(work, waiting, out, number)
        limits, watch = self.about.limits, Watch()
        self.watches.append(watch)
        words = {"{manifest}": str(manifest), "{out}": str(out)}
        command = [_filled(word, words) for word in self.spec.program]
        environment = {**clean(), **self.about.environment.variables, "BOKEHBENCH_MANIFEST": str(manifest)}
        before: float | None = None
        self._silent = self._log(work).stat().st_size if self._log(work).exists() else 0
        made = files(
            command,
            list(by_path),
            Allowed(limits.start + limits.case, limits.case, until),
            watch,
            folder=self.spec.working_folder,
            environment=environment,
            log=self._log(work),
        )
        try:
            with contextlib.closing(made):
                for path in made:
                    one, now = by_path[path], path.stat().st_mtime
                    waiting.remove(one)
                    seconds = None if before is None else max(now - before, 0.0)
                    before = now
                    yield self._read(path, one, seconds, number)
        except OSError as error:
            watch.status = f"could not be started: {error.strerror}"

    def _read(self, path: Path, one: _Asked, seconds: float | None, process: int) -> Answer:
        try:
            image = images.read_image(path)
            if image.shape != one.shape and isinstance(self.spec, ExternalMethodSpec):
                raise JobFailed(f"{path.name} is {image.shape}, not an image {one.shape}")
        except BokehbenchError as error:
            return Answer(one.number, None, error, process=process)
        finally:
            path.unlink()
        return Answer(one.number, image, None, seconds, process)

    def _blame(self, work: Path, watch: Watch, one: _Asked) -> JobFailed:
        path = work / "out" / one.entry["output"]
        found = f"; {path.name} is there, but {why_not_png(path)}" if path.is_file() else ""
        said = self._last_line(work)
        last = f"; it said last: {said[:LOG_LINE]}" if said else ""
        where = f" (log: {self.log})" if self.log else ""
        return JobFailed(f"the program ended without {path.name}: {watch.status}{found}{last}{where}")

    def _given_up(self, watch: Watch, in_vain: int) -> JobFailed:
        """Of a case that no process came to."""
        times = "once" if in_vain == 1 else f"{in_vain} times in a row"
        why = f"the program died {times} without a picture, " if in_vain > self.about.restarts else ""
        where = f" (log: {self.log})" if self.log else ""
        return JobFailed(f"not tried: {why}{'last ' if why else ''}{watch.status}{where}")

    def _last_line(self, work: Path) -> str:
        """Of what the last process printed."""
        if not self._log(work).exists():
            return ""
        with self._log(work).open("rb") as log:
            log.seek(self._silent)
            lines = log.read().decode(errors="replace").split("\n")
        return next((" ".join(line.split()) for line in reversed(lines) if line.strip()), "")

    def _log(self, work: Path) -> Path:
        return self.log or work / "program.log"

    # ------------------------------------------------------------------------------------------- files

    @contextlib.contextmanager
    def _folder(self) -> Iterator[Path]:
        if self.work is None:
            with tempfile.TemporaryDirectory(prefix="bokehbench-") as name:
                yield self._prepared(Path(name))
            return
        try:
            yield self._prepared(self.work)
        finally:
            shutil.rmtree(self.work, ignore_errors=True)

    def _prepared(self, work: Path) -> Path:
        for folder in (work / "in", work / "out"):
            folder.mkdir(parents=True, exist_ok=True)
        if self.log is not None:
            self.log.parent.mkdir(parents=True, exist_ok=True)
        return work.resolve()

    def _written(self, work: Path, asked: Iterable[Inputs], by_key: bool) -> list[_Asked]:
        written: list[_Asked] = []
        before: Inputs | None = None
        for number, inputs in enumerate(asked):
            same = inputs is before or (by_key and before is not None and inputs.key == before.key)
            first = written[-1].first if same else number
            # Frames of a sweep, and a search for K, ask for the same pictures many times.
            like = written[-1].entry if before is not None and _same_pictures(inputs, before) else {}
            written.append(_Asked(number, self._write(work, number, inputs, like), first))
            before = inputs
        return written

    def _write(self, work: Path, number: int, inputs: Inputs, like: Mapping[str, Any]) -> dict[str, Any]:
        """Files of one case; its entry in the manifest. `like`: that of a case with the same pictures."""
        # The same key may be asked for several times, with other lenses.
        name = inputs.key if not (work / "in" / f"{inputs.key}.asked").exists() else f"{inputs.key}--{number}"
        (work / "in" / f"{name}.asked").touch()

        def stem(what: str) -> Path:
            return work / "in" / f"{name}_{what}"

        def picture(what: str, image: FloatImage) -> str:
            made = _linked(like.get(what), stem(what))
            return made or str(_write_image(stem(what), image, self.about.image, inputs.lens.gamma))

        entry: dict[str, Any] = {
            "key": name,
            "size": [inputs.image.shape[1], inputs.image.shape[0]],
            "image": picture("image", inputs.image),
            "seed": seed_of(inputs),
            "output": f"{name}.png",
        }
        if isinstance(self.spec, ExternalMethodSpec):
            entry |= {
                "disparity": _linked(like.get("disparity"), stem("disparity"))
                or str(_write_map(stem("disparity"), inputs.disparity, self.about.disparity)),
                "lens": inputs.lens.scaled(self.spec.k_scale).to_json(),
                "disparity_range": list(inputs.disparity_range) if inputs.disparity_range else None,
            }
        if inputs.lq is not None:
            entry["lq"] = picture("lq", inputs.lq)
        return entry

    def _write_manifest(self, work: Path, waiting: Sequence[_Asked], out: Path, number: int) -> Path:
        path = work / f"manifest-{number}.json"
        content = {
            "schema": CONTRACT,
            "method": self.spec.id,
            "image": self.about.image,
            "disparity": self.about.disparity,
            # Links are kept: the hub's cache is made of them, and models are known by the folder of the link.
            "weights": {name: str(found.absolute()) for name, found in self.weights.items()},
            "out": str(out),
            "cases": [one.entry for one in waiting],
        }
        records.write_json(path, content)
        return path


def seed_of(inputs: Inputs) -> int:
    """The seed of a case, in [0, 2^31): the same in every run, whatever else is asked for."""
    return int(stream(inputs.seed, 0, inputs.key).integers(2**31))


def _from_the_middle(waiting: list[_Asked]) -> list[_Asked]:
    """Cases that kill a program often come together (a scene, a size): the next process starts elsewhere."""
    middle = len(waiting) // 2
    while 0 < middle < len(waiting) and waiting[middle].first == waiting[middle - 1].first:
        middle += 1
    return waiting[middle:] + waiting[:middle]


def _same_pictures(one: Inputs, other: Inputs) -> bool:
    same = all(getattr(one, what) is getattr(other, what) for what in ("image", "disparity", "lq"))
    return same and one.lens.gamma == other.lens.gamma


def _linked(like: str | None, stem: Path) -> str:
    """A second name for a file, so that each case has its own; empty where there is none, or it cannot be."""
    if like is None:
        return ""
    path = stem.with_name(stem.name + Path(like).suffix)
    try:
        os.link(like, path)
    except OSError:  # file systems without hard links
        return ""
    return str(path)


def _filled(word: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        word = word.replace(name, value)
    return word


def _write_image(stem: Path, image: FloatImage, form: str, gamma: float) -> Path:
    path = stem.with_name(stem.name + SUFFIX[form])
    if form == "png8":
        images.write_png(path, image)
    elif form == "png16":
        codes = np.floor(np.clip(image, 0.0, 1.0) * 65535.0 + 0.5).astype(np.uint16)
        records.write_bytes(path, images.encode_png(codes))
    elif form == "exr":
        images.write_exr_rgb(path, decode(image, gamma), half=False)
    else:
        np.save(path, np.ascontiguousarray(image, np.float32))
    return path


def _write_map(stem: Path, disparity: FloatImage, form: str) -> Path:
    path = stem.with_name(stem.name + SUFFIX[form])
    if form == "png16":
        images.write_disparity(path, disparity)
    elif form == "exr":
        images.write_exr(path, {"Y": disparity}, half=False)
    else:
        np.save(path, np.ascontiguousarray(disparity, np.float32))
    return path
