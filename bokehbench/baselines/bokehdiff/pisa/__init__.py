"""PISA, BokehDiff's physics-inspired self-attention: tokens spread light over their circles of confusion.

Read in this order: `scene` (what a stage knows of depth and blur), `mask` (how far a token reaches),
`occlusion` (what stands in the way), `reference` (the formulas, line by line). Fast forms of it are `blocked`
and `launch` (with the Triton kernels of `kernel`); `attention` chooses, `processor` puts it into a UNet.
"""
