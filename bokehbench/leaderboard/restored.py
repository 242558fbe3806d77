"""Restored pictures: made once a case, for all the methods behind one restorer.

::

    RESULTS/{benchmark}/{protocol@version}/_restored/{restorer}/{weights hash8 | none}/
        {case}.png            at the target's size, 8 bit
        {case}.json           what made it (written last)
        {case}.timing.json    seconds, memory, device, date
        {case}.failed.txt     why there is none
        _external/            logs of an external restorer

All disparity tracks share them. A renderer always sees the 8-bit picture, stored or just made, so that
sharing it changes no result.
"""

from __future__ import annotations

import contextlib
import shutil
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import images, records
from bokehbench.cases import Case, CaseInfo, FloatImage, Inputs
from bokehbench.errors import BokehbenchError, InputError, JobFailed, Unavailable
from bokehbench.leaderboard import measure
from bokehbench.leaderboard.results import NO_WEIGHTS, Protocol, Result, results
from bokehbench.registry import MethodSpec, RestorerSpec, TwoStageSpec, registered_files

FOLDER = "_restored"
SCHEMA = "bokehbench.restored/1"
LIBRARIES = ("numpy", "opencv-python-headless", "torch", "spandrel")
CORNER = 32
"""Side of what is restored before timing, pixels of the small picture."""


@dataclass(frozen=True)
class Restored:
    """One case restored by one restorer: where its files lie."""

    at: Protocol
    restorer: str
    weights: str
    case: str

    @property
    def folder(self) -> Path:
        """Of one restorer with one set of weights."""
        return self.at.folder / FOLDER / self.restorer / self.weights

    @property
    def name(self) -> str:
        """For people, and the key of its work."""
        return f"{self.at.benchmark} {self.at.protocol} {self.case} {self.restorer}"

    @property
    def picture(self) -> Path:
        """8-bit PNG."""
        return self.folder / f"{self.case}.png"

    @property
    def record(self) -> Path:
        """What made it."""
        return self.folder / f"{self.case}.json"

    @property
    def timing(self) -> Path:
        """What it took."""
        return self.folder / f"{self.case}.timing.json"

    @property
    def failure(self) -> Path:
        """Why there is none."""
        return self.folder / f"{self.case}.failed.txt"


def at(result: Result, restorer: RestorerSpec) -> Restored:
    """Where the picture lies that a result of a method of two stages rests on."""
    hashes, made = restorer.weights_sha256(), restorer.made_with()
    content = {**made, "weights": hashes} if made else hashes
    weights = records.sha256_json(content)[:8] if content else NO_WEIGHTS
    shared = replace(result.at, protocol=result.at.protocol.partition("+")[0])
    return Restored(shared, restorer.name, weights, result.case)


def is_complete(place: Restored, restorer: RestorerSpec, info: CaseInfo) -> bool:
    """Whether the picture is there, undamaged, and of this restorer and case."""
    if not place.picture.exists():
        return False
    wanted = {**_made_by(restorer, info), "picture": records.sha256_file(place.picture)}
    return wanted.items() <= stored(place.record).items()


def picture(result: Result, case: Case, restorer: RestorerSpec) -> FloatImage:
    """The restored picture [H, W, 3], read, or made now where it is not there.

    Raises:
        JobFailed: the restorer failed at this case, now or when it was run for all of them.
        InputError: the case has no low-quality picture.
    """
    place = at(result, restorer)
    if not is_complete(place, restorer, case.info):
        if place.failure.exists():
            said = place.failure.read_text().strip().rpartition("\n")[2]
            raise JobFailed(f"{restorer.name} failed: {said} (all of it: {place.failure})")
        make(place, case, restorer)
    return np.asarray(images.read_image(place.picture), np.float32)


def make(place: Restored, case: Case, restorer: RestorerSpec, repeats: int = 0) -> None:
    """Restore a case and write picture, timing, record (in this order).

    Args:
        place: where.
        case: with `Inputs.lq`.
        restorer: of this process, or one that starts a process for this case alone.
        repeats: restorations that are timed after one that is not; 0 times the only one.
    """
    inputs = seen(case)
    with noted(place):
        stage = _stage(restorer, inputs)
        if repeats:
            image, timing = measure.profile(stage, inputs, repeats)
        else:
            image, timing = measure.once(stage, inputs)
    write(place, case, restorer, image, timing)


def seen(case: Case) -> Inputs:
    """What a restorer sees: whatever the method's seed is, the same random numbers."""
    return replace(case.inputs, seed=0)


def write(
    place: Restored, case: Case, restorer: RestorerSpec, image: FloatImage, timing: Mapping[str, Any]
) -> None:
    """Keep a restored picture; of one that is there, the timing, if the picture is still the same."""
    if is_complete(place, restorer, case.info):
        was = images.quantise(images.read_image(place.picture))
        if not np.array_equal(was, images.quantise(image)):
            raise JobFailed(f"restored again, it differs from {place.picture}: it was not measured")
        records.write_json(place.timing, dict(timing))
        return
    images.write_png(place.picture, image)
    records.write_json(place.timing, dict(timing))
    content = {
        **_made_by(restorer, case.info),
        "case": place.case,
        "picture": records.sha256_file(place.picture),
        "registered": {} if restorer.is_builtin else registered_files(),
        "code": records.code_version(),
        "libraries": records.library_versions(*LIBRARIES),
    }
    records.write_json(place.record, content)
    place.failure.unlink(missing_ok=True)


@contextlib.contextmanager
def noted(place: Restored) -> Any:
    """What a restorer raises, also as anybody's code, stands beside where its picture would be."""
    try:
        yield
    except BokehbenchError as error:
        records.write_text(place.failure, str(error))
        raise
    except Exception as error:
        records.write_text(place.failure, traceback.format_exc())
        said = " ".join(f"{type(error).__name__}: {error}".split())
        raise JobFailed(f"{place.restorer}: {said} (traceback: {place.failure})") from error


def facts(result: Result, spec: MethodSpec) -> dict[str, Any]:
    """What a record of two stages has of the first."""
    if not isinstance(spec, TwoStageSpec):
        return {}
    return {"restored": records.sha256_file(at(result, spec.restorer).picture)}


def both_stages(place: Restored, timing: Mapping[str, Any]) -> dict[str, Any]:
    """The timing of a rendering with that of the restoration before it: seconds are of both.

    They are measured with care only where both were, on one device.
    """
    first = stored(place.timing)
    before, after = first.get("seconds"), timing.get("seconds")
    stages = {"restoration": before, "rendering": after}
    whole = None if before is None or after is None else round(before + after, 5)
    peaks = [one["peak_memory_mb"] for one in (first, timing) if one.get("peak_memory_mb")]
    both = {**timing, "seconds": whole, "stages": stages, "peak_memory_mb": max(peaks, default=None)}
    profile = both.pop("profile", None)
    if (
        profile
        and before is not None
        and first.get("profile")
        and first.get("device") == timing.get("device")
    ):
        seconds = [round(one + before, 5) for one in profile["seconds"]]
        both["profile"] = {**profile, "seconds": seconds}
    return both


def rests_on(result: Result, spec: MethodSpec) -> dict[str, Any]:
    """What the record of a result of two stages must say of the first to count, where its picture is here."""
    if not isinstance(spec, TwoStageSpec):
        return {}
    with contextlib.suppress(Unavailable):
        now = stored(at(result, spec.restorer).record).get("picture")
        return {"restored": now} if now else {}
    return {}


def remove_unused(units: Sequence[tuple[Result, RestorerSpec]]) -> None:
    """Delete what restorers made with other weights or environments, where no result rests on it any more.

    Args:
        units: results and the restorers before them, as they are now.
    """
    kept = {at(result, restorer).folder for result, restorer in units}
    here = set().union(*map(_pictures, kept))
    for folder in sorted({other for one in kept for other in one.parent.iterdir()} - kept):
        protocol = folder.parents[2]
        used = set()
        for track in protocol.parent.glob(f"{protocol.name}*"):
            found = results(Protocol(protocol.parents[1], protocol.parent.name, track.name))
            used |= {stored(result.record).get("restored") for result in found}
        if not _pictures(folder) & (used - here):
            shutil.rmtree(folder)


def _pictures(folder: Path) -> set[str]:
    """Digests of the restored pictures of a folder."""
    digests = (stored(path).get("picture") for path in folder.glob("*.json"))
    return {digest for digest in digests if digest}


def _made_by(restorer: RestorerSpec, info: CaseInfo) -> dict[str, Any]:
    made = restorer.made_with()
    return {
        "schema": SCHEMA,
        "restorer": restorer.id,
        "options": records.plain(dict(restorer.options)),
        "weights": restorer.weights_sha256(),
        **({"external": records.plain(made)} if made else {}),
        "data": info.own_data or info.data,
    }


def stored(path: Path) -> dict[str, Any]:
    """A record; empty where there is none or it is broken, so that it is made again."""
    with contextlib.suppress(InputError):
        content = records.read_json(path)
        if isinstance(content, dict):
            return content
    return {}


@dataclass
class Loaded:
    """A restorer as a renderer, and whether it has rendered yet."""

    spec: RestorerSpec
    stage: Any
    warm: bool = False


_stages: dict[str, Loaded] = {}
"""The one restorer that this process has loaded, by name."""


def load(restorer: RestorerSpec) -> Loaded:
    """The restorer, made once a process; what it raises, at damaged weights for example, is the caller's."""
    from bokehbench.baselines.restorers.stages import Restoring

    if restorer.name not in _stages or _stages[restorer.name].spec is not restorer:
        _stages.clear()
        _stages[restorer.name] = Loaded(restorer, Restoring(restorer.create(), restorer.name))
    return _stages[restorer.name]


def _stage(restorer: RestorerSpec, inputs: Inputs) -> Any:
    """The restorer as a renderer, warm."""
    from bokehbench.baselines.restorers.stages import low_quality

    loaded = load(restorer)
    if not loaded.warm and not hasattr(loaded.stage.restorer, "render_many"):
        small = low_quality(inputs, restorer.name)[:CORNER, :CORNER]
        image = inputs.image[: 4 * CORNER, : 4 * CORNER]
        loaded.stage.render(replace(inputs, image=image, lq=small))
        loaded.warm = True
    return loaded.stage
