"""The process that reads a pickled checkpoint: source on stdin, result on stdout, one line of JSON on stderr.

It imports Python's own library and this folder, all of it before the file is looked at.
"""

from __future__ import annotations

import encodings.ascii
import encodings.cp437
import encodings.latin_1
import encodings.utf_8
import json
import os
import stat
import sys

from bokehbench.errors import InputError
from bokehbench.weights_convert import container, lama, magicbokeh, safetensors_file, seal

KINDS = {"magicbokeh": magicbokeh.arrange, "lama": lama.arrange}
CODECS = (encodings.ascii, encodings.cp437, encodings.latin_1, encodings.utf_8)
"""Named so that they are there: a codec is a module, and nothing can be imported later."""
BESIDE = 1 << 24
"""Bytes that a result may have more than its source: the header, and numbers that were shared."""


def main(kind: str, seconds: int, memory_mb: int) -> int:
    """Convert; 0, or 1 after a line that says why not."""
    source, out, report = sys.stdin.buffer, sys.stdout.buffer, sys.stderr
    size = os.fstat(source.fileno()).st_size
    if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
        report.write(json.dumps({"error": "is no file"}))
        return 1
    seal.limit(seconds, memory_mb << 20, size + BESIDE)
    seal.close()
    try:
        checkpoint = container.read(source)
        made = KINDS[kind](checkpoint.content)
        total = sum(map(safetensors_file.size, made.named.values()))
        if total > size:
            raise InputError(f"has tensors of {total} bytes in a file of {size}: they share their numbers")
        safetensors_file.write(out, source, checkpoint, made.named, made.about)
        out.flush()
    except Exception as error:  # whatever it is: a traceback would open files
        report.write(json.dumps({"error": _why(error)}))
        return 1
    report.write(json.dumps({"about": made.about, "parts": made.parts, "left_out": made.left_out}))
    return 0


def _why(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "needs more memory than it may have"
    return str(error) if isinstance(error, InputError) else f"cannot be read ({error!r})"
