"""Training of the neural comparators (docs/neural-comparators.md)."""
