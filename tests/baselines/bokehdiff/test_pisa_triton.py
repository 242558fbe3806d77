"""The Triton form of PISA against the reference: interpreted, compiled, and on a GPU."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import torch
from script_process import run

from bokehbench.baselines.bokehdiff.pisa.attention import pisa
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.errors import Unavailable

HERE = Path(__file__).parent


def check(printed: str) -> None:
    """Outputs and gradients to the rounding of their precision, of the largest one."""
    worst = json.loads(printed)
    assert len(worst) == 4
    for name, error in worst.items():
        assert error <= (3e-3 if "half" in name else 1e-5), (name, error)


@pytest.mark.skipif(sys.platform != "linux", reason="Triton comes with PyTorch on Linux only")
def test_the_kernels_interpreted_are_the_reference() -> None:
    check(run(HERE / "pisa_triton_scenes.py", "cpu", TRITON_INTERPRET="1"))


@pytest.mark.skipif(sys.platform != "linux", reason="Triton compiles on Linux only")
def test_the_kernels_compile_for_a_gpu(tmp_path: Path) -> None:
    """To PTX, without a GPU: types and control flow that the interpreter would let pass."""
    environment = {"TRITON_CACHE_DIR": str(tmp_path), "TRITON_INTERPRET": "0"}
    assert "compiled" in run(HERE / "pisa_triton_compile.py", **environment)


@pytest.mark.skipif(sys.platform != "linux", reason="Triton comes with PyTorch on Linux only")
def test_tensors_off_a_gpu_are_one_clear_line() -> None:
    maps, token = torch.zeros(1, 1, 8, 8), torch.zeros(1, 1, 4, 2)
    with pytest.raises(Unavailable, match="take form='auto' or 'blocked'"):
        pisa(token, token, token, Scene(maps, maps), (2, 2), PisaSettings(form="triton"), 3.0)


@pytest.mark.gpu
def test_on_a_gpu_it_is_the_reference_and_repeats_to_the_bit() -> None:
    check(run(HERE / "pisa_triton_scenes.py", "cuda", TRITON_INTERPRET="0"))
    draw = torch.Generator().manual_seed(0)
    parts = [torch.randn(1, 10, 1024, 64, generator=draw).cuda() for _ in range(3)]
    disparity = torch.rand(1, 1, 512, 512, generator=draw).cuda()
    scene = Scene(disparity, 60 * disparity)
    once, again = (pisa(*parts, scene, (32, 32), PisaSettings(), 1e7) for _ in range(2))
    assert torch.equal(once, again)
