"""Scripts that run inside the worker process and import bpy (see NOTICE)."""
