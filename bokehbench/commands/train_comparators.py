"""`bokehbench train` of the neural comparators."""

from __future__ import annotations

from typing import Any

import click

from bokehbench.commands.train_options import asked, common, report, start


@click.command()
@common("compact, paper, or a YAML file.", ("network",))
@start
def deepfocus(**options: Any) -> None:
    """DeepFocus's network, for deepfocus and deepfocus-dagger (docs/neural-comparators.md)."""
    from bokehbench.training.comparators.methods import DeepFocus
    from bokehbench.training.comparators.settings import load_deepfocus
    from bokehbench.training.comparators.train import Request, train

    comparator = DeepFocus()
    own = asked(options, load_deepfocus, comparator.stages)
    report(options["out"], train(Request(**own, comparator=comparator)), "no weights yet")


@click.command()
@common("compact, paper, or a YAML file.", ("network",))
@start
def deeplens(**options: Any) -> None:
    """A DeepLens-style renderer (docs/neural-comparators.md)."""
    from bokehbench.training.comparators.methods import DeepLens
    from bokehbench.training.comparators.settings import load_deeplens
    from bokehbench.training.comparators.train import Request, train

    comparator = DeepLens()
    own = asked(options, load_deeplens, comparator.stages)
    report(options["out"], train(Request(**own, comparator=comparator)), "no weights yet")


@click.command()
@common("compact, paper, or a YAML file.", ("mpinet", "aupnet"))
@start
def mpib(**options: Any) -> None:
    """MPIB's MPINet and AUPNet (docs/neural-comparators.md)."""
    from bokehbench.training.comparators.mpib import MPIB
    from bokehbench.training.comparators.settings import load_mpib
    from bokehbench.training.comparators.train import Request, train

    comparator = MPIB()
    own = asked(options, load_mpib, comparator.stages)
    report(options["out"], train(Request(**own, comparator=comparator)), "no weights of both networks yet")
