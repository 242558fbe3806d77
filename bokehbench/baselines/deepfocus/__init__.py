"""DeepFocus (Xiao et al., 2018), its fast network for defocus, with and without adaptive resizing."""
