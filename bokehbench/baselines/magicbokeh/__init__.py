"""MagicBokeh: restoration and lens blur by one step of a diffusion model (Shi et al., CVPR 2026)."""
