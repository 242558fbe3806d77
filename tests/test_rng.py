"""Claims about named streams."""

from __future__ import annotations

from bokehbench.rng import stream


def test_streams_are_keyed_by_what_they_are_for() -> None:
    draw = stream(7, 3, "lens").random(4)
    assert (stream(7, 3, "lens").random(4) == draw).all()
    for other in (stream(8, 3, "lens"), stream(7, 4, "lens"), stream(7, 3, "focus"), stream(7, 3, "lens", 1)):
        assert not (other.random(4) == draw).any()
