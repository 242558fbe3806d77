"""Cut-outs rendered by Cycles: one module a kind, each with `build(rng) -> facts`."""
