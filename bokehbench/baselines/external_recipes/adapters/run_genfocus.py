"""Genfocus: its BokehNet alone, given the picture and the map of blur radii."""

from __future__ import annotations

import os
import sys
from typing import Any

import numpy as np
from bench_adapter import Bench, eight_bit, padded, upwards

PROMPT = "an excellent photo with a large aperture"
MULTIPLE = 16
GREATEST = 100.0
"""Radius in pixels that its map of 1 stands for."""


def blur_map(defocus: Any) -> Any:
    """[1, 3, H, W] float32 in [0, 1] of signed defocus in pixels; not scaled to [-1, 1]."""
    radius = np.clip(np.abs(defocus) / np.float32(GREATEST), 0.0, 1.0)
    return np.repeat(radius[None, None], 3, axis=1).astype(np.float32)


def load(bench: Bench, torch: Any) -> Any:
    """FLUX with the adapter of BokehNet."""
    from diffusers import FluxPipeline

    with_gpu = torch.cuda.is_available()
    base = os.path.dirname(bench.weights["models/FLUX.1-dev/model_index.json"])
    pipe = FluxPipeline.from_pretrained(base, torch_dtype=torch.bfloat16 if with_gpu else torch.float32)
    pipe.to("cuda" if with_gpu else "cpu")
    folder, name = os.path.split(bench.weights["bokehNet.safetensors"])
    pipe.load_lora_weights(folder, weight_name=name, adapter_name="bokeh")
    pipe.set_adapters(["bokeh"])
    return pipe


def main() -> None:
    """All cases."""
    bench = Bench(sys.argv)
    bench.enter()
    import torch
    from Genfocus.pipeline.flux import Condition, generate, seed_everything
    from PIL import Image

    pipe = load(bench, torch)
    for case in bench.cases:
        width, height = case["size"]
        rows, columns = upwards(height, MULTIPLE), upwards(width, MULTIPLE)
        picture = Image.fromarray(eight_bit(padded(bench.image(case), rows, columns)))
        defocus = padded(bench.defocus(case), rows, columns)
        if np.abs(defocus).max() > GREATEST:
            print(f"{case['key']}: blur beyond {GREATEST:g} px is cut off", flush=True)
        radii = torch.from_numpy(blur_map(defocus))
        seed_everything(case["seed"])
        with torch.no_grad():
            made = generate(
                pipe,
                height=rows,
                width=columns,
                prompt=PROMPT,
                conditions=[
                    Condition(picture, "bokeh"),
                    Condition(radii, "bokeh", [0, 0], 1.0, No_preprocess=True),
                ],
                guidance_scale=1.0,
                kv_cache=False,
                generator=torch.Generator(device=pipe.device).manual_seed(case["seed"]),
            ).images[0]
        bench.save(case, np.asarray(made.convert("RGB"))[:height, :width])


if __name__ == "__main__":
    main()
