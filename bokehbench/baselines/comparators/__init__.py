"""What the neural comparators have in common (docs/neural-comparators.md): specs and files of weights."""
