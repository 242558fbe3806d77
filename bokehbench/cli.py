"""The command line: a click group that imports a command's module only when that command runs."""

from __future__ import annotations

import importlib
import sys
import warnings
from typing import Any

import click

from bokehbench import __version__
from bokehbench.errors import BokehbenchError

COMMANDS = {
    # name: (module:attribute, help)
    "demo": ("demo:demo", "Run the whole line once, small: synthesize, render, score, page."),
    "synth": ("synth:synth", "Build ray-traced layered training pairs."),
    "blb": ("blb:blb", "Render BLB scenes in Blender."),
    "degrade": ("degrade:degrade", "Make low-quality twins of pictures and folders."),
    "train": ("train:train", "Train the networks whose weights come with the package."),
    "render": ("render:render", "Refocus one photograph, or sweep over focus or aperture."),
    "depth": ("depth:depth", "Predict disparity and saliency of pictures."),
    "run": ("run:run", "Run methods on benchmarks."),
    "calibrate": ("calibrate:calibrate", "Find the factor of K that a method needs."),
    "smoke": ("smoke:smoke", "Check that methods do what any renderer must."),
    "evaluate": ("evaluate:evaluate", "Score the predictions of a results folder."),
    "weights": ("weights:weights", "Files of weights: list, look for, verify, import, fetch, convert."),
    "external": ("external:external", "The authors' own repositories: list, show, check their recipes."),
    "leaderboard": ("leaderboard:leaderboard", "Write tables and the page."),
    "compare": ("compare:compare", "Paired differences of two result sets, methods or dates."),
    "verify": ("verify:verify", "Render stored predictions again and compare."),
    "study": ("study:study", "Ask people which blur is better: a blind page, and its report."),
    "list": ("catalogue:list_", "List methods, benchmarks, protocols, metrics, recipes, depth models."),
    "describe": ("catalogue:describe", "Say what a name stands for."),
    "doctor": ("doctor:doctor", "Say what this machine has, what is missing, how to get it."),
}


class LazyGroup(click.Group):
    """A group whose commands are named in `COMMANDS` and imported on use."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names in the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(f"bokehbench.commands.{module}"), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of `--help`, from the table above: no command is imported for it."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="bokehbench")
def cli() -> None:
    """Generate training pairs, run all methods on a benchmark, compare metrics tables."""


def _say(message: Warning | str, category: type[Warning], *where: Any, **others: Any) -> None:
    """Our own warnings are for users: one line, without the place in the code."""
    if issubclass(category, UserWarning):
        click.echo("warning: " + " ".join(str(message).split()), err=True)


def main(arguments: list[str] | None = None) -> None:
    """Entry point: errors are one line on stderr and exit code 2, Ctrl-C is 130."""
    warnings.showwarning = _say
    try:
        code = cli.main(args=arguments, prog_name="bokehbench", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = 2
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}".replace("\n", " "), err=True)
        code = 2
    except BokehbenchError as error:
        click.echo("error: " + " ".join(str(error).split()), err=True)
        code = 2
    except OSError as error:
        # A folder that cannot be written, a full disk: the system says what, the name says where.
        click.echo(f"error: {error.filename or 'input/output'}: {error.strerror or error}", err=True)
        code = 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
