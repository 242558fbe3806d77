"""BokehDiff: lens blur by one step of a diffusion model with physics-inspired self-attention (ICCV 2025)."""
