"""`bokehbench synth assets`: what layers are made of, and how to make more of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bokehbench.commands import options


@click.group()
def assets() -> None:
    """List, check, draw, render and generate what layers are made of."""


@assets.command("list")
def list_() -> None:
    """List the drawn kinds and the shipped photographs."""
    from bokehbench.synth.assets.catalogue import BACKGROUNDS, FOREGROUNDS
    from bokehbench.synth.assets.photographs import SHIPPED

    for title, kinds in (("foregrounds", FOREGROUNDS), ("backgrounds", BACKGROUNDS)):
        click.echo(f"{title} (drawn):")
        for name, kind in kinds.items():
            click.echo(f"  {name:<14}{kind.category:<12}{kind.summary()}")
    click.echo("backgrounds (kind photograph, shipped with scikit-image):")
    for name, shipped in SHIPPED.items():
        size = f"{shipped.size[0]}x{shipped.size[1]}"
        click.echo(f"  {name:<14}{shipped.category:<12}{size}, {shipped.licence}")


@assets.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--as",
    "role",
    type=click.Choice(["fg", "bg"]),
    default="fg",
    show_default=True,
    help="What the pictures are for.",
)
@click.option("--size", metavar="WxH", help="Backgrounds must fill this, enlarged 1.5 times at most.")
@click.option("--sharp-min", type=float, default=0.0, help="Refuse backgrounds that are less sharp.")
@click.option("--allow-opaque", is_flag=True, help="Take foregrounds without transparency.")
@click.option("--report", type=click.Path(path_type=Path), help="JSON lines to write, one a file.")
def scan(
    folder: Path, role: str, size: str | None, sharp_min: float, allow_opaque: bool, report: Path | None
) -> None:
    """Look at every picture of FOLDER; name those that cannot be used, with a code and the reason."""
    from bokehbench.synth.assets.folder import scan as scan_folder
    from bokehbench.synth.assets.folder import write_report

    found = scan_folder(
        folder,
        "foreground" if role == "fg" else "background",
        frame=options.parse_size(size) if size else None,
        sharp_min=sharp_min,
        allow_opaque=allow_opaque,
    )
    for _, code, message in found.rejected:
        click.echo(message if code in message else f"{message} [{code}]")
    for asset in found.assets:
        for note in asset.notes:
            click.echo(f"{folder / asset.path}: {note.message} [{note.code}]")
    if report is not None:
        write_report([found], report)
    click.echo(f"{folder}: {len(found.assets)} usable, {len(found.rejected)} not")


@assets.command()
@click.option("--out", type=click.Path(path_type=Path), required=True, help="PNG to write.")
@click.option("--kind", "kinds", multiple=True, metavar="NAME", help="Only this kind (repeatable).")
@click.option("--seeds", type=click.IntRange(1, 20), default=2, show_default=True, help="Drawings a kind.")
@click.option("--thumb", type=click.IntRange(64, 2048), default=320, show_default=True, help="Pixels a side.")
def sheet(out: Path, kinds: tuple[str, ...], seeds: int, thumb: int) -> None:
    """Draw every kind onto a contact sheet."""
    from bokehbench.synth.assets.sheet import write_asset_sheet

    names = write_asset_sheet(out, kinds=kinds, seeds=seeds, thumb=thumb)
    click.echo(f"{out}: {len(names)} kinds, {seeds} of each")


@assets.command()
@click.option(
    "--prompts",
    default="builtin",
    show_default=True,
    metavar="FILE|builtin",
    help="One prompt a line, or YAML categories.",
)
@click.option("--count", type=int, default=16, show_default=True, help="Accepted pictures wanted.")
@click.option("--most", type=int, help="Candidates at most; default four a picture.")
@click.option("--seed", type=int, default=7, show_default=True, help="Root of all random numbers.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the pictures (usable with --fg).")
@click.option("--plan", is_flag=True, help="Only say what is needed, and print the first prompts.")
@click.option("--model", help="SDXL in diffusers' layout: OWNER/NAME[@REVISION] or a folder.")
@click.option("--lora", help="LayerDiffuse's LoRA or offsets: OWNER/NAME[@REVISION]:FILE, a file, or none.")
@click.option("--decoder", help="LayerDiffuse's transparent decoder: OWNER/NAME[@REVISION]:FILE or a file.")
@click.option("--vae", default="", help="Another VAE (an fp16-safe one): OWNER/NAME[@REVISION] or a folder.")
@click.option("--size", default="1024x1024", show_default=True, help="Multiples of 64.")
@click.option("--steps", type=int, default=25, show_default=True, help="Of the diffusion.")
@click.option("--guidance", type=float, default=7.0, show_default=True, help="Classifier-free guidance.")
@click.option(
    "--scheduler",
    type=click.Choice(["dpm++2m", "dpm++2m-sde", "euler-a"]),
    default="dpm++2m",
    show_default=True,
)
@click.option("--tta", type=int, default=8, show_default=True, help="Passes of the decoder: 8, 4 or 1.")
@click.option("--batch", type=int, default=1, show_default=True, help="Pictures at a time.")
@click.option("--device", help="cuda where there is one, else cpu.")
@click.option("--dtype", help="float16 on cuda, float32 on the CPU; or bfloat16.")
@click.option("--licence", default="", help="Of the results, for the sidecars; else the model cards' words.")
@click.option(
    "--keep-rejected", type=click.Path(path_type=Path), help="Folder for rejected pictures (outside --out)."
)
def t2i(**given: Any) -> None:
    """Generate cut-outs from text: LayerDiffuse on SDXL, filtered; weights come from a folder or the cache.

    Nothing is downloaded: what is missing is named with the command that fetches it. The same command goes
    on where it was stopped.
    """
    from bokehbench.errors import ConfigError
    from bokehbench.synth.assets.t2i import weights
    from bokehbench.synth.assets.t2i.taxonomy import load_taxonomy

    taxonomy = load_taxonomy(given["prompts"])
    parts = weights.Weights.parse(
        given["model"] or weights.MODEL,
        given["lora"] or weights.LORA,
        given["decoder"] or weights.DECODER,
        given["vae"],
    )
    if given["plan"]:
        for line in parts.plan():
            click.echo(line)
        click.echo(f"{taxonomy.combinations()} subjects with adjective and state; the first prompts:")
        for index in range(min(given["count"], 8)):
            prompt = taxonomy.prompt(given["seed"], index)
            click.echo(f"  {index} ({prompt.category}): {prompt.text}")
        return
    if given["out"] is None:
        raise ConfigError("give --out DIR, or --plan")
    _generate(taxonomy, parts, given)


def _generate(taxonomy: Any, parts: Any, given: dict[str, Any]) -> None:
    """Find the weights, then make what is missing."""
    from bokehbench.synth.assets.t2i.collect import Order, collect

    found = parts.require()
    import torch

    from bokehbench.synth.assets.t2i.pipeline import Generator, Sampling

    device = given["device"] or ("cuda" if torch.cuda.is_available() else "cpu")
    sampling = Sampling(
        size=options.parse_size(given["size"]),
        steps=given["steps"],
        guidance=given["guidance"],
        scheduler=given["scheduler"],
        tta=given["tta"],
        dtype=given["dtype"] or ("float16" if device.startswith("cuda") else "float32"),
        batch=given["batch"],
    )
    order = Order(
        taxonomy=taxonomy,
        seed=given["seed"],
        count=given["count"],
        most=4 * given["count"] if given["most"] is None else given["most"],
        sampling=sampling,
        parts=tuple(part.to_json(part.hashes(sampling.dtype)) for part in found.values()),
        licence=given["licence"],
        rejected=given["keep_rejected"],
    )
    out = given["out"]
    report = collect(order, out, lambda: Generator(found, sampling, device))
    shares = ", ".join(f"{name} {count}" for name, count in report.categories.items())
    click.echo(
        f"{out}: {report.accepted} accepted ({shares or 'none'}), {report.rejected} rejected "
        f"({out / 'rejected.jsonl'} says why), {report.made} made now"
    )
    if report.accepted < order.count:
        click.echo(
            f"{order.most} candidates gave {report.accepted} of {order.count} pictures; more with --most",
            err=True,
        )


@assets.command()
@click.option("--kind", type=click.Choice(["fur", "wicker", "chain"]), required=True, help="What to render.")
@click.option("--count", type=int, default=12, show_default=True, help="Cut-outs in all.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of content and sampling noise.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder, for synth build --fg.")
@click.option("--size", "side", type=int, default=1024, show_default=True, help="Side of the square, pixels.")
@click.option("--samples", type=int, default=96, show_default=True, help="Per pixel; nothing is denoised.")
def blender(kind: str, count: int, seed: int, out: Path, side: int, samples: int) -> None:
    """Render cut-outs in Blender, with exact alpha; the same command goes on after an interruption."""
    from bokehbench.blender.assets import render_assets

    done = render_assets(kind, count, out, seed=seed, side=side, spp=samples)
    click.echo(f"{out}: {done.total} of {kind}, {len(done.rendered)} rendered now")
