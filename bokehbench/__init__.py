"""bokehbench: training data, renderers and leaderboards for lens-blur research."""

__version__ = "0.1.0"
