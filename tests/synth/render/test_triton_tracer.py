"""The CUDA kernel against the readable tracer: interpreted, compiled, and on a GPU where there is one."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from script_process import run

HERE = Path(__file__).parent


def check(printed: str) -> None:
    """Images to 2e-4, of light up to 20 (shifts in float32), gradients to 2e-4 of their largest."""
    worst = json.loads(printed)
    assert set(worst) == {"tiles", "flat", "tilted", "flat slopes", "tilted slopes"}
    for name, difference in worst.items():
        assert difference <= 2e-4, (name, worst)


def test_the_kernel_interpreted_is_the_readable_tracer() -> None:
    check(run(HERE / "triton_scenes.py", "cpu", TRITON_INTERPRET="1"))


@pytest.mark.skipif(sys.platform != "linux", reason="Triton compiles on Linux only")
def test_the_kernel_compiles_for_a_gpu(tmp_path: Path) -> None:
    """To PTX, without a GPU: types and control flow that the interpreter would let pass."""
    environment = {"TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    assert "compiled" in run(HERE / "triton_compile.py", **environment)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_kernel_on_a_gpu_is_the_readable_tracer() -> None:
    check(run(HERE / "triton_scenes.py", "cuda", TRITON_INTERPRET="0"))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_a_gpu_and_the_cpu_see_the_same() -> None:
    import numpy as np

    from bokehbench.layers import Layer, Plane
    from bokehbench.optics import Aperture, Lens
    from bokehbench.synth.render import render_bokeh

    draw = np.random.Generator(np.random.Philox(2))
    far = np.ones((340, 340, 4), np.float32)
    far[..., :3] = draw.random((340, 340, 3))
    near = np.full((90, 90, 4), 0.5, np.float32)
    layers = [Layer(near, Plane(1e-4, 0.0, 0.8), 60, 50), Layer(far, Plane(0.0, 1e-4, 0.2), -42, -42)]
    lens = Lens(40.0, 0.45, aperture=Aperture(blades=7, cat_eye=0.5))
    cpu = render_bokeh(layers, lens, (256, 256), backend="torch")
    for backend in ("torch:cuda", "triton"):
        gpu = render_bokeh(layers, lens, (256, 256), backend=backend)
        np.testing.assert_allclose(gpu, cpu, atol=2e-4)
