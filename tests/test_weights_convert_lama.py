"""Claims about LaMa's released files: their generator arrives, whatever form it has; no others do."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import lama_fakes as fakes
import pytest
import torch
from safetensors.torch import load_file

from bokehbench.errors import InputError
from bokehbench.weights_convert import fits
from bokehbench.weights_convert.convert import Converted, Limits, convert


@pytest.fixture
def network(monkeypatch: pytest.MonkeyPatch) -> Any:
    fakes.shrink(monkeypatch)
    return fakes.network()


def converted(source: Path) -> Converted:
    out = source.with_suffix(".safetensors")
    return convert("lama", source, out, Limits(60, 512), fits.MODELS["lama"])


def test_both_files_become_what_spandrel_knows(network: Any, tmp_path: Path) -> None:
    wanted = network.state_dict()
    theirs = {name.replace("model.", "generator.", 1): tensor for name, tensor in wanted.items()}
    trained = {"epoch": 3, "state_dict": {**theirs, "discriminator.model0.0.bias": torch.zeros(4)}}
    torch.save(trained, tmp_path / "best.ckpt")
    for source in (fakes.script(network, tmp_path / "big-lama.pt"), tmp_path / "best.ckpt"):
        made = converted(source)
        found = load_file(made.path)
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[name], tensor) for name, tensor in wanted.items())
    assert made.report["left_out"] == {"the rest": "1 tensors of other networks"}


def test_the_program_of_an_archive_is_not_even_read(network: Any, tmp_path: Path) -> None:
    source, odd = fakes.script(network, tmp_path / "big-lama.pt"), tmp_path / "odd.pt"
    with zipfile.ZipFile(source) as opened, zipfile.ZipFile(odd, "w") as target:
        for entry in opened.infolist():
            is_program = "/code/" in entry.filename or entry.filename.endswith("/constants.pkl")
            target.writestr(entry.filename, b"cos\nabort\n)R." if is_program else opened.read(entry))
    assert converted(odd).sha256 == converted(source).sha256


def test_another_network_is_refused(network: Any, tmp_path: Path) -> None:
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(InputError, match="no checkpoint of LaMa"):
        converted(tmp_path / "other.pt")
    part = {name: tensor for name, tensor in network.state_dict().items() if "bn_g" not in name}
    torch.save(part, tmp_path / "part.pt")
    with pytest.raises(InputError, match=r"not those of LaMa: \d+ missing"):
        converted(tmp_path / "part.pt")
    assert not list(tmp_path.glob("*.safetensors"))
