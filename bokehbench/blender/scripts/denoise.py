"""OpenImageDenoise on arrays: Blender's compositor, in a scene of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
import numpy as np
import numpy.typing as npt

from bokehbench.images import read_exr_rgb

FloatImage = npt.NDArray[np.float32]
INPUTS = ("Image", "Albedo", "Normal")


class Denoiser:
    """Denoises images of one size, bit for bit as Cycles does with the same passes.

    HIGH quality; albedo and normal are denoised first, as well as `prefilter` says: ACCURATE or FAST.
    """

    def __init__(self, size: tuple[int, int], scratch: Path, prefilter: str = "ACCURATE") -> None:
        self.size, self.file = size, scratch / "denoised.exr"
        self.scene = bpy.data.scenes.new("denoise")
        render = self.scene.render
        render.resolution_x, render.resolution_y = size
        render.resolution_percentage = 100
        render.use_file_extension = False
        render.filepath = str(self.file)
        render.compositor_precision = "FULL"
        file = render.image_settings
        file.file_format, file.color_depth, file.exr_codec = "OPEN_EXR", "32", "NONE"
        self.scene.use_nodes = True
        tree = self.scene.node_tree
        tree.nodes.clear()
        node = tree.nodes.new("CompositorNodeDenoise")
        node.use_hdr, node.prefilter, node.quality = True, prefilter, "HIGH"
        self.images = {name: self._image(tree, node, name) for name in INPUTS}
        tree.links.new(node.outputs[0], tree.nodes.new("CompositorNodeComposite").inputs[0])

    def _image(self, tree: Any, node: Any, name: str) -> Any:
        image = bpy.data.images.new(f"denoise {name}", *self.size, alpha=True, float_buffer=True)
        image.colorspace_settings.name = "Linear Rec.709"
        image.use_fake_user = True
        source = tree.nodes.new("CompositorNodeImage")
        source.image = image
        tree.links.new(source.outputs[0], node.inputs[name])
        return image

    def __call__(self, colour: FloatImage, guides: FloatImage) -> FloatImage:
        """Denoise linear [H, W, 3] with [H, W, 6] (albedo, normal); the same shape, >= 0."""
        for name, pixels in zip(INPUTS, (colour, guides[..., :3], guides[..., 3:]), strict=True):
            with_alpha = np.ones((*pixels.shape[:2], 4), np.float32)
            with_alpha[..., :3] = pixels[::-1]  # Blender counts rows from below
            self.images[name].pixels.foreach_set(with_alpha.ravel())
            self.images[name].update()
        self.file.unlink(missing_ok=True)
        bpy.ops.render.render(write_still=True, scene=self.scene.name)
        if not self.file.exists():
            raise RuntimeError("Blender ended without writing a denoised image")
        return np.maximum(read_exr_rgb(self.file), 0.0)
