"""Focus-aware mask attention (MagicBokeh, CVPR 2026): it stays within focus, or within blur."""
