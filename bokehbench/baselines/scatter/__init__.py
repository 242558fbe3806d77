"""The scattering renderer: readable reference, CPU kernels, differentiable torch form, Triton kernel."""
