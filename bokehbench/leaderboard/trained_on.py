"""What a method was trained on, by its card, and whether a benchmark's pictures are among it.

A card is the JSON that `bokehbench train` writes beside the weights, or one that the publisher of a method
writes; of it is read:

    trained_on   a sentence; of our own cards it is made from `data`
    benchmarks   names of benchmarks whose cases were trained on
    assets       names of all that was trained on, as `bokehbench.benchmarks.assets` has them
    zero_shot    {"compared_with": {benchmark: number of assets}}: nothing in common was found while training
                 {"not_compared": {benchmark: why}}: by a stream, which does not list its drawings
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bokehbench import records, weights
from bokehbench.benchmarks.assets import assets_of
from bokehbench.benchmarks.locate import Opened
from bokehbench.errors import BokehbenchError, InputError
from bokehbench.leaderboard.results import Result
from bokehbench.registry import MethodSpec, StageSpec

FILE = Path("_about") / "training.json"
"""Beside the predictions."""
SCHEMA = "bokehbench.trained_on/2"
UNKNOWN = "unknown: no card says it"


@dataclass(frozen=True)
class Verdict:
    """What is known.

    Attributes:
        trained_on: a sentence; empty for a method without weights, which learns nothing.
        against: of one benchmark: what is shared with it, or that it is not known; empty where no
            benchmark is meant.
        shared: whether anything is; None where it is not known.
    """

    trained_on: str
    against: str = ""
    shared: bool | None = None

    @property
    def sentence(self) -> str:
        """`trained on: ...; shares no asset with ...`."""
        if not self.trained_on:
            return "trained on: nothing, it has no weights"
        return f"trained on: {'; '.join(filter(None, [self.trained_on, self.against]))}"


NOTHING = Verdict("", "", False)
"""Of what does not learn."""


def card_of(spec: StageSpec) -> dict[str, Any]:
    """The card of a method's weights, of two stages the last one's; empty where there is none."""
    spec = spec.stages[-1]
    path = spec.card_path() or _beside_the_weights(spec)
    if path is None or not path.is_file():
        return {}
    content = records.read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: not the card of a method's weights; it has to be a JSON object")
    lists = [content.get(name, []) for name in ("benchmarks", "assets")]
    compared = content.get("zero_shot", {})
    compared = compared.get("compared_with", {}) if isinstance(compared, dict) else None
    if not all(isinstance(x, list) and all(isinstance(name, str) for name in x) for x in lists):
        raise InputError(f"{path}: benchmarks and assets of a card are lists of names")
    if not isinstance(compared, dict) or not all(isinstance(n, int) for n in compared.values()):
        raise InputError(f"{path}: zero_shot.compared_with of a card gives benchmarks numbers of assets")
    return content


def _beside_the_weights(spec: StageSpec) -> Path | None:
    for wanted in spec.weights_wanted()[:1]:
        with contextlib.suppress(BokehbenchError):
            return weights.require(wanted).with_suffix(".json")
    return None


def judge(spec: StageSpec, benchmark: str = "", assets: set[str] | None = None) -> Verdict:
    """Compare a method's training with a benchmark; of two stages, that of each.

    Args:
        spec: the method.
        benchmark: name; empty to say only what it was trained on.
        assets: of the benchmark; None where they were not looked at.
    """
    if len(spec.stages) > 1:
        return _of_all([(stage.name, judge(stage, benchmark, assets)) for stage in spec.stages])
    card = card_of(spec)
    if not card:
        learns = bool(spec.weights) or spec.category == "neural"
        return Verdict(UNKNOWN) if learns else NOTHING
    trained_on = " ".join(str(card.get("trained_on") or _of_data(card.get("data"))).split()) or UNKNOWN
    if not benchmark:
        return Verdict(trained_on)
    if benchmark in card.get("benchmarks", ()):
        return Verdict(trained_on, f"CASES OF {benchmark} ARE AMONG IT", True)
    declared = card.get("assets", ())
    if declared and assets:
        common = sorted(set(declared) & assets)
        if common:
            said = f"SHARES {len(common)} of {len(assets)} assets with {benchmark}, {common[0]} first"
            return Verdict(trained_on, said, True)
        return Verdict(trained_on, f"shares no asset with {benchmark} ({len(assets)} compared)", False)
    compared = card.get("zero_shot", {}).get("compared_with", {}).get(benchmark, 0)
    if compared:
        said = f"shares no asset with {benchmark} ({compared} compared while training)"
        return Verdict(trained_on, said, False)
    # Nothing was compared: that is not the same as nothing in common.
    why = f", since {benchmark} has none to compare" if declared and assets is not None else ""
    why = why or ("" if declared else ", since its card declares none")
    noted = card.get("zero_shot", {}).get("not_compared")
    if isinstance(noted, dict) and noted.get(benchmark):
        why = f": {noted[benchmark]}"
    return Verdict(trained_on, f"whether it shares assets with {benchmark} is unknown{why}")


def _of_all(stages: Sequence[tuple[str, Verdict]]) -> Verdict:
    """What is known of several stages: as bad as the worst."""
    learnt = [(name, verdict) for name, verdict in stages if verdict.trained_on]
    if not learnt:
        return NOTHING
    verdicts = [verdict for _, verdict in learnt]
    shared = True if any(one.shared for one in verdicts) else None
    if all(one.shared is False for one in verdicts):
        shared = False
    return Verdict(
        "; ".join(f"{name}: {verdict.trained_on}" for name, verdict in learnt),
        "; ".join(f"{name} {verdict.against}" for name, verdict in learnt if verdict.against),
        shared,
    )


def _of_data(data: Any) -> str:
    """A sentence on the data of one of our own trainings."""
    if not isinstance(data, Mapping):
        return ""
    parts = [str(data.get("kind") or "data")]
    if data.get("recipe"):
        parts.append(f"of recipe {data['recipe']}")
    if data.get("root_seed") is not None:
        parts.append(f"from seed {data['root_seed']}")
    size = [f"{data[name]} {name}" for name in ("scenes", "photographs") if data.get(name)]
    return " ".join(parts) + (f" ({', '.join(size)})" if size else "")


# ------------------------------------------------------------------------------------------ in results


def note(spec: MethodSpec, result: Result, opened: Opened, data: str) -> None:
    """Write what is known of a method's training beside its results, once for each state of the benchmark.

    Args:
        spec: the method; without weights nothing is written.
        result: any of its results on the benchmark.
        opened: the benchmark, whose files are hashed if the card lists what was trained on.
        data: hash over the data of all cases.
    """
    path = result.folder / FILE
    cards = [card_of(stage) for stage in spec.stages if stage.weights or stage.card]
    if not any(cards):
        return
    card = cards[0] if cards[1:] == [] else cards
    made_from = {"schema": SCHEMA, "card": records.sha256_json(card), "data": data}
    with contextlib.suppress(InputError):
        if made_from.items() <= records.read_json(path).items():
            return
    assets = assets_of(opened.benchmark.root) if any(one.get("assets") for one in cards) else None
    found = judge(spec, opened.spec.name, assets)
    known = {"trained_on": found.trained_on, "against": found.against, "shared": found.shared}
    records.write_json(path, {**made_from, **known})


def of_results(results: Sequence[Result], spec: MethodSpec | None, benchmark: str) -> Verdict:
    """What is known of the training behind a row: as noted beside its results, else as the card says."""
    for path in dict.fromkeys(result.folder / FILE for result in results):
        with contextlib.suppress(InputError, KeyError, TypeError):
            content = records.read_json(path)
            if content["schema"] != SCHEMA:
                continue  # judged by other rules
            return Verdict(content["trained_on"], content["against"], content["shared"])
    if spec is None:
        return Verdict(UNKNOWN)
    with contextlib.suppress(BokehbenchError):
        return judge(spec, benchmark)
    return Verdict(UNKNOWN)
