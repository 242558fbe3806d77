"""Blender: scenes of the BLB kind, rendered by Cycles in a process of its own.

`driver.render_scenes` is the Python face. Only the modules below `scripts` import bpy, and only the worker
process imports them.
"""
