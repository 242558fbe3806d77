"""The scattering renderer: readable reference, direct and fast CPU kernels, differentiable torch form."""
