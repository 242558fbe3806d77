"""The proof of the geometry, and that planar depth is exact."""

import numpy as np
import pytest

from bokehbench.blender import prove
from bokehbench.images import read_exr

pytestmark = pytest.mark.blender
pytest.importorskip("bpy", reason="needs the [blender] extra")


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    out = tmp_path_factory.mktemp("lights")
    return out / prove.SCENE, prove.prove(out, foci=(0, 2), spp=128, views=prove.VIEWS[:1])


def test_blur_radius_is_K_times_disparity_difference_on_and_off_axis(stack):
    _, radii = stack
    clear = [r for r in radii if r.predicted >= 0.5]
    assert (
        len(clear) >= 12
        and max(r.predicted for r in clear) > 8
        and {r.off_axis > 100 for r in clear} == {True, False}
    )
    for radius in clear:
        assert abs(radius.error) <= max(0.15, 0.015 * radius.predicted), radius
    # Below half a pixel the root magnifies the noise of the moment: only that there is no blur to speak of.
    assert all(r.measured < 0.5 for r in radii if r.predicted < 0.3)


def test_depth_is_planar_and_free_of_noise(stack):
    folder, radii = stack
    channels = read_exr(folder / "depth.exr")
    assert set(channels) == {"R", "G", "B"}
    assert all((pixels == channels["R"]).all() for pixels in channels.values())
    found = np.unique(channels["R"])
    # As distances along rays, the corner lights would be 3.6 % farther.
    known = [*sorted({r.depth for r in radii}), 65504.0]
    assert all(np.abs(found / z - 1).min() < 1e-5 for z in known)
    assert all(np.abs(np.array(known) / z - 1).min() < 1e-5 for z in found)
