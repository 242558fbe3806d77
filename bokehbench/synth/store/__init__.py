"""Stores: how the pictures of samples become files, and how files become pictures again."""
