"""Pickled checkpoints of others to safetensors: what a pickle says is read here, and nothing of it is run.

The parent (`convert.py`) starts a process without environment, with limits on time, memory and output, that
has the source as stdin and the result as stdout (`worker.py`). There, `container.py` finds the parts of the
file, `machine.py` reads the pickle as data (`values.py`, `allowed.py`), `magicbokeh.py` gives each tensor its
name and `tensors.py` copies its bytes. That process has Python's own library and this folder alone.
"""
