"""Compiles the scatter kernel to PTX, which needs no GPU; a script like scatter_triton_scenes.py."""

import itertools

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from bokehbench.baselines.scatter.triton_kernel import SIDE, _scatter_tile

TYPES = {
    **dict.fromkeys(("light", "defocus", "edge", "blurred", "dilated"), "*fp32"),
    **dict.fromkeys(("square", "reach"), "*i32"),
    **dict.fromkeys(("height", "width", "tiles_y", "tiles_x", "centre"), "i32"),
    **dict.fromkeys(("inner", "donut"), "fp32"),
    **dict.fromkeys(("ROUND", "INNER", "DONUT", "SIDE"), "constexpr"),
}


def main() -> None:
    for everything, one_tile in itertools.product((False, True), (False, True)):
        fixed = {"ROUND": not everything, "INNER": everything, "DONUT": everything, "SIDE": SIDE}
        types = {name: TYPES[name] for name in _scatter_tile.arg_names}
        if one_tile:  # what the launcher makes of the number 1
            for name in ("tiles_y", "tiles_x", "height", "width", "centre"):
                fixed[name], types[name] = 1, "constexpr"
        source = ASTSource(fn=_scatter_tile, signature=types, constexprs=fixed)
        made = triton.compile(source, target=GPUTarget("cuda", 80, 32))
        if ".entry _scatter_tile" not in made.asm["ptx"]:
            raise SystemExit("no kernel in the PTX")
    print("compiled")


if __name__ == "__main__":
    main()
