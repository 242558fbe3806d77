"""From results folders to a blind study: a folder to hand out, and the key that stays."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bokehbench import records, rng
from bokehbench.errors import ConfigError, InputError
from bokehbench.study import models, stimuli
from bokehbench.study.design import MAX_PICTURES, Design
from bokehbench.study.models import Key, Picture, Study, StudyCase, Trial
from bokehbench.study.order import plan, subject_hash
from bokehbench.study.pictures import Names, Shown, focus_notes, that_can_be_asked, write_pictures

CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are mistaken for each other."""
STATIC = ("study.css", "study.js")


@dataclass(frozen=True)
class Built:
    """What `build` made.

    Attributes:
        page: the index.html.
        key: the key file.
        hash: of the study.
        methods: labels in the order of reports.
        cases: shown.
        trials: questions in all.
        asked: questions that a participant gets, repeats included.
        codes: of the participants, where they were given out.
        notes: what was left out.
    """

    page: Path
    key: Path
    hash: str
    methods: tuple[str, ...]
    cases: int
    trials: int
    asked: int
    codes: tuple[str, ...]
    notes: tuple[str, ...]


def build(roots: Sequence[Path], out: Path, design: Design, key: Path | None = None) -> Built:
    """Write the page OUT and its key; the same results, design and seed give the same bytes.

    Args:
        roots: results folders that `run` filled; no scores and no ground truth are needed.
        out: the folder to hand out; must not exist, or be empty.
        design: the options.
        key: where the key goes; `OUT.key.json` beside the folder unless said.

    Raises:
        InputError: no results, nothing in common, or something in the way.
        ConfigError: an option out of range.
    """
    key = key or out.with_name(f"{out.name}.key.json")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise InputError(f"{out}: is there already; a study is never changed, choose another --out")
    criteria = design.rated()  # says what is wrong with the options before any picture is read
    selection = stimuli.select(
        roots,
        methods=design.methods,
        benchmarks=design.benchmarks,
        protocols=design.protocols,
        levels=design.levels,
        also=design.also,
        count=design.cases,
        seed=design.seed,
    )
    groups = _groups(selection.labels, design)
    codes = _codes(design)
    with _whole_folder(out) as part:
        names = Names(design.seed)
        every = [Shown(case, names, design) for case in selection.cases]
        notes = selection.notes + focus_notes(every, design, criteria)
        shown = that_can_be_asked(every, criteria)
        if not shown:
            raise InputError(f"{'; '.join(notes)}: no question is left; name other --criteria")
        if len(shown) < len(every):
            notes.append(
                f"{len(every) - len(shown)} of {len(every)} cases are not shown: nothing else is asked"
            )
        files = write_pictures(part, shown, design)
        trials = _trials(shown, groups, design.seed)
        study = _study(design, criteria, trials, codes, files)
        _write_page(part, study)
        content = _key(study, design, selection.labels, shown, codes, notes)
        _write_key(key, content)
    asked = len(plan(study, codes[0] if codes else "A"))
    return Built(
        page=out / "index.html",
        key=key,
        hash=study.hash,
        methods=tuple(selection.labels),
        cases=len(shown),
        trials=len(trials),
        asked=asked,
        codes=codes,
        notes=tuple(notes),
    )


# ------------------------------------------------------------------------------------------- the design


def _groups(labels: Sequence[str], design: Design) -> list[tuple[str, ...]]:
    """Which methods stand together in a question."""
    if design.kind == "rating":
        return [(label,) for label in labels]
    if len(labels) < 2:
        raise ConfigError(
            f"--kind {design.kind} compares methods; these results offer {', '.join(labels)} only"
        )
    if design.kind == "pairwise":
        return list(itertools.combinations(labels, 2))
    if len(labels) > MAX_PICTURES:
        raise ConfigError(
            f"--kind best-of-n shows at most {MAX_PICTURES} pictures, not {len(labels)}; name fewer "
            "with --method"
        )
    return [tuple(labels)]


def _codes(design: Design) -> tuple[str, ...]:
    """Codes of the participants, no two with one hash."""
    draw = rng.stream(design.seed, 0, "study.codes")
    codes: dict[int, str] = {}
    while len(codes) < design.subjects:
        code = "".join(CODE_LETTERS[i] for i in draw.integers(0, len(CODE_LETTERS), 6))
        codes.setdefault(subject_hash(code), code)
    return tuple(codes.values())


def deal(trials: int, subjects: int, each: int, seed: int) -> tuple[tuple[int, ...], ...]:
    """Give every subject `each` different trials; how often two trials are asked differs by one at most."""
    draw = rng.stream(seed, 0, "study.deal")
    used = np.zeros(trials, np.int64)
    rows = []
    for _ in range(subjects):
        row = np.lexsort((draw.permutation(trials), used))[:each]
        used[row] += 1
        rows.append(tuple(sorted(int(number) for number in row)))
    return tuple(rows)


def _trials(shown: Sequence[Shown], groups: Sequence[tuple[str, ...]], seed: int) -> tuple[Trial, ...]:
    """Every case with every group, in an order and under names that tell nothing."""
    pairs = list(itertools.product(shown, groups))
    order = rng.stream(seed, 0, "study.trials").permutation(len(pairs))
    trials = []
    for number, index in enumerate(order):
        case, group = pairs[index]
        pictures = tuple(sorted(case.names[label] for label in group))
        trials.append(
            Trial(
                id=f"t{number + 1}",
                input=case.names["_input"],
                pictures=pictures,
                size=case.size,
                focus=case.focus,
                disparity=case.names.get("_disparity"),
            )
        )
    return tuple(trials)


def _study(
    design: Design,
    criteria: tuple[models.Criterion, ...],
    trials: tuple[Trial, ...],
    codes: Sequence[str],
    files: dict[str, str],
) -> Study:
    each = design.each if design.each is not None and design.each < len(trials) else None
    asked = each or len(trials)
    if design.repeats > (asked + 1) // 2:
        raise ConfigError(
            f"--repeats {design.repeats}: at most half of a participant's {asked} questions can be repeated"
        )
    return Study(
        kind=design.kind,
        title=design.title,
        question=design.asked(),
        scale=design.rating_scale(),
        criteria=criteria,
        ties=design.ties and design.kind == "pairwise",
        consent=design.consent,
        repeats=design.repeats,
        break_every=design.break_every,
        each=each,
        subjects=tuple(subject_hash(code) for code in codes),
        assigned=deal(len(trials), len(codes), each, design.seed) if each and codes else (),
        trials=trials,
        files=files,
    ).with_hash()


def _key(
    study: Study,
    design: Design,
    labels: Sequence[str],
    shown: Sequence[Shown],
    codes: tuple[str, ...],
    notes: Sequence[str],
) -> Key:
    pictures = {}
    for number, case in enumerate(shown):
        for label, candidate in case.case.candidates.items():
            made_by, weights = stimuli.made_by(candidate)
            pictures[case.names[label]] = Picture(
                case=number,
                label=label,
                made_by=made_by,
                weights=weights,
                prediction=records.sha256_file(candidate.path),
            )
    cases = tuple(
        StudyCase(benchmark=c.at.benchmark, protocol=c.at.protocol, case=c.case, scene=c.scene, level=c.level)
        for c in (one.case for one in shown)
    )
    return Key(
        study=study.hash,
        seed=design.seed,
        methods=tuple(labels),
        cases=cases,
        pictures=pictures,
        codes=codes,
        notes=tuple(notes),
    )


# --------------------------------------------------------------------------------------------- the files


@contextlib.contextmanager
def _whole_folder(out: Path) -> Iterator[Path]:
    """A folder beside OUT that becomes OUT when the block ends without an error."""
    out.parent.mkdir(parents=True, exist_ok=True)
    for left in out.parent.glob(f"{out.name}.part-*"):
        owner = left.name.rpartition("-")[2]
        if owner.isdigit() and not records.is_living(int(owner)):
            shutil.rmtree(left, ignore_errors=True)
    part = out.with_name(f"{out.name}.part-{records.machine()}-{os.getpid()}")
    part.mkdir()
    try:
        yield part
        if out.is_dir():
            out.rmdir()
        part.rename(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _write_page(part: Path, study: Study) -> None:
    """The page without a word of what researchers know: `study.js` shows what `data.js` holds."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("bokehbench.study"), autoescape=True, undefined=StrictUndefined
    )
    html = environment.get_template("index.html").render(title=study.title)
    source = Path(__file__).parent / "templates"
    for name in STATIC:
        records.write_bytes(part / "assets" / name, (source / name).read_bytes())
    content: dict[str, Any] = study.model_dump(mode="json", by_alias=True)
    data = json.dumps(content, sort_keys=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
    records.write_text(part / models.DATA, f"{models.DATA_BEFORE}{data}{models.DATA_AFTER}")
    records.write_text(part / "index.html", html)


def _write_key(path: Path, key: Key) -> None:
    content = key.model_dump(mode="json", by_alias=True)
    if path.exists() and records.read_json(path) != content:
        raise InputError(f"{path}: is the key of another study, which would be lost; choose another --key")
    records.write_json(path, content)
