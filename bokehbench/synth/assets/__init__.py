"""Foregrounds and backgrounds: procedural, or from folders."""
