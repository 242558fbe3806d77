"""What the page shows of papers' layouts and of crops: the contents of `_layouts.html` and `_crops.html`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bokehbench.leaderboard.crops import Crop
from bokehbench.leaderboard.layout_export import row_label, trend_sentence
from bokehbench.leaderboard.layout_types import PRINTED, Layout
from bokehbench.leaderboard.page_compare import link
from bokehbench.leaderboard.pictures import ASSETS, crop_image, thumbnail


def layout_view(layout: Layout) -> dict[str, Any]:
    """One layout; `starts` are the columns that begin a group."""
    return {
        "title": layout.title,
        "grids": [
            {
                "title": grid.title,
                "of": grid.of,
                "groups": [(name, len(heads)) for name, heads in grid.groups],
                "heads": [head for _, heads in grid.groups for head in heads],
                "rows": [(row_label(line), line.kind == PRINTED, line.cells) for line in grid.rows],
            }
            for grid in layout.grids
        ],
        "findings": layout.findings,
        "trends": [(trend.verdict, trend_sentence(trend)) for trend in layout.trends],
        "missing": layout.missing,
        "notes": layout.notes,
    }


def crop_views(crops: Sequence[Crop]) -> Iterator[dict[str, Any]]:
    """Crops with the addresses of their pictures, and a link to the whole ones."""
    for crop in crops:
        width, height = crop.size
        box = crop.box
        left, top = 100 * box.x / width, 100 * box.y / height
        place = f"left:{left:.2f}%;top:{top:.2f}%;width:{100 * box.width / width:.2f}%"
        methods = [one.label for one in crop.pictures if one.note]
        yield {
            "benchmark": crop.benchmark,
            "protocol": crop.protocol,
            "case": crop.case,
            "where": str(crop.box),
            "reason": crop.reason,
            "automatic": crop.automatic,
            "absent": ", ".join(crop.absent),
            "thumb": f"{ASSETS}/{thumbnail(crop.target)}",
            "place": f"{place};height:{100 * box.height / height:.2f}%",
            # Room for what is loaded late, so that nothing moves.
            "whole": {"width": width, "height": height},
            "part": {"width": box.width, "height": box.height},
            "link": link(crop.board, case=crop.case, show=["_target", *methods[:1]]),
            "images": [
                {
                    "src": f"{ASSETS}/{crop_image(one)}",
                    "label": one.label,
                    "note": one.note,
                }
                for one in crop.pictures
            ],
        }
