"""Cycles as a function: a scene, a sample count and a seed give linear pixels and planar depth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from bokehbench.images import read_exr

FloatImage = npt.NDArray[np.float32]
SEQUENCE = 4096
"""Samples of a sequence of which a render takes a part."""


@dataclass(frozen=True, eq=False)
class Passes:
    """One render.

    Attributes:
        image: [H, W, 3] linear, denoised where the renderer was told to.
        raw: [H, W, 3] linear, the plain mean of the samples.
        z: [H, W] planar depth of the first sample, which goes through the pixel's centre; 1e10 is sky. Valid
            only without depth of field.
        alpha: [H, W]; 1 everywhere unless the film is transparent, where colours are premultiplied.
        guides: [H, W, 6] albedo and normal of what is seen, where the renderer gives them; else None.
    """

    image: FloatImage
    raw: FloatImage
    z: FloatImage
    alpha: FloatImage
    guides: FloatImage | None = None


class Cycles:
    """The render settings of a stack: everything fixed that could differ between two machines' defaults."""

    def __init__(
        self,
        scene: Any,
        size: tuple[int, int],
        scratch: Path,
        *,
        denoise: bool,
        transparent: bool = False,
        guides: bool = False,
    ) -> None:
        self.scene, self.file, self.denoise = scene, scratch / "render.exr", denoise
        self.guides = guides
        self.gain = 1.0
        """On all light, besides Cycles' own exposure, which has a limit."""
        render, cycles = scene.render, scene.cycles
        render.engine = "CYCLES"
        render.resolution_x, render.resolution_y = size
        render.resolution_percentage = 100
        render.pixel_aspect_x = render.pixel_aspect_y = 1.0
        render.film_transparent = transparent
        render.use_persistent_data = True
        render.threads_mode = "AUTO"
        render.use_file_extension = False
        cycles.device = "CPU"
        cycles.use_adaptive_sampling = False
        cycles.use_animated_seed = False
        # Blue noise, the default, depends on the sample counts of earlier renders of the process.
        cycles.sampling_pattern = "TABULATED_SOBOL"
        cycles.time_limit = 0.0
        cycles.use_sample_subset = False
        cycles.use_denoising = denoise
        if denoise:
            cycles.denoiser = "OPENIMAGEDENOISE"
            cycles.denoising_input_passes = "RGB_ALBEDO_NORMAL"
            cycles.denoising_prefilter = "ACCURATE"
            cycles.denoising_quality = "HIGH"
        layer = next(layer for layer in scene.view_layers if layer.use)
        layer.use_pass_z = True
        layer.cycles.denoising_store_passes = denoise or guides
        file = render.image_settings
        file.file_format = "OPEN_EXR_MULTILAYER"
        file.color_depth, file.exr_codec = "32", "NONE"
        file.color_management = "FOLLOW_SCENE"

    def render(self, spp: int, seed: int, first: int | None = None) -> Passes:
        """Render the active camera's view; RuntimeError where Blender wrote no file or invalid pixels.

        Args:
            spp: samples per pixel.
            seed: of the samples.
            first: take samples first to first + spp − 1 of a long sequence, which go together better than
                samples of other seeds; depth is valid only with 0.
        """
        settings = self.scene.cycles
        settings.samples, settings.seed = (spp if first is None else SEQUENCE), seed
        settings.use_sample_subset = first is not None
        settings.sample_offset, settings.sample_subset_length = first or 0, spp
        self.scene.render.filepath = str(self.file)
        self.file.unlink(missing_ok=True)  # a stale file would look like success
        bpy.ops.render.render(write_still=True)
        if not self.file.exists():
            raise RuntimeError("Blender ended a render without writing it")
        channels = read_exr(self.file)
        image = self._rgb(channels, "Combined")
        raw = self._rgb(channels, "Noisy Image") if self.denoise else image
        z = next(pixels for name, pixels in channels.items() if name.endswith(".Depth.Z"))
        width, height = self.scene.render.resolution_x, self.scene.render.resolution_y
        if image.shape != (height, width, 3) or not np.isfinite(image).all():
            raise RuntimeError(f"Blender rendered {image.shape} pixels, some of them perhaps not finite")
        alpha = self._channels(channels, "Combined")["A"]
        guides = self._guides(channels) if self.guides else None
        image, raw = (np.maximum(light, 0.0) * np.float32(self.gain) for light in (image, raw))
        return Passes(image, raw, z, alpha, guides)

    @classmethod
    def _guides(cls, channels: dict[str, FloatImage]) -> FloatImage:
        albedo = cls._channels(channels, "Denoising Albedo")
        normal = cls._channels(channels, "Denoising Normal")
        return np.stack(
            [*(albedo[letter] for letter in "RGB"), *(normal[letter] for letter in "XYZ")], axis=2
        )

    @classmethod
    def _rgb(cls, channels: dict[str, FloatImage], name: str) -> FloatImage:
        found = cls._channels(channels, name)
        return np.stack([found[letter] for letter in "RGB"], axis=2)

    @staticmethod
    def _channels(channels: dict[str, FloatImage], name: str) -> dict[str, FloatImage]:
        return {
            key.rpartition(".")[2]: pixels for key, pixels in channels.items() if f".{name}." in f".{key}"
        }
