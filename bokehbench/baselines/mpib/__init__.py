"""MPIB (Peng et al., ECCV 2022): a multi-plane image over an inpainted background, blurred plane by plane."""
