"""Ground truth: everything that a sample can say about its scene, each by name."""
