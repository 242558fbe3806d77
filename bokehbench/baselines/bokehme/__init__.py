"""BokehMe (Peng et al., CVPR 2022): scattering where depth is smooth, two small networks at its edges."""
