"""The authors' files, emulated at a tiny size: every key is accounted for, in every spelling there is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from bokehdiff_tiny import write_folder
from safetensors.torch import save_file

from bokehbench import weights as weight_files
from bokehbench.baselines.bokehdiff import base as bases
from bokehbench.baselines.bokehdiff import build, weights
from bokehbench.baselines.bokehdiff.pisa.scene import Scene
from bokehbench.baselines.bokehdiff.pisa.settings import PisaSettings
from bokehbench.baselines.bokehdiff.renderer import render_picture
from bokehbench.cases import Inputs
from bokehbench.errors import InputError
from bokehbench.optics import Lens

RANK = 3


class World:
    """A prepared base, and a trained model whose LoRA and VAE the authors' files are made of."""

    def __init__(self, home):
        self.home = home
        bases.prepare(str(write_folder(home / "base")), None, home)
        paths = {name: home / name for name in bases.FILES}
        torch.manual_seed(1)
        self.model = build.on_base(
            bases.read_prepared(paths), RANK, settings=PisaSettings(compat=True)
        ).eval()
        with torch.no_grad():
            for parameter in [*self.model.trained_unet().values(), *self.model.trained_vae().values()]:
                parameter.add_(0.1 * torch.randn_like(parameter))

    def lora(self) -> dict[str, torch.Tensor]:
        """As diffusers writes one: attention with lora.down and lora.up, everything else as peft has it."""
        from diffusers.utils import convert_state_dict_to_diffusers
        from peft.utils import get_peft_model_state_dict

        state = convert_state_dict_to_diffusers(get_peft_model_state_dict(self.model.unet))
        return {f"unet.{name}": tensor.contiguous() for name, tensor in state.items()}

    def vae(self) -> dict[str, torch.Tensor]:
        return {name: parameter.detach().clone() for name, parameter in self.model.trained_vae().items()}

    def load(self, lora=None, vae=None):
        save_file(lora or self.lora(), self.home / weights.OFFICIAL_LORA)
        torch.save(vae or self.vae(), self.home / weights.OFFICIAL_VAE)
        return weights.load(weights.OFFICIAL)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(tmp_path_factory.mktemp("official"))


@pytest.fixture(autouse=True)
def found(world, monkeypatch):
    monkeypatch.setenv(weight_files.FILE_VARIABLE, "")
    monkeypatch.setenv(weight_files.FOLDER_VARIABLE, str(world.home))


def test_the_files_make_the_model_that_they_were_made_of(world):
    lora = world.lora()
    assert any(".lora.down." in name for name in lora) and any(".lora_A." in name for name in lora)
    model = world.load(lora)
    own = world.model.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in model.state_dict().items())
    assert model.processor.settings.compat and not model.training
    z = torch.randn(1, 4, 8, 8)
    scene = Scene(torch.rand(1, 1, 16, 16), 5.0 * torch.rand(1, 1, 16, 16))
    with torch.no_grad():
        assert torch.allclose(model.noise(z, scene), world.model.noise(z, scene), atol=1e-6)


def test_a_picture_goes_through_them_in_square_tiles(world):
    model = world.load()
    model.layout = replace(model.layout, tile_px=32)
    random = np.random.default_rng(0)
    disparity = random.random((41, 59), np.float32)
    case = Inputs("case", 1.5 * random.random((41, 59, 3), np.float32), disparity, Lens(600.0, 0.5))
    made = render_picture(model, case, compat=True)
    assert made.shape == (41, 59, 3) and np.isfinite(made).all()
    assert not np.array_equal(made, render_picture(model, replace(case, lens=Lens(0.0, 0.5)), compat=True))


@pytest.mark.parametrize(
    "spell",
    [
        lambda name: name.removeprefix("unet."),
        lambda name: "base_model.model." + name.removeprefix("unet."),
        lambda name: name.replace(".lora_A.", ".lora.down.").replace(".lora_B.", ".lora.up."),
        lambda name: name.replace(".lora.down.", ".lora_down.").replace(".lora.up.", ".lora_up."),
        lambda name: name.replace(".lora.down.", ".lora_A.default.").replace(".lora.up.", ".lora_B.default."),
    ],
)
def test_every_spelling_is_the_same_lora(world, spell):
    plain = weights.official_lora(world.lora(), world.home)
    respelled = weights.official_lora({spell(n): t for n, t in world.lora().items()}, world.home)
    assert plain.keys() == respelled.keys()
    assert {f"unet.{name}" for name in plain} | {f"vae.{n}" for n in world.vae()} == {
        *world.model.trained_state()
    }


def test_missing_and_surplus_tensors_of_the_lora_are_named(world):
    lora = world.lora()
    name = next(name for name in lora if "conv1" in name)
    ours = name.removeprefix("unet.").replace(".", r"\.")
    with pytest.raises(InputError, match=rf"{weights.OFFICIAL_LORA}: .*1 missing \({ours}\)"):
        world.load({n: t for n, t in lora.items() if n != name})
    with pytest.raises(InputError, match=r"1 left over \(conv_in\.lora_A\.weight\)"):
        world.load({**lora, "unet.conv_in.lora_A.weight": torch.zeros(RANK, 4, 3, 3)})
    with pytest.raises(InputError, match=r"unet\.conv_in\.bias is no tensor of a LoRA"):
        world.load({**lora, "unet.conv_in.bias": torch.zeros(8)})


def test_a_scale_other_than_one_is_refused(world):
    name = next(name for name in world.lora() if name.endswith("conv1.lora_A.weight"))
    alpha = name.replace(".lora_A.weight", ".alpha")
    weights.official_lora({**world.lora(), alpha: torch.tensor(float(RANK))}, world.home)
    with pytest.raises(InputError, match="alpha 8"):
        weights.official_lora({**world.lora(), alpha: torch.tensor(8.0)}, world.home)


def test_a_vae_file_may_be_whole_or_the_trained_part(world):
    whole = world.model.vae.state_dict()
    own = world.load(vae={"state_dict": whole}).vae.state_dict()
    assert all(torch.equal(tensor, own[name]) for name, tensor in whole.items())
    path = world.home / weights.OFFICIAL_VAE
    for changed, said in (
        ({n: t for n, t in world.vae().items() if n != "encoder.conv_in.bias"}, "1 missing .encoder.conv_in"),
        ({**world.vae(), "encoder.other": torch.zeros(1)}, "1 left over .encoder.other"),
        ({"epoch": 3}, "no dictionary of tensors"),
    ):
        torch.save(changed, path)
        with pytest.raises(InputError, match=said):
            weights.official_vae(path, whole)


def test_a_pickle_that_would_run_something_is_not_loaded(world):
    class Program:
        def __reduce__(self):
            return print, ("run",)

    path = world.home / weights.OFFICIAL_VAE
    torch.save({"encoder.conv_in.weight": Program()}, path)
    with pytest.raises(InputError, match="cannot be read as weights"):
        weights.official_vae(path, world.model.vae.state_dict())
