"""What methods are trained on: their own units, against their own formulas."""

import numpy as np
import pytest
import torch

from bokehbench.errors import ConfigError
from bokehbench.synth.training import BokehDiffCollate, BokehMeCollate, MagicBokehCollate
from bokehbench.synth.training.collators import error_map
from bokehbench.synth.truth import boundary, boundary_maps


@pytest.fixture(scope="module")
def batch():
    rng = np.random.default_rng(3)
    K, focus, gamma = np.array([30.0, 7.0, 0.0]), np.array([0.2, 0.6, 0.5]), np.array([1.0, 2.2, 5.0])
    labels = rng.integers(0, 2, (3, 9, 11)).repeat(3, axis=1).repeat(3, axis=2)
    disparity = np.where(labels == 0, 0.8, 0.1).astype(np.float32) + 0.05 * rng.random(
        labels.shape, np.float32
    )
    maps = [boundary_maps(label, disp, 3) for label, disp in zip(labels, disparity, strict=True)]
    errors = [boundary.error_map(disparity[i], *maps[i], float(K[i]), float(focus[i])) for i in range(3)]
    images = {
        key: torch.from_numpy(rng.random((3, 3, *labels.shape[1:]), np.float32))
        for key in ("aif", "bokeh", "lq")
    }
    return {
        **images,
        "disp": torch.from_numpy(disparity)[:, None],
        "bdist": torch.from_numpy(np.stack([distance for distance, _ in maps])),
        "bdisp": torch.from_numpy(np.stack([other for _, other in maps])),
        "error_map": torch.from_numpy(np.stack(errors))[:, None],
        **{
            name: torch.tensor(v, dtype=torch.float32)
            for name, v in (("K", K), ("disp_focus", focus), ("gamma", gamma))
        },
    }


def without(batch, *keys):
    return {key: value for key, value in batch.items() if key not in keys}


def test_error_map_in_torch_is_the_one_in_numpy(batch):
    found = error_map(batch["disp"], batch["bdist"], batch["bdisp"], batch["K"], batch["disp_focus"])
    torch.testing.assert_close(found, batch["error_map"], atol=1e-5, rtol=0)
    assert not found[2].any() and found[0].max() > 0.9


def test_bokehme_clips_signed_defocus_and_normalises_gamma(batch):
    made = BokehMeCollate()(batch)
    S = batch["K"][:, None, None, None] * (batch["disp"] - batch["disp_focus"][:, None, None, None])
    torch.testing.assert_close(made["defocus"], S.clamp(-12, 12) / 10)
    assert made["defocus"][0].max() == pytest.approx(1.2) and made["defocus"][0].min() < 0
    assert [made["gamma"][i].unique().item() for i in range(3)] == pytest.approx([0.0, 0.3, 1.0])
    assert torch.equal(made["image"], batch["aif"]) and torch.equal(made["target"], batch["bokeh"])
    torch.testing.assert_close(BokehMeCollate(unit=12.0)(batch)["defocus"], S.clamp(-12, 12) / 12)
    from_maps = BokehMeCollate()(without(batch, "error_map"))["error"]
    torch.testing.assert_close(from_maps, made["error"], atol=1e-5, rtol=0)


def test_bokehme_is_shown_corrupted_disparity_but_judged_by_the_true_one(batch):
    shown = BokehMeCollate()({**batch, "disp_pred": torch.full_like(batch["disp"], 0.2)})
    assert not shown["defocus"][0].any()
    assert torch.equal(shown["error"], batch["error_map"])


def test_bokehdiff_gets_disparity_and_radius_in_tens_of_pixels(batch):
    made = BokehDiffCollate()(batch)
    distance = (batch["disp"] - batch["disp_focus"][:, None, None, None]).abs()
    torch.testing.assert_close(made["distance"], distance)
    torch.testing.assert_close(made["K"], batch["K"] / 10)
    torch.testing.assert_close(made["disp_coc"][:, :1], batch["disp"])
    torch.testing.assert_close(made["disp_coc"][:, 1:], batch["K"][:, None, None, None] * distance / 10)
    torch.testing.assert_close(made["image"], batch["aif"] * 2 - 1)
    assert made["target"].min() < 0


def test_magicbokeh_has_two_views_of_one_sample(batch):
    made = MagicBokehCollate()(batch)
    radius = (
        batch["K"][:, None, None, None] * (batch["disp"] - batch["disp_focus"][:, None, None, None]).abs()
    )
    torch.testing.assert_close(made["condition"], 2 * radius / 32 - 1)
    assert torch.equal(made["focus_mask"], (radius / 32 <= 0.1).float())
    assert 0.0 < made["focus_mask"].mean() < 1.0
    torch.testing.assert_close(made["target"], 2 * batch["bokeh"] - 1)
    restored = MagicBokehCollate(phase="sr")(without(batch, "bokeh"))
    assert (restored["condition"] == -1).all() and (restored["focus_mask"] == 1).all()
    torch.testing.assert_close(restored["target"], 2 * batch["aif"] - 1)
    torch.testing.assert_close(restored["lq"], made["lq"])


def test_what_is_missing_is_named(batch):
    for collate, key in (
        (BokehMeCollate(), "bokeh"),
        (BokehDiffCollate(), "disp"),
        (MagicBokehCollate(), "lq"),
        (MagicBokehCollate("sr"), "aif"),
    ):
        with pytest.raises(ConfigError, match=f"is trained on '{key}': make the data with keys="):
            collate(without(batch, key))
    with pytest.raises(ConfigError, match="is trained on 'error_map'"):
        BokehMeCollate()(without(batch, "error_map", "bdist"))
    with pytest.raises(ConfigError, match="lq at the size of its target"):
        MagicBokehCollate()({**batch, "lq": batch["lq"][..., ::4, ::4]})
    with pytest.raises(ConfigError, match="phase must be bokeh or sr"):
        MagicBokehCollate("both")
