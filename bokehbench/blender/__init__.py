"""Blender: the only code that imports bpy, always in a process of its own."""
