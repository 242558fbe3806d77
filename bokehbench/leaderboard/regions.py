"""The regions of each case by its true defocus: found once, stored beside the cases, one for all methods.

    RESULTS/{benchmark}/{protocol}/_regions/{case}.json   areas, largest radius, hashes of what made them
    RESULTS/{benchmark}/{protocol}/_regions/{case}.png    0 transition, 1 in focus, 2 out of focus, 3 band;
                                                          + 4 in highlights, + 8 where the input has structure

What they are made of lies in the results: the 16-bit map that the target was made with, the 8-bit input and
the lens. A benchmark whose disparity is predicted, or whose K is searched, has no true defocus and no
regions. What is stored is taken as it is, as long as it is about the same map, input and lens.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokehbench import images, records
from bokehbench.benchmarks.protocols import base_id
from bokehbench.errors import InputError
from bokehbench.leaderboard.results import Protocol, Result
from bokehbench.metrics.catalogue import REGIONS_VERSION
from bokehbench.optics import Lens, signed_defocus
from bokehbench.registry import ProtocolSpec, find

if TYPE_CHECKING:
    from bokehbench.metrics.regions import Regions

FOLDER = "_regions"
SCHEMA = "bokehbench.regions/1"
BREAKDOWN_SCHEMA = "bokehbench.breakdown/1"
NONE = "none"
"""Stands for the digest where a case has no true defocus."""
NOT_STORED = "the true disparity is not stored; the bokehbench run that made the results stores it"
HIGHLIGHTS, STRUCTURED = 4, 8

FAMILY = (
    *(f"psnr+{name}" for name in ("focus", "defocus", "band", "transition", "highlights")),
    *(f"ssim+{name}" for name in ("focus", "defocus", "band", "transition")),
    *(f"lpips-alex+{name}" for name in ("focus", "defocus", "band")),
    *("blur-bias+defocus", "blur-bias+focus", "blur-error+defocus", "energy-bias+defocus", "psnr+cropR"),
)
"""What `evaluate --breakdown` adds where the true defocus is known."""
PAIR_FAMILY = (
    *(f"psnr+{how}" for how in ("raw", "geo", "geo_gain")),
    *(f"psnr+{how}+{where}" for where in ("focus", "defocus") for how in ("raw", "geo_gain")),
    *(f"ssim+{how}+{where}" for where in ("focus", "defocus") for how in ("raw", "geo_gain")),
    *("blur-error", "blur-bias", "colour-error", "energy-bias"),
)
"""What it adds elsewhere: regions that a pair of photographs shows of itself, raw beside corrected."""


def record_path(at: Protocol, case: str) -> Path:
    """Where the regions of a case are recorded; the labels lie beside it."""
    return at.folder / FOLDER / f"{case}.json"


def family(at: Protocol, case: str) -> tuple[str, ...]:
    """The metrics of a breakdown of this benchmark, told by one of its cases."""
    return FAMILY if why_not(at, case) in ("", NOT_STORED) else PAIR_FAMILY


def why_not(at: Protocol, case: str) -> str:
    """Why the true defocus of a case is not known, in one line; empty where it is."""
    record = records.read_json(at.case_record(case))
    rules = find(ProtocolSpec, base_id(at.protocol).partition("@")[0])
    if rules is not None and (rules.disparity, rules.focus, rules.K) != ("gt", "given", "given"):
        return f"{rules.name} gives no true disparity, focus and K"
    if "K_search" in record:
        return "K is not given"
    if "disparity" in record.get("made_with", {}):
        return "the disparity is predicted: the true one is not known"
    return NOT_STORED if "track" in record and "truth" not in record.get("pictures", {}) else ""


def digest(at: Protocol, case: str) -> str:
    """sha256 of the record; `none` where there can be no regions, empty where they are to be made."""
    if why_not(at, case):
        return NONE
    return "" if _current(at, case) is None else records.sha256_file(record_path(at, case))


def load(at: Protocol, case: str) -> tuple[Regions | None, str]:
    """The regions of a case, made and stored where there are none yet, and the digest of their record.

    Raises:
        InputError: the map or the input is missing or damaged.
    """
    if why_not(at, case):
        return None, NONE
    found = _read(at, case) if _current(at, case) is not None else _make(at, case)
    return found, records.sha256_file(record_path(at, case))


def _map_path(at: Protocol, case: str) -> Path:
    truth = at.case_image(case, "truth")
    return truth if "track" in records.read_json(at.case_record(case)) else at.case_image(case, "disparity")


def _lens(at: Protocol, case: str) -> Lens:
    return Lens.from_json(records.read_json(at.case_record(case))["lens"])


def _made_from(at: Protocol, case: str) -> dict[str, Any]:
    """Hashes and numbers that regions rest on."""
    paths = {"disparity": _map_path(at, case), "image": at.case_image(case, "image")}
    for path in paths.values():
        if not path.is_file():
            raise InputError(f"{path}: no such file; bokehbench run writes it")
    lens = _lens(at, case)
    facts = {"K": lens.K, "disp_focus": lens.disp_focus, "gamma": lens.gamma}
    return {"schema": SCHEMA, "version": REGIONS_VERSION, **facts} | {
        what: records.sha256_file(path) for what, path in paths.items()
    }


def _current(at: Protocol, case: str) -> dict[str, Any] | None:
    """The stored record, if it is whole and about the case as it is now."""
    path = record_path(at, case)
    labels = path.with_suffix(".png")
    if not path.is_file() or not labels.is_file():
        return None
    with contextlib.suppress(InputError):
        content = records.read_json(path)
        if isinstance(content, dict) and _made_from(at, case).items() <= content.items():
            return content if content.get("labels") == records.sha256_file(labels) else None
    return None


def _disparity(at: Protocol, case: str) -> Any:
    return images.read_grey(_map_path(at, case))


def _make(at: Protocol, case: str) -> Regions:
    import cv2
    import numpy as np

    from bokehbench.metrics.regions import NAMES, find_regions

    image = images.quantise(images.read_image(at.case_image(case, "image")))
    found = find_regions(_disparity(at, case), _lens(at, case), image)
    codes = found.labels + HIGHLIGHTS * found.highlights + STRUCTURED * found.structured
    path = record_path(at, case)
    images.write_png(path.with_suffix(".png"), codes.astype(np.uint8))
    content = {
        **_made_from(at, case),
        "areas": {name: float(found.mask(name).mean()) for name in NAMES},
        "radius": found.radius,
        "labels": records.sha256_file(path.with_suffix(".png")),
        "libraries": {"opencv": cv2.__version__},
    }
    records.write_json(path, content)
    return found


def _read(at: Protocol, case: str) -> Regions:
    import numpy as np

    from bokehbench.metrics.regions import Regions

    codes = images.quantise(images.read_grey(record_path(at, case).with_suffix(".png")))
    defocus = signed_defocus(_disparity(at, case).astype(np.float64), _lens(at, case))
    return Regions((codes % 4).astype(np.uint8), (codes & HIGHLIGHTS) > 0, (codes & STRUCTURED) > 0, defocus)


# ------------------------------------------------------------------------------------------ error in parts


def breakdown_identity(made_from: dict[str, Any], regions: str) -> dict[str, Any]:
    """What a stored breakdown must be about to count: prediction, target, border, regions, version."""
    from bokehbench.metrics.breakdown import VERSION

    facts = {what: made_from[what] for what in ("prediction", "target")}
    border = int(made_from.get("border", 0))
    return {"schema": BREAKDOWN_SCHEMA, "version": VERSION, "regions_of": regions, "border": border, **facts}


def read_breakdown(result: Result, identity: dict[str, Any]) -> dict[str, Any] | None:
    """The stored breakdown (`bokehbench.metrics.breakdown`), if it is about what `identity` says."""
    with contextlib.suppress(InputError):
        content = records.read_json(result.breakdown)
        if isinstance(content, dict) and identity.items() <= content.items():
            return content
    return None


def write_breakdown(
    result: Result, identity: dict[str, Any], prediction: Any, target: Any, regions: Regions
) -> None:
    """Write squared error by region and by signed defocus, `{case}.breakdown.json`."""
    from bokehbench.metrics.breakdown import breakdown

    parts = breakdown(prediction, target, regions, identity["border"])
    records.write_json(result.breakdown, {**identity, **parts})
