"""Training of BokehDiff: a VAE (compact model alone), then the one-step denoiser."""
