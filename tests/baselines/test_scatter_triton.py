"""The Triton form of scatter against the readable one: interpreted, compiled, and on a GPU."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from script_process import run

from bokehbench.errors import Unavailable

HERE = Path(__file__).parent


def check(printed: str) -> None:
    """Images to 1e-4, the rounding of float32 beside lamps of 60 times white; dilated maps exactly."""
    worst = json.loads(printed)
    assert set(worst) == {"disc", "ring", "pentagon donut", "heart"}
    for name, (blurred, dilated) in worst.items():
        assert blurred <= 1e-4 and dilated == 0.0, (name, worst)


def test_the_kernel_interpreted_is_the_reference() -> None:
    check(run(HERE / "scatter_triton_scenes.py", "cpu", TRITON_INTERPRET="1"))


@pytest.mark.skipif(sys.platform != "linux", reason="Triton compiles on Linux only")
def test_the_kernel_compiles_for_a_gpu(tmp_path: Path) -> None:
    """To PTX, without a GPU: types and control flow that the interpreter would let pass."""
    environment = {"TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    assert "compiled" in run(HERE / "scatter_triton_compile.py", **environment)


@pytest.mark.skipif(sys.platform != "linux", reason="Triton comes with PyTorch on Linux only")
def test_tensors_off_a_gpu_are_one_clear_line() -> None:
    from bokehbench.baselines.scatter.triton_kernel import INTERPRETED, scatter_triton

    if INTERPRETED:
        pytest.skip("kernels are interpreted here")
    with pytest.raises(Unavailable, match="take device 'cpu'"):
        scatter_triton(torch.zeros(1, 3, 4, 4), torch.zeros(1, 1, 4, 4))


@pytest.mark.gpu
def test_the_kernel_on_a_gpu_is_the_reference_and_repeats_to_the_bit() -> None:
    from bokehbench.baselines.scatter.triton_kernel import scatter_triton

    check(run(HERE / "scatter_triton_scenes.py", "cuda", TRITON_INTERPRET="0"))
    draw = torch.Generator().manual_seed(1)
    light = torch.rand(2, 3, 200, 300, generator=draw).cuda()
    defocus = (torch.rand(2, 1, 200, 300, generator=draw) * 40 - 20).cuda()
    once, again = scatter_triton(light, defocus), scatter_triton(light, defocus)
    assert all(map(torch.equal, once, again))
