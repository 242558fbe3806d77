"""RealSR (Cai et al., ICCV 2019), version 3, test pictures at factor 4, or StableSR's centre crops of them.

Canon/Test/4/Canon_001_HR.png, Canon_001_LR4.png, Nikon alike   the release: 50 pairs a camera
test_HR/{name}.png, test_LR/{name}.png                          RealSRVal_crop128: 100 pairs, 128 to 512 px
"""

from __future__ import annotations

from pathlib import Path

from bokehbench.benchmarks.inventory import Part, index
from bokehbench.benchmarks.photoset import Item, safe_key
from bokehbench.benchmarks.restoration import Restoration
from bokehbench.errors import InputError

CAMERAS = ("Canon", "Nikon")


class RealSR(Restoration):
    """A folder of RealSR."""

    NAME = "realsr"
    PAIRS = 100
    PARTS = (
        Part("target", ("test_HR", *(f"{camera}/Test/4" for camera in CAMERAS)), 100),
        Part("lq", ("test_LR", *(f"{camera}/Test/4" for camera in CAMERAS)), 100),
    )

    def items(self) -> list[Item]:
        """One item a pair."""
        pairs = self._crops() if (self.root / "test_HR").is_dir() else self._release()
        return [
            Item(safe_key(name), safe_key(name), {"lq": small, "target": large}, "restoration")
            for name, (small, large) in pairs.items()
        ]

    def files(self) -> list[Path]:
        """See `PhotoSet.files`."""
        pairs = self._crops() if (self.root / "test_HR").is_dir() else self._release()
        return sorted(path for pair in pairs.values() for path in pair)

    def counts(self) -> list[tuple[str, int, int]]:
        """See `PhotoSet.counts`."""
        return [("pairs of low and high resolution", len(self.files()) // 2, self.PAIRS)]

    def _crops(self) -> dict[str, tuple[Path, Path]]:
        targets = self._needed("target", ())
        small = self._needed("lq", list(targets))
        return {name: (small[name], path) for name, path in targets.items()}

    def _release(self) -> dict[str, tuple[Path, Path]]:
        pairs = {}
        for camera in CAMERAS:
            folder = self.root / camera / "Test" / "4"
            found = index(folder)
            for name, path in found.items():
                if not name.endswith("_HR"):
                    continue
                stem = name.removesuffix("_HR")
                if f"{stem}_LR4" not in found:
                    raise InputError(f"{folder}: has {path.name} but no {stem}_LR4{path.suffix}")
                pairs[stem] = (found[f"{stem}_LR4"], path)
        if not pairs:
            raise InputError(
                f"{self.root}: has no pairs of RealSR (Canon/Test/4/Canon_001_HR.png and _LR4.png, or "
                f"test_HR/ and test_LR/); {self._help()}"
            )
        return pairs
