"""What training is given: a dictionary of tensors by name, the same from a stored set and from a stream.

================  =======================  ======================================================
key               tensor                   meaning
================  =======================  ======================================================
aif, bokeh, lq    [3, H, W] float32        encoded, in [0, 1]
disp, disp_soft,  [1, H, W] float32        disparity in [0, 1], near large
disp_pred
label             [1, H, W] uint8          index of the visible layer, near to far
defocus           [1, H, W] float32        signed, pixels
focus_mask, ...   [1, H, W] float32        in [0, 1]
error_map         [1, H, W] float32        BokehMe's E* for K and disp_focus of the item
alpha, visibility [L, H, W] float32        one plane a layer, near to far
rgba              [L, 4, H, W] float32     straight, encoded
bdist, bdisp      [L, H, W] float32        asked for as `boundary`
planes            [L, 3] float64           p, q, r in the coordinates of this crop
K, disp_focus,    [] float32               of the lens; always there
gamma
lens              dict                     JSON of the lens, mirrored as the image is; always there
key, render       str                      sample and image of its stack; always there
================  =======================  ======================================================

In a batch every tensor has one more dimension in front, and the others become lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bokehbench.errors import ConfigError
from bokehbench.optics import Lens
from bokehbench.synth.training.window import Window
from bokehbench.synth.truth.boundary import NO_BOUNDARY, error_map
from bokehbench.synth.truth.named import TRUTHS

Item = dict[str, Any]
Batch = dict[str, Any]

PER_LAYER = {
    "alpha": ("alpha",),
    "visibility": ("visibility",),
    "rgba": ("rgba",),
    "boundary": ("bdist", "bdisp"),
}
"""Names of which a sample has one picture a layer, and the keys that they become."""
PADDING = {"bdist": NO_BOUNDARY}
"""What fills a batch whose items have unequally many layers, where it is not 0."""
KEYS = (*(name for name in TRUTHS if name != "layers"), "error_map", "planes")
"""What may be asked for."""
ALWAYS = ("K", "disp_focus", "gamma", "lens", "key", "render")


def checked_keys(keys: Iterable[str]) -> tuple[str, ...]:
    """The keys without repetitions; what is always there may be named too. ConfigError for an unknown one."""
    wanted = tuple(key for key in dict.fromkeys(keys) if key not in ALWAYS)
    for key in wanted:
        if key not in KEYS:
            raise ConfigError(f"unknown key {key!r} of training data; one of {', '.join((*KEYS, *ALWAYS))}")
    return wanted


def truth_names(keys: Iterable[str]) -> list[str]:
    """Names of ground truth that keys are made of."""
    made_of = {"error_map": ("disp", "boundary"), "planes": ()}
    return list(dict.fromkeys(name for key in keys for name in made_of.get(key, (key,))))


def lens_fields(lens: Lens, key: str, render: str) -> Item:
    """What every item says about its lens."""
    numbers = {
        name: torch.tensor(getattr(lens, name), dtype=torch.float32) for name in ("K", "disp_focus", "gamma")
    }
    return {**numbers, "lens": lens.to_json(), "key": key, "render": render}


def map_tensors(
    keys: Iterable[str], pictures: Mapping[str, npt.NDArray[Any]], lens: Lens, shot: str, window: Window
) -> dict[str, Tensor]:
    """Tensors of keys that are pictures.

    Args:
        keys: of `KEYS`, without planes.
        pictures: arrays of the whole image by the names of `Truth`, as `compute` gives them.
        lens: K and disp_focus of the error map.
        shot: id of the image of the stack, `k0` ...
        window: what is cut out of every picture.

    Raises:
        ConfigError: a crop of `lq` that was left small.
    """
    found: dict[str, Tensor] = {}
    for key in keys:
        if key in PER_LAYER:
            for name in PER_LAYER[key]:
                found[name] = torch.stack(
                    [to_tensor(window.cut(each)) for each in _per_layer(pictures, name)]
                )
                if key != "rgba":
                    found[name] = found[name][:, 0]
        elif key == "error_map":
            found[key] = to_tensor(window.cut(_error_map(pictures, lens)))
        else:
            picture = pictures[f"{key}_{shot}" if f"{key}_{shot}" in pictures else key]
            _check_size(key, picture, window)
            found[key] = to_tensor(window.cut(picture))
    return found


def _check_size(key: str, picture: npt.NDArray[Any], window: Window) -> None:
    """A small `lq` has no pixels of its own for a crop: its numbers count other pixels."""
    width, height = window.full
    if window.size != window.full and picture.shape[:2] != (height, width):
        raise ConfigError(
            f"{key!r} is {picture.shape[1]}x{picture.shape[0]}, its sample {width}x{height}: a crop needs a "
            "degradation that enlarges"
        )


def _per_layer(pictures: Mapping[str, npt.NDArray[Any]], name: str) -> list[npt.NDArray[Any]]:
    found: list[npt.NDArray[Any]] = []
    while f"{name}_{len(found)}" in pictures:
        found.append(pictures[f"{name}_{len(found)}"])
    return found


def _error_map(pictures: Mapping[str, npt.NDArray[Any]], lens: Lens) -> npt.NDArray[np.float32]:
    distance, other = (np.stack(_per_layer(pictures, name)) for name in ("bdist", "bdisp"))
    return error_map(pictures["disp"], distance, other, lens.K, lens.disp_focus)


def to_tensor(pixels: npt.NDArray[Any]) -> Tensor:
    """[H, W] -> [1, H, W], [H, W, C] -> [C, H, W]; labels stay whole numbers, the rest becomes float32."""
    planar = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    whole = planar.dtype.kind in "iu"
    return torch.from_numpy(np.ascontiguousarray(planar, np.uint8 if whole else np.float32))


def stack(items: Sequence[Item]) -> Batch:
    """One batch of items; the `collate_fn` of a DataLoader over a `SynthDataset`.

    Items with fewer layers are filled up (0; boundary distances with NO_BOUNDARY).

    Raises:
        ConfigError: items of different sizes: ask for a crop.
    """
    keys = [key for key in items[0] if all(key in item for item in items)]
    return {key: _stacked(key, [item[key] for item in items]) for key in keys}


def _stacked(key: str, values: list[Any]) -> Any:
    if not isinstance(values[0], Tensor):
        return values
    shapes = {tuple(value.shape[1:]) for value in values}
    if len(shapes) > 1:
        raise ConfigError(f"a batch of {key!r} of different sizes {sorted(shapes)}; give a crop")
    most = max((value.shape[0] for value in values if value.ndim), default=0)
    if any(value.ndim and value.shape[0] < most for value in values):
        values = [_filled(value, most, PADDING.get(key, 0.0)) for value in values]
    return torch.stack(values)


def _filled(value: Tensor, count: int, padding: float) -> Tensor:
    rest = value.new_full((count - value.shape[0], *value.shape[1:]), padding)
    return torch.cat([value, rest])
