"""What the trainings of diffusion models share: the stage of a VAE, and losses of pictures."""
