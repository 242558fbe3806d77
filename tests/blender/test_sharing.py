"""What is missing is shared out whole: between shards, between processes; and how long it takes."""

import numpy as np
import pytest

from bokehbench.blender import driver, estimate, stack
from bokehbench.blender.requests import scene_requests
from bokehbench.errors import ConfigError
from bokehbench.optics import SKY_DEPTH

REQUESTS = scene_requests(["thicket", "night_street"], levels=(0, 4), foci=(0, 4, 9), spp=8)
ALL = {(request.scene, name) for request in REQUESTS for name in request.images()}


def images(shares):
    return [(share.request.scene, name) for share in shares for name in share.images]


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 20])
def test_shards_cover_every_image_once(parts, tmp_path):
    found = [
        pair for i in range(parts) for pair in images(driver.missing_work(REQUESTS, tmp_path, (i, parts)))
    ]
    assert len(found) == len(set(found)) and set(found) == ALL


@pytest.mark.parametrize("ray", [None, "local"])
@pytest.mark.parametrize("workers", [1, 2, 5])
def test_images_that_share_rays_stay_together_and_none_is_lost(workers, ray, tmp_path):
    shared = scene_requests(["thicket"], levels=(0, 4), foci=(0, 4, 9), quality=40.0)
    pieces = driver._pieces(driver.missing_work(shared, tmp_path), driver.Means(workers=workers, ray=ray))
    assert [piece.images for piece in pieces] == [tuple(shared[0].images())]
    pieces = driver._pieces(driver.missing_work(REQUESTS, tmp_path), driver.Means(workers=workers, ray=ray))
    assert sorted(images(pieces)) == sorted(ALL)


@pytest.mark.parametrize("means", [driver.Means(), driver.Means(workers=2), driver.Means(workers=5)])
def test_processes_share_the_work_and_few_of_them_build_a_scene(means, tmp_path):
    pieces = driver._pieces(driver.missing_work(REQUESTS, tmp_path), means)
    assert sorted(images(pieces)) == sorted(ALL)
    assert len(pieces) >= min(means.workers, 2)
    if means.workers == 1:
        assert len(pieces) == len(REQUESTS)


def test_the_bar_ends_where_the_images_end_however_many_samples_they_took(tmp_path):
    work = driver.missing_work(REQUESTS, tmp_path)
    steps = []
    bar = driver._Bar(work, steps.append)
    for index, share in enumerate(work):
        for name in share.images:
            for _ in range(30):
                bar.heed(index, {"event": "samples", "count": 3})
            assert sum(steps) < sum(bar.done) + 1
            bar.heed(index, {"event": "image", "name": name, "device": "CPU"})
    assert sum(steps) == pytest.approx(len(ALL)) and min(steps) >= 0.0


def test_an_estimate_is_linear_in_pixels_and_samples(tmp_path):
    probe = {"start": 5.0, "pixels": 1000, "renders": [(4, 2e-3 * 1000 + 4e-4 * 4 * 1000), (16, 8.4)]}
    rate = estimate.Rate.of(probe)
    assert (rate.start, rate.pixel, rate.sample) == pytest.approx((5.0, 2e-3, 4e-4))
    small, large = (
        driver.missing_work(scene_requests(["thicket"], size, levels=(0,), foci=(0,), spp=8), tmp_path)[0]
        for size in ((100, 50), (200, 100))
    )
    assert rate.seconds(small) == pytest.approx(5.0 + 5000 * (2 * 2e-3 + 16 * 4e-4))
    assert rate.seconds(large) - 5.0 == pytest.approx(4 * (rate.seconds(small) - 5.0))
    # Too little to be worth timing: no Blender is started.
    assert estimate.seconds([small], driver.Means()) is None


@pytest.mark.parametrize("seconds, words", [(0.2, "1 s"), (80, "80 s"), (2520, "42 min"), (12600, "3.5 h")])
def test_an_estimate_is_said_in_the_unit_that_fits(seconds, words):
    assert estimate.in_words(seconds) == words


def test_two_processes_that_establish_a_stack_agree_on_the_first_and_images_are_kept(tmp_path):
    first = stack.establish(tmp_path, {"focus_distances": [4.0], "images": {}})
    assert stack.establish(tmp_path, {"focus_distances": [4.1], "images": {}}) == first
    stack.add_image(tmp_path, "image", {"sha256": "a"}, {"seconds": 1.0})
    stack.add_image(tmp_path, "bokeh_00_04", {"sha256": "b"}, {"seconds": 2.0})
    again = stack.establish(tmp_path, {"focus_distances": [4.0], "images": {}}, again=True)
    assert set(again["images"]) == {"image", "bokeh_00_04"}
    assert {p.name for p in tmp_path.iterdir()} == {"info.json", "info.timing.json"}


def test_fewer_bits_of_mantissa_err_by_at_most_half_a_step():
    light = np.concatenate([[0.0], np.geomspace(1e-3, 60000, 5000)]).astype(np.float32)
    for bits in (10, 7, 5):
        error = np.abs(stack.rounded(light, bits).astype(np.float64) - light)
        assert (error <= 2.0 ** -(bits + 1) * light * (1 + 2.0**-9) + 2.0**-11 * light).all()
        assert np.isfinite(stack.rounded(np.float32([SKY_DEPTH]), bits)).all()


def test_no_workers_are_refused():
    with pytest.raises(ConfigError, match="--workers"):
        driver.Means(workers=0)
