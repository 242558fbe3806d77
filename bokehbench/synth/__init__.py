"""Training pairs: layered scenes, ray traced."""
