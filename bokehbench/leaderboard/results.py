"""The results folder: where each file of one number lies.

::

    RESULTS/{benchmark}/{protocol@version}/
        _set.json                         of how many cases the whole set is (`part`)
        _cases/{case}.json                what was asked: scene, level, lens, size, data hash, notes
        _cases/{case}_image.png           the all-in-focus input, 8 bit
        _cases/{case}_disparity.png       the disparity input, 16 bit
        _cases/{case}_truth.png           the true disparity, where methods are given another map
        _cases/{case}_target.png          the ground truth as it is scored, 8 bit; none where there is none
        _cases/{case}_reference.png       a photograph to look at, where the set has one
        _restored/{restorer}/{weights}/...   restored pictures, for all methods behind (`restored`)
        {method}/{weights hash8 | none}/{case}.png           the prediction as it is scored, 8 bit
        {method}/{weights hash8 | none}/{case}.json          what makes the number (written last: it commits)
        {method}/{weights hash8 | none}/{case}.scores.json   the numbers
        {method}/{weights hash8 | none}/{case}.breakdown.json   squared error by region and by defocus
        {method}/{weights hash8 | none}/{case}.timing.json   seconds, memory, device, date
        {method}/{weights hash8 | none}/{case}.curve.json    PSNR by K, where K was searched
        {method}/{weights hash8 | none}/_set.scores.json     numbers over all its cases (`sets.py`)
        {method}/{weights hash8 | none}+seed{n}/...          the same of a stochastic method, seed n > 0
        {method}/{weights ...}/_about/training.json          what the weights were trained on (`trained_on`)
        {method}/{weights ...}/_about/k_scale.json           what a calibrated factor of K rests on
        {method}/{weights ...}/_about/K.json                 cases that failed to choose a K (`find_k`)
        {method}/{weights ...}/_external/...                 logs of an external method (`external`)

Only timing files and those logs may differ between two runs. A results folder needs no data set to be
evaluated, shown or merged with one from another machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bokehbench import records
from bokehbench.errors import InputError

CASES = "_cases"
NO_WEIGHTS = "none"
SEED = "+seed"


@dataclass(frozen=True, order=True)
class Protocol:
    """One benchmark under one protocol inside a results folder."""

    root: Path
    benchmark: str
    protocol: str

    @property
    def folder(self) -> Path:
        """RESULTS/{benchmark}/{protocol}."""
        return self.root / self.benchmark / self.protocol

    def case_record(self, case: str) -> Path:
        """What was asked."""
        return self.folder / CASES / f"{case}.json"

    def case_image(self, case: str, what: str) -> Path:
        """`what` is image, disparity, truth, target or reference."""
        return self.folder / CASES / f"{case}_{what}.png"


@dataclass(frozen=True, order=True)
class Result:
    """One case rendered by one method with one set of weights and one seed: the identity of a number."""

    at: Protocol
    method: str
    weights: str
    case: str
    seed: int = 0

    @property
    def folder(self) -> Path:
        """The folder of the method's predictions."""
        seed = f"{SEED}{self.seed}" if self.seed else ""
        return self.at.folder / self.method / f"{self.weights}{seed}"

    @property
    def name(self) -> str:
        """For people, and the key of its work: the path of its files below the results folder."""
        return self.record.relative_to(self.at.root).with_suffix("").as_posix()

    @property
    def prediction(self) -> Path:
        """8-bit PNG."""
        return self.folder / f"{self.case}.png"

    @property
    def record(self) -> Path:
        """What makes the number; exists only when the prediction is complete."""
        return self.folder / f"{self.case}.json"

    @property
    def scores(self) -> Path:
        """The numbers."""
        return self.folder / f"{self.case}.scores.json"

    @property
    def breakdown(self) -> Path:
        """Squared error in parts (`leaderboard.regions`)."""
        return self.folder / f"{self.case}.breakdown.json"

    @property
    def timing(self) -> Path:
        """What was measured on the way."""
        return self.folder / f"{self.case}.timing.json"


def protocols(root: Path) -> list[Protocol]:
    """Every benchmark and protocol of a results folder, sorted; InputError where it is none."""
    found = sorted(Protocol(root, p.parent.parent.name, p.parent.name) for p in root.glob(f"*/*/{CASES}"))
    if not found:
        raise InputError(f"{root}: not a results folder (no benchmark in it); bokehbench run --out makes one")
    return found


def results(at: Protocol) -> Iterator[Result]:
    """Every complete result below a protocol, sorted by method, weights, case."""
    for record in sorted(at.folder.glob("*/*/*.json")):
        if record.name.count(".") == 1 and not record.parent.parent.name.startswith("_"):
            weights, seed = weights_and_seed(record.parent.name)
            yield Result(at, record.parent.parent.name, weights, record.stem, seed)


def weights_and_seed(folder: str) -> tuple[str, int]:
    """What the name of a folder of predictions says: `none+seed2` is (none, 2), `none` is (none, 0)."""
    weights, _, seed = folder.partition(SEED)
    return weights, int(seed) if seed.isdecimal() else 0


def case_keys(at: Protocol) -> list[str]:
    """Every case that was run by any method, sorted."""
    return sorted(path.stem for path in (at.folder / CASES).glob("*.json"))


def has_truth(at: Protocol, case: str) -> bool:
    """Whether a case has a ground truth; one without is rendered and shown, never scored.

    Raises:
        InputError: its record is damaged. (One that is missing says nothing against a ground truth.)
    """
    path = at.case_record(case)
    try:
        record = records.read_json(path) if path.exists() else {}
    except InputError:
        record = None
    pictures = record.get("pictures", {"target": ""}) if isinstance(record, dict) else None
    if not isinstance(pictures, dict):
        raise InputError(f"{path}: not the record of a case; bokehbench run writes it again")
    return "target" in pictures
