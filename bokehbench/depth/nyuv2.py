"""NYU Depth V2, the labelled test split: the official .mat file, or extracted folders."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.depth.sets import DepthCase, Measured, read_pair, wrong_layout
from bokehbench.errors import InputError, Unavailable
from bokehbench.records import sha256_bytes, sha256_files, sha256_json

MAT, SPLITS = "nyu_depth_v2_labeled.mat", "splits.mat"
MILLIMETRES = 1000.0
CROP = (45, 471, 41, 601)
"""Rows from, to, columns from, to, of 480x640: Eigen's crop, where the Kinect's depth is whole."""


class NYUv2:
    """See `sets.DepthSet`.

    Measured depth (`rawDepths`) is compared with, not `depths`, whose holes an algorithm filled.
    """

    reach = (1e-3, 10.0)
    expected = 654

    def __init__(self, root: Path) -> None:
        self.root = root
        self.layout = "mat" if (root / MAT).is_file() else "folders"
        self._mat: Any = None

    def cases(self) -> list[DepthCase]:
        """See `sets.DepthSet`."""
        if self.layout == "mat":
            return [DepthCase(f"{number:04d}", MAT, MAT, number - 1) for number in self._test_numbers()]
        found = sorted(self._folder_cases(), key=lambda case: case.key)
        if not found:
            raise wrong_layout(self.root, "nyuv2")
        return found

    def digest(self, case: DepthCase) -> str:
        """See `sets.DepthSet`."""
        if self.layout == "mat":
            return sha256_json([sha256_bytes(array.tobytes()) for array in self._from_mat(case.index)])
        return sha256_files([self.root / case.image, self.root / case.depth], self.root)

    def load(self, case: DepthCase) -> Measured:
        """See `sets.DepthSet`."""
        if self.layout == "mat":
            pixels, depth = self._from_mat(case.index)
            image = pixels.astype(np.float32) / np.float32(255.0)
        else:
            image, depth = read_pair(self.root / case.image, self.root / case.depth, MILLIMETRES)
        if depth.shape != (480, 640):
            raise InputError(f"{case.image}: {depth.shape}, pictures of NYU Depth V2 are (480, 640)")
        near, far = self.reach
        valid = np.zeros(depth.shape, bool)
        top, bottom, left, right = CROP
        valid[top:bottom, left:right] = True
        valid &= (depth > near) & (depth < far)
        return Measured(image, depth, valid)

    def _folder_cases(self) -> list[DepthCase]:
        cases = []
        for image in self.root.rglob("rgb_*"):
            match = re.fullmatch(r"rgb_(\d+)\.(png|jpg)", image.name)
            if match is None:
                continue
            for prefix in ("sync_depth_", "depth_"):
                depth = image.with_name(f"{prefix}{match[1]}.png")
                if depth.is_file():
                    name = image.relative_to(self.root)
                    key = name.with_suffix("").as_posix()
                    cases.append(DepthCase(key, name.as_posix(), depth.relative_to(self.root).as_posix()))
                    break
        return cases

    def _test_numbers(self) -> list[int]:
        """Numbers of the test pictures, from 1, of the official split."""
        from scipy.io import loadmat

        path = self.root / SPLITS
        if not path.is_file():
            raise InputError(
                f"{path}: no such file; the official split lies at "
                "http://horatio.cs.nyu.edu/mit/silberman/indoor_seg_sup/splits.mat"
            )
        try:
            numbers = sorted(int(number) for number in loadmat(path)["testNdxs"].ravel())
        except Exception as error:  # scipy raises anything on a damaged file
            raise InputError(f"{path}: no testNdxs can be read ({error})") from error
        return numbers

    def _from_mat(self, index: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.float32]]:
        """One picture, 8 bit, and its depth; the file stores columns before rows."""
        mat = self._opened()
        try:
            image = np.asarray(mat["images"][index]).transpose(2, 1, 0)
            depth = np.asarray(mat["rawDepths"][index], np.float32).T
        except (KeyError, ValueError, OSError, IndexError) as error:
            raise InputError(f"{self.root / MAT}: picture {index + 1} cannot be read ({error})") from error
        return np.ascontiguousarray(image), np.ascontiguousarray(depth)

    def _opened(self) -> Any:
        if self._mat is None:
            try:
                import h5py
            except ImportError as error:
                raise Unavailable(
                    f"{MAT} is HDF5, which h5py reads: pip install h5py; or give extracted folders"
                ) from error
            try:
                self._mat = h5py.File(self.root / MAT, "r")
            except OSError as error:
                raise InputError(f"{self.root / MAT}: not a whole HDF5 file ({error})") from error
        return self._mat
