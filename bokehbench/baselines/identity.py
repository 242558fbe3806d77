"""The floor: the all-in-focus image itself. A method that scores below it does harm."""

from __future__ import annotations

from bokehbench.cases import FloatImage, Inputs


class Identity:
    """Returns the input."""

    def render(self, inputs: Inputs) -> FloatImage:
        """The all-in-focus image [H, W, 3] float32, encoded."""
        return inputs.image
