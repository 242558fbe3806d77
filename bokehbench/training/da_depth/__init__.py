"""Degradation-aware depth: a student sees in low-quality pictures what its teacher sees in clean ones."""
