"""Compiles the kernels of PISA to PTX, which needs no GPU; a script like pisa_triton_scenes.py."""

import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from bokehbench.baselines.bokehdiff.pisa.kernel import accumulate, count_blocked, normalisers

KINDS = {
    **dict.fromkeys(("radius", "lse", "inner", "result", "disparity", "fine", "shifts", "places"), "*fp32"),
    **dict.fromkeys(("tokens", "channels", "heads", "width", "height"), "i32"),
    **dict.fromkeys(("pitch_y", "pitch_x", "scale", "slope", "most"), "fp32"),
    "blocked": "*i16",
    "seed": "*i64",
    "bar": "i32",
}
PARTS = {"COC": True, "BY_KEY": True, "BLOCK": 32, "D": 64}
RAYS = {"SAMPLES": 5, "JITTERS": 4, "FINER": 3, "COMPAT": False, "BLOCK": 32}
GAINS = {"JITTERS": 4, "OCCLUSION": True, "DROPOUT": 0.1, "KEYS": 0x9E3779B9}
CASES = [
    (count_blocked, RAYS, "fp32"),
    (normalisers, PARTS, "fp32"),
    (accumulate, {**PARTS, **GAINS, "COLUMNS": True, "GRADIENT": True}, "bf16"),
]


def main() -> None:
    for kernel, fixed, kind in CASES:
        kinds = {**KINDS, **dict.fromkeys(("query", "key", "value", "grad"), f"*{kind}")}
        types = {name: kinds.get(name, "constexpr") for name in kernel.arg_names}
        made = triton.compile(
            ASTSource(fn=kernel, signature=types, constexprs=fixed), target=GPUTarget("cuda", 80, 32)
        )
        if f".entry {kernel.__name__}" not in made.asm["ptx"]:
            raise SystemExit(f"no {kernel.__name__} in the PTX")
    print("compiled")


if __name__ == "__main__":
    main()
