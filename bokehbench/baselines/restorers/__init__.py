"""Restorers: what makes a good picture of a small, bad one, before any renderer."""
