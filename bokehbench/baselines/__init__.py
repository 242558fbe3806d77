"""Renderers: one file or folder a method."""
