"""The ray tracer of layers; imports no other part of synth."""
