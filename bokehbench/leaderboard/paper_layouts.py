"""The papers' tables: which cases, columns and claims each has. `layouts.py` names them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bokehbench.benchmarks.protocols import base_id
from bokehbench.errors import InputError
from bokehbench.leaderboard import layout_gains, layout_trends, layout_words
from bokehbench.leaderboard.collect import Collected
from bokehbench.leaderboard.layout_missing import (
    FIVE_LEVELS,
    known,
    missing_cases,
    missing_levels,
    missing_methods,
    missing_scores,
    missing_set,
    root_of,
    run_command,
    untrained_line,
)
from bokehbench.leaderboard.layout_parts import (
    NO_VALUE,
    NOT_RUN,
    NOT_TRAINED,
    PARTLY,
    SECONDS,
    SET,
    STALE,
    Part,
    Printed,
    levels,
    part,
    printed_of,
)
from bokehbench.leaderboard.layout_types import OURS, PRINTED, Grid, Head, Layout, Line, Missing, Shown, Trend
from bokehbench.leaderboard.reported import EVIDENCE, PAPERS, SAME_SCENES
from bokehbench.leaderboard.sentences import profiled_sentence, statistics_sentence
from bokehbench.leaderboard.sets import SetTable
from bokehbench.leaderboard.tables import part_of_set

LEVELS = ("L1", "L2", "L3", "L4", "L5")
BLB_SIZE = (1920, 1080)
BLB = layout_words.Standing("blb", BLB_SIZE, SAME_SCENES, cases=100, protocols=("gt-disparity",))
EBB400 = layout_words.Standing("ebb400", None, ("ebb400",), 400, ("bokehme-dpt", "bokehme-midas"))
VAL294 = layout_words.Standing("ebb-val294", None, ("ebb-val294",), cases=294, protocols=("bokehdiff",))
EBB400_LQ = layout_words.Standing("ebb400-lq", None, (), cases=400, protocols=("magicbokeh",))
PSNR, SSIM = Head("PSNR", "psnr", "PSNR"), Head("SSIM", "ssim", "SSIM")
TIME = Head("Time (s)", SECONDS, "time_s")
LPIPS = (
    Head("LPIPS, printed", "", "LPIPS"),
    Head("lpips-alex", "lpips-alex", "", "LPIPS"),
    Head("lpips-vgg", "lpips-vgg", "", "LPIPS"),
)
DISTS = Head("DISTS", "dists-256", "DISTS")
FULL_CR = ("bokehme", "scatter")
"""The whole of BokehMe, and its classical renderer, which the paper's gain is over."""
CORRUPTED = ("erode", "dilate", "blur")


def is_blb(board: Collected) -> bool:
    """Whether a board has BLB's levels with the true disparity."""
    name = board.benchmark
    return name.startswith("blb") and not name.endswith("-lq") and base_id(board.protocol) == board.protocol


# ------------------------------------------------------------------------------------------------- tables


def bokehme_1(board: Collected, sets: Sequence[SetTable] = ()) -> Layout:
    """Table 1 of BokehMe: blur levels side by side, each with PSNR, SSIM and seconds.

    Other sets with levels are laid out alike, without the paper's numbers.
    """
    blb, there = is_blb(board), levels(board)
    if base_id(board.protocol) != board.protocol:
        raise InputError(_unfit(board, "has another disparity map than the set's"))
    if len(there) < 2 and not blb:
        raise InputError(_unfit(board, "has a single blur level"))
    heads = (PSNR, SSIM, TIME)
    printed = {level: _printed("bokehme", "Table 1", "blb", level, blb) for level in there}
    beside = (layout_gains.NOISELESS,)
    parts = [part(level, board, heads, level=level, printed=printed[level], beside=beside) for level in there]
    words = [
        layout_words.standing(parts, BLB) if blb else f"{board.benchmark} is not BLB: ours alone.",
        layout_words.rests_on(parts),
        *(layout_words.order(one, head) for head in (PSNR, SSIM) for one in parts),
        layout_words.falls(parts, PSNR),
        layout_words.slowdown(parts, "time_s"),
        layout_gains.cases_without(parts, *FULL_CR) if blb else "",
    ]
    lacking = [*missing_levels(board, LEVELS), *layout_gains.missing_noiseless(parts, *FULL_CR)]
    layout = _layout(
        "bokehme-1",
        f"{_of(board)}, after Table 1 of BokehMe",
        parts,
        words,
        trends=[check(parts) for check in layout_trends.BOKEHME_1] if blb else (),
        missing=[*(lacking if blb else ()), *missing_cases(board)],
        gains=(PSNR, FULL_CR[1]) if blb else None,
        about=("bokehme", "blb"),
    )
    by_level = layout_gains.gain_by_level(parts, *FULL_CR) if blb else None
    return replace(layout, grids=(*layout.grids, by_level)) if by_level else layout


def bokehme_2(board: Collected, sets: Sequence[SetTable] = ()) -> Layout:
    """Table 2 of BokehMe: EBB400."""
    if board.benchmark != "ebb400" or base_id(board.protocol) != board.protocol:
        raise InputError(_unfit(board, "is not ebb400 with a disparity map of its own"))
    one = part("EBB400", board, (PSNR, SSIM), printed=_printed("bokehme", "Table 2", "ebb400", "all"))
    words = [
        layout_words.standing([one], EBB400),
        layout_words.rests_on([one]),
        *(layout_words.order(one, head) for head in (PSNR, SSIM)),
    ]
    title = f"{_of(board)}, after Table 2 of BokehMe"
    lacking = missing_cases(board)
    return _layout(
        "bokehme-2", title, [one], words, missing=lacking, gains=(PSNR, "vdslr"), about=("bokehme", "ebb400")
    )


def bokehdiff_1(board: Collected, sets: Sequence[SetTable] = ()) -> Layout:
    """BokehDiff's main table: EBB! Val294, or level 5 of BLB."""
    heads: tuple[Head, ...]
    if board.benchmark == "ebb-val294" and base_id(board.protocol) == board.protocol:
        heads, benchmark, level, name = (PSNR, SSIM, DISTS, *LPIPS), "ebb-val294", "all", "EBB! Val294"
        standing = VAL294
    elif is_blb(board) and "L5" in levels(board):
        heads, benchmark, level, name = (PSNR, SSIM, *LPIPS), "blb", "L5", "BLB level 5"
        standing = BLB
    else:
        raise InputError(_unfit(board, "is neither ebb-val294 nor BLB with level 5"))
    tables = ("main table", "issues 4 and 7")
    one = part(
        name,
        board,
        heads,
        level="L5" if level == "L5" else "",
        printed=printed_of("bokehdiff", tables, benchmark, level),
    )
    words = [
        layout_words.standing([one], standing),
        layout_words.rests_on([one]),
        *(layout_words.order(one, head) for head in heads if head.metric),
    ]
    other, protocol, having = ("ebb-val294", *VAL294.protocols, VAL294.same)
    if benchmark == "ebb-val294":
        other, protocol, having = ("blb-lite", *BLB.protocols, FIVE_LEVELS)
    methods = known(dict.fromkeys(line.ours for line in one.printed if line.ours))
    head = PSNR if benchmark == "ebb-val294" else LPIPS[2]
    return _layout(
        "bokehdiff-1",
        f"{_of(board)}, after the main table of BokehDiff",
        [one],
        words,
        missing=[
            missing_set(other, methods, root_of(board), protocol=protocol, sets=having),
            *missing_cases(board),
        ],
        gains=(head, "bokehme"),
        about=("bokehdiff", benchmark),
    )


def magicbokeh_1(board: Collected, sets: Sequence[SetTable] = ()) -> Layout:
    """Table 1 of MagicBokeh: low-quality input, restorers before a renderer."""
    if not board.benchmark.endswith("-lq") or base_id(board.protocol) != board.protocol:
        raise InputError(_unfit(board, "has no low-quality input (ebb400-lq, blb-mini-lq, layered-lq)"))
    judged = (Head("MUSIQ", "", "MUSIQ"), Head("MANIQA", "", "MANIQA"), Head("FID", f"{SET}fid", "FID"))
    heads = (PSNR, SSIM, *LPIPS, DISTS, *judged, TIME)
    printed = _printed("magicbokeh", "Table 1", "ebb400-lq", "all")
    one = part(board.benchmark, board, heads, printed=printed, sets=sets)
    words = [
        layout_words.standing([one], EBB400_LQ),
        layout_words.rests_on([one]),
        *(layout_words.order(one, head) for head in heads if head.metric and not layout_words.is_timed(head)),
    ]
    return _layout(
        "magicbokeh-1",
        f"{_of(board)}, after Table 1 of MagicBokeh",
        [one],
        words,
        missing=missing_cases(board),
        gains=(PSNR, "osediff+bokehme"),
        about=("magicbokeh", "ebb400-lq"),
    )


def bokehme_fig11(boards: Sequence[Collected]) -> Layout:
    """Figure 11 of BokehMe: one benchmark whose disparity map is dilated, eroded or blurred.

    Args:
        boards: of one benchmark and base protocol, the true map's among them or not.
    """
    by_track = {track: board for board in boards if (track := _track(board))}
    first = boards[0]
    if not is_blb(replace(first, protocol=base_id(first.protocol))):
        raise InputError(_unfit(first, "is not BLB with clean input"))
    if len(by_track) < 2 and "gt" not in by_track:
        raise InputError(_unfit(first, "has neither the true disparity map nor a corrupted one"))
    chosen = "L3" if all("L3" in levels(board) for board in by_track.values()) else ""
    parts = [part(track, by_track[track], (PSNR,), level=chosen) for track in _tracks() if track in by_track]
    methods = list(dict.fromkeys(key[0] for one in parts for key in one.board.runs))
    absent = [track for track in _tracks() if track not in by_track]
    base = by_track.get("gt", first)
    tracks = {
        f"not run: {', '.join(absent)}": (methods, absent),
        **_partly(parts, methods),
    }
    lacking = [
        Missing(what, run_command(base.benchmark, known(some), out=root_of(base), disparity=where))
        for what, (some, where) in tracks.items()
        if some and where
    ]
    sizes = ", ".join(f"{w} x {h}" for w, h in parts[0].sizes())
    words = [
        f"The paper has level 3 at {BLB_SIZE[0]} x {BLB_SIZE[1]}, and draws curves: it prints no numbers.",
        f"Here it is level 3 at {sizes}."
        if chosen
        else f"Here it is all levels at {sizes}, since not all tracks have level 3.",
        "A track's kernel is in pixels of these frames: on smaller frames it is a larger part of the picture."
        if any(w < BLB_SIZE[0] for w, _ in parts[0].sizes())
        else "",
        "PSNR alone does not say what a corrupted map does: dilation can raise it and still show at edges.",
        layout_words.rests_on(parts),
    ]
    layout = _layout(
        "bokehme-fig11",
        f"{_of(base)}{', level 3' if chosen else ''}, after Figure 11 of BokehMe",
        parts,
        words,
        trends=[check(parts) for check in layout_trends.FIG_11],
        missing=lacking,
    )
    change = _change(parts)
    return replace(layout, grids=(*layout.grids, change)) if change else layout


def _partly(parts: Sequence[Part], methods: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
    """What is lacking of tracks that some methods have: methods and tracks, by what is said of them."""
    without: dict[tuple[str, ...], list[str]] = {}
    for method in methods:
        where = tuple(one.name for one in parts if one.key(method, "psnr") is None)
        if where:
            without.setdefault(where, []).append(method)
    return {
        f"no psnr that counts of {', '.join(some)} on {', '.join(where)}": (some, list(where))
        for where, some in without.items()
    }


def _track(board: Collected) -> str:
    """`gt`, `dilate:3` ... of the kinds of the figure; empty for other tracks."""
    base = base_id(board.protocol)
    suffix = board.protocol.removeprefix(base).removeprefix("+")
    kind, _, amount = suffix.partition("-")
    return "gt" if not suffix else f"{kind}:{amount}" if kind in CORRUPTED else ""


def _tracks() -> list[str]:
    from bokehbench.benchmarks.tracks import LEVELS as AMOUNTS

    eroded = [f"erode:{amount}" for amount in reversed(AMOUNTS)]
    return [*eroded, "gt", *(f"{kind}:{amount}" for kind in ("dilate", "blur") for amount in AMOUNTS)]


def _change(parts: Sequence[Part]) -> Grid | None:
    """PSNR of each track less that of the true map, over the cases of both, of methods that have both."""
    true = next((one for one in parts if one.name == "gt"), None)
    if true is None or true.table is None or len(parts) < 2:
        return None
    others, rows = [one for one in parts if one is not true], []
    for row in true.table.rows:
        changes = [one.change(true, row.key, "psnr") for one in others]
        if not any(changes):
            continue
        cells = [
            layout_words.shown_difference(change, 2) if change else Shown(one.lacking(row.key))
            for one, change in zip(others, changes, strict=True)
        ]
        rows.append(Line(row.label, OURS, tuple(cells)))
    groups = tuple((one.name, ("PSNR",)) for one in others)
    return Grid("PSNR, change against the true disparity map", groups, tuple(rows))


# ---------------------------------------------------------------------------------------------- shared parts


def _printed(
    paper: str, table: str, benchmark: str, level: str, comparable: bool = True
) -> tuple[Printed, ...]:
    return printed_of(paper, (table,), benchmark, level) if comparable else ()


def _of(board: Collected) -> str:
    """Benchmark and protocol, and whether it is a part of the published set."""
    part = part_of_set(len(board.cases), board.whole)
    return ", ".join(filter(None, [f"{board.benchmark} ({board.protocol})", part]))


def _unfit(board: Collected, why: str) -> str:
    return f"{_of(board)} {why}"


def _layout(
    name: str,
    title: str,
    parts: Sequence[Part],
    words: Sequence[str],
    *,
    trends: Sequence[Trend] = (),
    missing: Sequence[Missing] = (),
    gains: tuple[Head, str] | None = None,
    about: tuple[str, str] | None = None,
) -> Layout:
    """A layout of these parts; `gains` are over a named method, `about` is the paper and its benchmark."""
    groups = tuple((one.name, tuple(head.name for head in one.heads)) for one in parts)
    grids = [Grid("", groups, tuple(_lines(parts)))]
    if gains is not None and (grid := layout_words.gains(parts, *gains)) is not None:
        grids.append(grid)
    elif gains is not None:
        head, baseline = gains
        words = [
            *words,
            f"No gains over {baseline}: that takes {head.name} of {baseline} and of another method of the "
            "paper, and these results lack it.",
        ]
    wanted = [one.ours for single in parts for one in single.printed if one.ours]
    if len({single.board.protocol for single in parts}) == 1:  # of several, what lacks tracks is said of each
        wanted += [method for method, _ in parts[0].board.runs]
    metrics = [head.metric for single in parts for head in single.heads if ":" not in head.metric]
    found = [*missing, *missing_methods(parts, wanted), *missing_scores(parts, filter(None, metrics))]
    notes = _notes(parts, about)
    return Layout(
        name, title, tuple(grids), tuple(filter(None, words)), tuple(trends), tuple(found), tuple(notes)
    )


def _lines(parts: Sequence[Part]) -> list[Line]:
    """The paper's methods in its order, ours above each; then ours that it has not, best first.

    Of ours that is not trained there is a row that says so.
    """
    labels = dict.fromkeys((one.label, one.ours) for single in parts for one in single.printed)
    ranked = [row.key for single in parts if single.table for row in single.table.rows]
    keys = list(dict.fromkeys([*ranked, *(key for single in parts for key in sorted(single.board.runs))]))
    lines, done = [], set()
    for label, ours in labels:
        for key in keys:
            if key[0] == ours and key not in done:
                done.add(key)
                lines.append(_line(parts, key))
        if all(key[0] != ours for key in keys) and (line := untrained_line(parts, ours)) is not None:
            lines.append(line)
        one = [next((p for p in single.printed if p.label == label), None) for single in parts]
        cells = [cell for single, p in zip(parts, one, strict=True) for cell in single.shown_printed(p)]
        lines.append(Line(label, PRINTED, tuple(cells)))
    return [*lines, *(_line(parts, key) for key in keys if key not in done)]


def _line(parts: Sequence[Part], key: tuple[str, str]) -> Line:
    rows = [row for single in parts if (row := single.row(key)) is not None]
    label = rows[0].label if rows else key[0]
    label += " (oracle)" if any(row.status == "oracle" for row in rows) else ""
    return Line(label, OURS, tuple(cell for single in parts for cell in single.shown(key)))


def _notes(parts: Sequence[Part], about: tuple[str, str] | None) -> list[str]:
    notes = []
    if about is not None:
        paper, benchmark = PAPERS[about[0]], about[1]
        printed = (one for single in parts for one in single.printed)
        for name, evidence in dict.fromkeys((one.table, one.evidence) for one in printed):
            said = "; ".join(filter(None, [EVIDENCE[evidence], paper.differences.get(benchmark, "")]))
            notes.append(f"Reported: {paper.title}, {name}; {said}.")
    table = next((single.table for single in parts if single.table is not None), None)
    if table is not None:
        notes.append(statistics_sentence(table))
        if any(head.metric == SECONDS for single in parts for head in single.heads):
            time = "Time is the median over the images, on the devices named in results.csv. "
            notes.append((time + profiled_sentence(table)).strip())
    used = {cell.text for line in _lines(parts) for cell in line.cells}
    meanings = {
        NOT_RUN: "no result of these cases",
        NOT_TRAINED: "there are no weights yet, nor a result",
        PARTLY: "some of these cases have no result",
        STALE: "made by what is another version today",
        NO_VALUE: "rendered, but without a number of this metric",
    }
    words = "; ".join(f"{word} means {meaning}" for word, meaning in meanings.items() if word in used)
    return [*notes, *([f"In cells: {words}."] if words else [])]
