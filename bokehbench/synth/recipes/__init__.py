"""Recipes of training pairs as typed configuration."""
