"""Recipes for the authors' own repositories: what to clone, into which environment, and how it is called."""
