"""Compiles the kernel to PTX, which needs no GPU; a script of its own, see triton_scenes.py."""

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from bokehbench.synth.render.triton_tracer import BLOCK_X, BLOCK_Y, NOTHING, _trace

TYPES = {
    **dict.fromkeys(("flat", "optics", "cells", "out"), "*fp32"),
    **dict.fromkeys(("table", "blocks"), "*i32"),
    **dict.fromkeys(("count", "layers", "pixels", "width", "height"), "i32"),
    **dict.fromkeys(("middle_x", "middle_y", "per_half"), "fp32"),
    **dict.fromkeys(("EYE", "NOTHING", "BLOCK_X", "BLOCK_Y"), "constexpr"),
}


def main() -> None:
    for eye, one_layer in ((False, False), (True, False), (False, True)):
        fixed = {"EYE": eye, "NOTHING": NOTHING, "BLOCK_X": BLOCK_X, "BLOCK_Y": BLOCK_Y}
        types = {name: TYPES[name] for name in _trace.arg_names}
        if one_layer:  # what the launcher makes of the number 1
            fixed["layers"], types["layers"] = 1, "constexpr"
        source = ASTSource(fn=_trace, signature=types, constexprs=fixed)
        made = triton.compile(source, target=GPUTarget("cuda", 80, 32))
        if ".entry _trace" not in made.asm["ptx"]:
            raise SystemExit("no kernel in the PTX")
    print("compiled")


if __name__ == "__main__":
    main()
