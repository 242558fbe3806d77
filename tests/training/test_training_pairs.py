"""Claims about pairs: what a closed aperture makes of them."""

from __future__ import annotations

import torch

from bokehbench.training.pairs import partly_in_focus


def test_a_share_of_crops_is_seen_with_a_closed_lens_and_then_has_nothing_to_do():
    count = 400
    batch = {"image": torch.rand(count, 3, 2, 2), "target": torch.rand(count, 3, 2, 2)}
    batch |= {"defocus": torch.full((count, 1, 2, 2), 5.0), "K": torch.full((count,), 12.0)}
    blur = ("defocus", "K")
    assert partly_in_focus(batch, 0.0, blur) is batch
    torch.manual_seed(0)
    made = partly_in_focus(batch, 0.25, blur)
    closed = made["K"] == 0.0
    assert 70 < int(closed.sum()) < 130
    assert torch.equal(made["target"][closed], batch["image"][closed])
    assert torch.all(made["defocus"][closed] == 0.0) and torch.all(made["defocus"][~closed] == 5.0)
    assert torch.equal(made["target"][~closed], batch["target"][~closed])
    assert torch.equal(made["image"], batch["image"])
