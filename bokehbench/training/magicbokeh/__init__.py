"""Training of MagicBokeh: a VAE (compact model alone), restoration, then bokeh and restoration in turns."""
