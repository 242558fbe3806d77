import numpy as np

from bokehbench.cases import Inputs
from bokehbench.optics import Lens
from bokehbench.registry import MethodSpec, get


def test_the_floor_is_the_input_whatever_the_lens():
    image = np.random.default_rng(0).random((4, 5, 3), np.float32) * 2
    inputs = Inputs("key", image, np.zeros((4, 5), np.float32), Lens(K=9.0, disp_focus=0.3))
    assert np.array_equal(get(MethodSpec, "identity").create().render(inputs), image)


def test_the_papers_name_finds_scatter():
    assert get(MethodSpec, "bokehme-cr") == get(MethodSpec, "scatter")


def test_every_renderer_says_where_it_comes_from():
    for name in ("scatter", "sterefo", "vdslr"):
        spec = get(MethodSpec, name)
        assert spec.paper and spec.paper_name and spec.notes and spec.category == "classical"
    assert get(MethodSpec, "identity").category == "floor"
