"""The protocols that come with the project: what a method sees, and what was chosen with the ground truth."""

from bokehbench.registry import ProtocolSpec, Spec

SPECS: tuple[Spec, ...] = (
    ProtocolSpec(
        name="gt-disparity",
        summary="True disparity; focal plane and K are given with the set.",
        disparity="gt",
        focus="given",
        K="given",
        paper="BLB of Peng et al., CVPR 2022",
    ),
)
