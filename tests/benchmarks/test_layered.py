"""The layered benchmark: what a method sees is what was stored, and the true layers make the target."""

import numpy as np
import pytest

from bokehbench.benchmarks.layered import Layered, level_of
from bokehbench.benchmarks.protocols import protocol_of
from bokehbench.errors import InputError
from bokehbench.images import quantise
from bokehbench.optics import encode
from bokehbench.registry import BenchmarkSpec, get
from bokehbench.synth.config import bokehbench_v1, load_recipe
from bokehbench.synth.dataset import build, make_library, sample_keys
from bokehbench.synth.render import disparity_map, render_all_in_focus, render_bokeh
from bokehbench.synth.store.folder import read_meta

SIZE = (96, 64)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    settings = ("quality=draft", "optics.radius_at_512={loguniform: [8, 48]}", "optics.sharp_p=0.3")
    recipe = load_recipe(bokehbench_v1(), size=SIZE, assignments=settings)
    root = tmp_path_factory.mktemp("layered") / "set"
    build(recipe, make_library(recipe), count=8, root_seed=12, root=root)
    return root


def test_spec_names_the_class(root):
    spec = get(BenchmarkSpec, "layered")
    assert (protocol_of(spec).id, tuple(spec.oracles)) == ("gt-disparity@1", ("layers",))
    assert isinstance(spec.load()(root), Layered)


def test_cases_are_all_samples_that_blur(root):
    benchmark = Layered(root)
    infos = benchmark.cases()
    assert len(infos) + benchmark.left_out() == len(sample_keys(root)) == 8
    assert 0 < benchmark.left_out() < 8
    assert [info.key for info in infos] == sorted(info.key for info in infos)
    for info in infos:
        assert info.lens.K > 0.0 and info.key == f"{info.scene}_k0"
        radius = read_meta(root / "meta" / f"{info.scene}.json")["renders"][0]["radius_max"]
        assert info.level == level_of(radius)
    assert len({info.data for info in infos}) == len(infos)


@pytest.mark.parametrize(
    ("radius", "level"), [(0.1, "small"), (7.99, "small"), (8.0, "medium"), (20.0, "large"), (300.0, "large")]
)
def test_levels(radius, level):
    assert level_of(radius) == level


def test_true_layers_make_image_disparity_and_target(root):
    """The ceiling is exact: stored layers are bit for bit what was rendered."""
    benchmark = Layered(root)
    for info in benchmark.cases()[:3]:
        case = benchmark.load(info)
        quality = read_meta(root / "meta" / f"{info.scene}.json")["renders"][0]["quality"]
        bokeh = render_bokeh(case.layers, info.lens, SIZE, quality=quality)[..., :3]
        np.testing.assert_array_equal(quantise(encode(bokeh, info.lens.gamma)), quantise(case.target))
        sharp = render_all_in_focus(case.layers, SIZE)[..., :3]
        np.testing.assert_array_equal(quantise(encode(sharp, info.lens.gamma)), quantise(case.inputs.image))
        np.testing.assert_allclose(disparity_map(case.layers, SIZE), case.inputs.disparity, atol=1e-5)


def test_what_a_method_sees(root):
    info = Layered(root).cases()[0]
    case = Layered(root).load(info)
    inputs = case.inputs
    assert inputs.image.shape == case.target.shape == (SIZE[1], SIZE[0], 3)
    assert inputs.disparity.shape == (SIZE[1], SIZE[0]) and inputs.disparity.dtype == np.float32
    assert inputs.layers is None and inputs.lens == info.lens
    assert inputs.disparity.min() >= 0.0 and inputs.disparity.max() <= 1.0


def test_changed_and_missing_files_are_refused(root, tmp_path):
    import shutil

    copy = tmp_path / "set"
    shutil.copytree(root, copy)
    benchmark = Layered(copy)
    first, second = benchmark.cases()[:2]
    (copy / "aif" / f"{first.scene}.png").write_bytes((copy / "aif" / f"{second.scene}.png").read_bytes())
    with pytest.raises(InputError, match="changed"):
        benchmark.load(first)
    (copy / "layers" / f"{second.scene}_0.exr").unlink()
    with pytest.raises(InputError, match="missing"):
        benchmark.load(second)


def test_a_folder_that_is_no_such_set(tmp_path):
    with pytest.raises(InputError, match="synth build"):
        Layered(tmp_path).cases()
    (tmp_path / "dataset.json").write_text("{}")
    with pytest.raises(InputError, match="not the record"):
        Layered(tmp_path).cases()
