"""PISA, BokehDiff's physics-inspired self-attention: tokens spread light over their circles of confusion.

Read in this order: `scene` (what a stage knows of depth and blur), `mask` (how far a token reaches),
`occlusion` (what stands in the way), `reference` (the formulas, line by line). `blocked` and `kernel` are the
fast forms of `reference`, `attention` chooses, `processor` puts it into a diffusers UNet.
"""
