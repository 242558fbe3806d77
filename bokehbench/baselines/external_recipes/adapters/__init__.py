"""Programs that run inside foreign environments: standard library, NumPy, and what the repository brings.

They are never imported here. `bind.py` copies them beside a clone, where they are started by their path.
"""
