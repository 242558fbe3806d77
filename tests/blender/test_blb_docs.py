"""docs/blb.md names what there is."""

import re
from pathlib import Path

from bokehbench.blender import plan, sets
from bokehbench.blender.catalogue import SCENES
from bokehbench.commands import blb

PAGE = (Path(__file__).parents[2] / "docs" / "blb.md").read_text()


def test_every_scene_and_every_set_is_on_the_page():
    listed = {info.name for info in SCENES.values() if info.listed}
    assert listed <= set(re.findall(r"^\| `(\w+)` \|", PAGE, re.M))
    assert all(f"| `{name}` |" in PAGE for name in sets.SETS)


def test_options_on_the_page_exist_and_devices_are_those_that_are_tried():
    known = {o for command in blb.blb.commands.values() for p in command.params for o in p.opts}
    said = set(re.findall(r"`?(--[a-z][a-z-]+)", PAGE)) - {"--benchmark", "--method"}
    assert said <= known
    device = next(p for p in blb.render.params if p.name == "device")
    assert tuple(device.type.choices) == plan.DEVICES
