"""Training: stored sets and endless streams as tensors, rendering in batches, what each method wants."""

from bokehbench.synth.training.collators import BokehDiffCollate, BokehMeCollate, MagicBokehCollate
from bokehbench.synth.training.items import stack
from bokehbench.synth.training.loader import StreamLoader
from bokehbench.synth.training.order import EpochSampler
from bokehbench.synth.training.packs import ScenePack, SceneSource
from bokehbench.synth.training.render import PrefetchRender, RenderCollate
from bokehbench.synth.training.stored import SynthDataset
from bokehbench.synth.training.stream import Batches, Mix, SynthStream
from bokehbench.synth.training.window import Augment, Window

__all__ = [
    "Augment",
    "Batches",
    "BokehDiffCollate",
    "BokehMeCollate",
    "EpochSampler",
    "MagicBokehCollate",
    "Mix",
    "PrefetchRender",
    "RenderCollate",
    "ScenePack",
    "SceneSource",
    "StreamLoader",
    "SynthDataset",
    "SynthStream",
    "Window",
    "stack",
]
