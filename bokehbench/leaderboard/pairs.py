"""How the target of each case lies to its input: found once, stored beside the cases, one for all methods.

    RESULTS/{benchmark}/{protocol}/_pairs/{case}.json    homography, whether it was accepted, hashes of all
    RESULTS/{benchmark}/{protocol}/_pairs/{case}.png     1 out of focus, 2 in focus (grey levels 0, 1, 2)

Only metrics that need it (`+geo`, `+geo_gain`, blur-error ...) make it. What is stored is taken as it is, as
long as it is about the same input and target: another machine's last digit then changes no score.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from bokehbench import images, records
from bokehbench.errors import InputError
from bokehbench.leaderboard.results import Protocol
from bokehbench.metrics.catalogue import PAIR_VERSION

if TYPE_CHECKING:
    from bokehbench.metrics.pair import Pair

FOLDER = "_pairs"
SCHEMA = "bokehbench.pair/1"


def record_path(at: Protocol, case: str) -> Path:
    """Where the pair of a case is recorded; the mask lies beside it."""
    return at.folder / FOLDER / f"{case}.json"


def digest(at: Protocol, case: str) -> str:
    """sha256 of the record of a pair; empty where there is none, or it is about other pictures."""
    path = record_path(at, case)
    return records.sha256_file(path) if path.is_file() and _current(at, case) is not None else ""


def load(at: Protocol, case: str) -> tuple[Pair, str]:
    """The pair of a case, made and stored where there is none yet, and the digest of its record.

    Raises:
        InputError: input or target are missing.
    """
    content = _current(at, case) or _make(at, case)
    return _read(at, case, content), records.sha256_file(record_path(at, case))


def _pictures(at: Protocol, case: str) -> dict[str, str]:
    """Hashes of what a pair is made from."""
    paths = {what: at.case_image(case, what) for what in ("image", "target")}
    for path in paths.values():
        if not path.is_file():
            raise InputError(f"{path}: no such file; bokehbench run writes it")
    return {what: records.sha256_file(path) for what, path in paths.items()}


def _current(at: Protocol, case: str) -> dict[str, Any] | None:
    """The stored record, if it is whole and about the case as it is now."""
    path = record_path(at, case)
    mask = path.with_suffix(".png")
    if not path.is_file() or not mask.is_file():
        return None
    try:
        content = records.read_json(path)
    except InputError:
        return None
    expected = {"schema": SCHEMA, "version": PAIR_VERSION, **_pictures(at, case)}
    if not isinstance(content, dict) or not expected.items() <= content.items():
        return None
    return content if content.get("mask") == records.sha256_file(mask) else None


def _make(at: Protocol, case: str) -> dict[str, Any]:
    import cv2
    import numpy as np

    from bokehbench.metrics.pair import make_pair

    image, target = (images.quantise(images.read_image(at.case_image(case, w))) for w in ("image", "target"))
    pair = make_pair(image, target)
    levels = pair.out_of_focus.astype(np.uint8)
    if pair.in_focus is not None:
        levels[pair.in_focus] = 2
    path = record_path(at, case)
    images.write_png(path.with_suffix(".png"), levels)
    found = pair.homography
    content = {
        "schema": SCHEMA,
        "version": PAIR_VERSION,
        **_pictures(at, case),
        "matrix": found.matrix.tolist(),
        "accepted": found.accepted,
        "reason": found.reason,
        "correlation": found.correlation,
        "displacement": found.displacement,
        "in_focus": None if pair.in_focus is None else float(pair.in_focus.mean()),
        "out_of_focus": float(pair.out_of_focus.mean()),
        "mask": records.sha256_file(path.with_suffix(".png")),
        "libraries": {"opencv": cv2.__version__},
    }
    records.write_json(path, content)
    return content


def _read(at: Protocol, case: str, content: dict[str, Any]) -> Pair:
    import numpy as np

    from bokehbench.metrics.geometry import Homography
    from bokehbench.metrics.pair import Pair

    levels = images.quantise(images.read_grey(record_path(at, case).with_suffix(".png")))
    homography = Homography(
        np.array(content["matrix"], np.float64),
        content["accepted"],
        content["reason"],
        content["correlation"],
        content["displacement"],
    )
    return Pair(homography, None if content["in_focus"] is None else levels == 2, levels == 1)
