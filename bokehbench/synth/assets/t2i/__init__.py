"""Text-to-image foregrounds with transparency: prompts, LayerDiffuse on SDXL, filters, sidecars."""
