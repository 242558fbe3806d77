import sys
from types import SimpleNamespace

import numpy as np
import pytest

from bokehbench import images, photograph, registry
from bokehbench.errors import BadImage, ConfigError, InputError, JobFailed
from bokehbench.optics import Lens


def test_sample_is_the_motorcycle_with_its_holes_filled():
    sample = photograph.load_sample("motorcycle")
    assert sample.size == (741, 500) and sample.filled == 27_226 and sample.notes == ()
    assert np.isfinite(sample.disparity).all()
    assert sample.disparity.min() == 0.0 and sample.disparity.max() == 1.0
    # The headlight is near, the wall behind the bench far.
    assert (
        photograph.focus_at(sample.disparity, 540, 155)
        > 0.9
        > 0.1
        > photograph.focus_at(sample.disparity, 90, 130)
    )


def test_unknown_sample_is_refused():
    with pytest.raises(ConfigError, match="no such sample"):
        photograph.load_sample("bicycle")


def test_map_of_another_size_is_fitted_with_a_note_and_of_another_shape_refused(tmp_path):
    ramp = np.linspace(0, 1, 40, dtype=np.float32)[None].repeat(20, 0)
    images.write_png(tmp_path / "photo.png", np.random.default_rng(0).random((40, 80, 3)))
    images.write_disparity(tmp_path / "map.png", ramp)
    images.write_disparity(tmp_path / "turned.png", ramp.T)
    loaded = photograph.load(str(tmp_path / "photo.png"), str(tmp_path / "map.png"))
    assert loaded.disparity.shape == (40, 80) and "40x20 to 80x40" in loaded.notes[0]
    assert (np.diff(loaded.disparity, axis=1) >= 0).all()
    with pytest.raises(BadImage, match="E_DISPARITY"):
        photograph.load(str(tmp_path / "photo.png"), str(tmp_path / "turned.png"))


def test_focus_is_robust_to_single_pixels_and_stays_inside():
    disparity = np.full((9, 9), 0.4, np.float32)
    disparity[4, 4] = 1.0
    assert photograph.focus_at(disparity, 4, 4) == pytest.approx(0.4)
    assert photograph.focus_at(disparity, 0, 8) == pytest.approx(0.4)
    for x, y in ((9, 0), (0, -1)):
        with pytest.raises(ConfigError, match="outside"):
            photograph.focus_at(disparity, x, y)


def test_refocus_with_any_method_and_its_options():
    image = np.random.default_rng(0).random((12, 16, 3), np.float32)
    disparity = np.linspace(0, 1, 16, dtype=np.float32)[None].repeat(12, 0)
    lens = Lens(3.0, 0.5)
    assert np.array_equal(photograph.refocus(image, disparity, "identity", lens), image)
    plain = photograph.refocus(image, disparity, "scatter", lens)
    boosted = photograph.refocus(image, disparity, "scatter", lens, {"highlight_boost": 2.0})
    assert plain.shape == image.shape and boosted.mean() > plain.mean()
    with pytest.raises(ConfigError, match="no option sharpness; it has highlight_boost, donut"):
        photograph.refocus(image, disparity, "scatter", lens, {"sharpness": 1})
    with pytest.raises(ConfigError, match="unknown method"):
        photograph.refocus(image, disparity, "scater", lens)
    with pytest.raises(InputError, match=r"\[H, W\]"):
        photograph.refocus(image, disparity[:5], "scatter", lens)


def _returning(make):
    """An implementation whose render returns `make(image)`."""
    return lambda: SimpleNamespace(render=lambda inputs: make(inputs.image))


def _fails(image):
    raise TypeError("two\nlines")


@pytest.mark.parametrize(
    ("implementation", "words"),
    [
        (_returning(_fails), "^broken: TypeError: two lines$"),
        (_returning(lambda image: image[:-1]), r"^broken: returned \(3, 6, 3\)"),
        (_returning(lambda image: image * np.nan), "^broken: returned NaN"),
        (_returning(lambda image: None), "^broken: "),
        (lambda: 1 / 0, "^broken: ZeroDivisionError"),
        (None, "^broken: TypeError"),
    ],
)
def test_a_broken_method_is_one_line_with_its_name(monkeypatch, implementation, words):
    monkeypatch.setitem(sys.modules, "broken_method", SimpleNamespace(make=implementation))
    spec = registry.MethodSpec(name="broken", summary="", implementation="broken_method:make")
    monkeypatch.setattr(photograph, "get", lambda kind, name: spec)
    with pytest.raises(JobFailed, match=words):
        photograph.refocus(np.ones((4, 6, 3), np.float32), np.ones((4, 6)), "broken", Lens(1.0, 0.5))


@pytest.mark.parametrize("implementation", ["no_such_module:make", "bokehbench.optics:make", "nonsense"])
def test_a_method_that_cannot_be_imported_is_one_line(monkeypatch, implementation):
    spec = registry.MethodSpec(name="gone", summary="", implementation=implementation)
    monkeypatch.setattr(photograph, "get", lambda kind, name: spec)
    with pytest.raises(JobFailed, match=r"^gone: \w+Error: [^\n]+$"):
        photograph.prepare("gone", {})


@pytest.mark.parametrize(("method", "option"), [("vdslr", "rounds"), ("scatter", "highlight_boost")])
def test_option_of_a_wrong_type_is_a_config_error(method, option):
    with pytest.raises(ConfigError, match=f"^{method} cannot take {option}=abc: TypeError"):
        photograph.prepare(method, {option: "abc"})
