"""What methods by one step of a latent diffusion model share: the step, states, base models, pictures."""
