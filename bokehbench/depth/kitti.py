"""KITTI with laser depth: the 1000 selected pictures, or Eigen's test split with improved ground truth."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from bokehbench.depth.sets import DepthCase, Measured, read_pair, wrong_layout
from bokehbench.errors import InputError
from bokehbench.records import sha256_files

PER_METRE = 256.0
EIGEN_LIST = "eigen_test_files_with_gt.txt"
SELECTED = ("depth_selection/val_selection_cropped", "val_selection_cropped", ".")
GARG = (0.40810811, 0.99189189, 0.03594771, 0.96405229)
"""Garg's crop: rows from, to, columns from, to, as shares of height and width."""
BENCHMARK_SIZE = (352, 1216)


class Kitti:
    """See `sets.DepthSet`."""

    reach = (1e-3, 80.0)

    def __init__(self, root: Path) -> None:
        self.root = root
        self._selected = next(
            (root / name for name in SELECTED if (root / name / "groundtruth_depth").is_dir()), None
        )
        is_eigen = (root / EIGEN_LIST).is_file()
        self.layout = "eigen" if is_eigen else "selection"
        self.expected = 652 if is_eigen else 1000

    def cases(self) -> list[DepthCase]:
        """See `sets.DepthSet`."""
        found = self._eigen_cases() if self.layout == "eigen" else self._selected_cases()
        if not found:
            raise wrong_layout(self.root, "kitti")
        return sorted(found, key=lambda case: case.key)

    def digest(self, case: DepthCase) -> str:
        """See `sets.DepthSet`."""
        return sha256_files([self.root / case.image, self.root / case.depth], self.root)

    def load(self, case: DepthCase) -> Measured:
        """See `sets.DepthSet`."""
        image, depth = read_pair(self.root / case.image, self.root / case.depth, PER_METRE)
        if self.layout == "eigen":
            image, depth = cut(image), cut(depth)
        near, far = self.reach
        valid = garg_crop(depth.shape[0], depth.shape[1]) & (depth > near) & (depth < far)
        return Measured(image, depth, valid)

    def _selected_cases(self) -> list[DepthCase]:
        if self._selected is None:
            return []
        cases = []
        for depth in sorted((self._selected / "groundtruth_depth").glob("*.png")):
            image = self._selected / "image" / depth.name.replace("_groundtruth_depth_", "_image_")
            if not image.is_file():
                raise InputError(f"{depth}: its picture {image.name} is missing")
            picture, measured = (path.relative_to(self.root).as_posix() for path in (image, depth))
            cases.append(DepthCase(image.stem, picture, measured))
        return cases

    def _eigen_cases(self) -> list[DepthCase]:
        """Lines `DATE/DRIVE/image_02/data/ID.png DRIVE/proj_depth/groundtruth/image_02/ID.png FOCAL`."""
        cases = []
        for number, line in enumerate((self.root / EIGEN_LIST).read_text().splitlines(), 1):
            parts = line.split()
            if not parts or (len(parts) > 1 and parts[1] == "None"):
                continue
            if len(parts) < 2:
                raise InputError(f"{self.root / EIGEN_LIST}: line {number} names no depth")
            image = self._first(parts[0], ("", "raw", "kitti_raw"))
            places = ("data_depth_annotated/val", "data_depth_annotated/train", "data_depth_annotated")
            depth = self._first(parts[1], (*places, "val", "train", ""))
            key = parts[0].removesuffix(".png").removesuffix(".jpg")
            cases.append(DepthCase(key, image, depth))
        return cases

    def _first(self, name: str, places: tuple[str, ...]) -> str:
        # Drives are often kept as JPEG.
        names = (name, name.removesuffix(".png") + ".jpg")
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
            raise InputError(f"{self.root / EIGEN_LIST}: {name} is not below the folder of the set")
        found = (
            Path(place, n).as_posix() for place in places for n in names if (self.root / place / n).is_file()
        )
        path = next(found, None)
        if path is None:
            raise InputError(
                f"{self.root}: {name} of {EIGEN_LIST} is missing (looked into {', '.join(places)})"
            )
        return path


def cut(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """The lowest 352 rows and the middle 1216 columns of [H, W, ...], the size of KITTI's benchmark.

    Raises:
        InputError: smaller than that.
    """
    height, width = BENCHMARK_SIZE
    if values.shape[0] < height or values.shape[1] < width:
        raise InputError(f"a picture of {values.shape[:2]} is smaller than KITTI's {BENCHMARK_SIZE}")
    top, left = values.shape[0] - height, (values.shape[1] - width) // 2
    return np.ascontiguousarray(values[top : top + height, left : left + width])


def garg_crop(height: int, width: int) -> npt.NDArray[np.bool_]:
    """Mask [H, W] of Garg's crop: without sky, the car's own bonnet, and the rims."""
    top, bottom = (int(GARG[i] * height) for i in (0, 1))
    left, right = (int(GARG[i] * width) for i in (2, 3))
    inside = np.zeros((height, width), bool)
    inside[top:bottom, left:right] = True
    return inside
