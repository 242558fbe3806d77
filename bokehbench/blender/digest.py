"""Digest of the code that makes one stack's pixels: a change to one scene leaves the others' folders valid.

Starting from the renderer and the scene's module, definitions are followed by the names that they use, read
as text: nothing here imports bpy. A function added to a module that scenes share counts for those that call
it. Comments, docstrings and layout are left out: what counts is what the code does.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

from bokehbench import records

PACKAGE = "bokehbench.blender"
RENDERER = f"{PACKAGE}.scripts.stackjob"
SCENES = f"{PACKAGE}.scripts.scenes"
BLEND_FILE = f"{PACKAGE}.scripts.blendfile"
BOOKKEEPING = {
    f"{PACKAGE}.{name}" for name in ("catalogue", "digest", "stack", "scripts.devices", "scripts.worker")
}
"""Modules that render nothing: they record, name and start things. What they hand on is in the request."""


@functools.cache
def code_digest(scene_module: str) -> str:
    """Digest of what renders one stack: its scene's code and the renderer's.

    Args:
        scene_module: module of `scripts.scenes`; empty for a .blend file.

    Returns:
        Hex sha256, the same wherever the package lies.
    """
    return records.sha256_json(pixel_code(scene_module))


def pixel_code(scene_module: str) -> dict[str, str]:
    """By module, the definitions that `code_digest` covers, as plain code.

    A definition is covered where code that is covered uses its name; two of one name are not told apart, so
    that rather too much is covered than too little.
    """
    start = f"{SCENES}.{scene_module}" if scene_module else BLEND_FILE
    left_out = BOOKKEEPING | ({BLEND_FILE} if scene_module else set())
    whole = {RENDERER, start}
    lines = {module: _statements(module) for module in sorted(whole)}
    used: set[str] = set()
    covered: set[int] = set()
    while True:
        fresh = [
            line
            for module, body in lines.items()
            for line in body
            if id(line) not in covered and (module in whole or not _defines(line) or _defines(line) & used)
        ]
        if not fresh:
            break
        covered |= {id(line) for line in fresh}
        for node in (node for line in fresh for node in ast.walk(line)):
            used |= _names(node)
            for module in _imports(node):
                if module not in left_out and module not in lines:
                    lines[module] = _statements(module)
    return {
        module: "\n".join(ast.unparse(line) for line in body if id(line) in covered)
        for module, body in sorted(lines.items())
    }


def _statements(module: str) -> list[ast.stmt]:
    """A module's statements without docstrings."""
    tree = ast.parse(_path(module).read_text())
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            # A function must keep a body to be written out again.
            kept = [line for line in body if not _is_text(line)]
            node.body = kept or [ast.Expr(ast.Constant(...))]  # type: ignore[attr-defined]
    return ast.fix_missing_locations(tree).body


def _defines(line: ast.stmt) -> set[str]:
    """Names that a top-level statement binds; none for one that is run for its effect."""
    if isinstance(line, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {line.name}
    if isinstance(line, ast.Import | ast.ImportFrom):
        return {(alias.asname or alias.name).partition(".")[0] for alias in line.names}
    if isinstance(line, ast.Assign | ast.AnnAssign | ast.AugAssign):
        targets = line.targets if isinstance(line, ast.Assign) else [line.target]
        return {n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)}
    return set()


def _names(node: ast.AST) -> set[str]:
    """Names that a node uses: variables, attributes, what it imports."""
    if isinstance(node, ast.Name):
        return {node.id}
    if isinstance(node, ast.Attribute):
        return {node.attr}
    return {node.name.rpartition(".")[2]} if isinstance(node, ast.alias) else set()


def _imports(node: ast.AST) -> Iterator[str]:
    """Modules of this room that a node imports."""
    names: list[str] = []
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        # What is imported from a package may itself be a module.
        names = [f"{node.module}.{alias.name}" for alias in node.names] + [str(node.module)]
    yield from (name for name in names if name.startswith(f"{PACKAGE}.") and _path(name).is_file())


def _path(module: str) -> Path:
    return Path(__file__).parent.joinpath(*module.removeprefix(f"{PACKAGE}.").split(".")).with_suffix(".py")


def _is_text(line: ast.AST) -> bool:
    """Whether a statement is a string that nobody reads: a docstring, or one below a constant."""
    return (
        isinstance(line, ast.Expr)
        and isinstance(line.value, ast.Constant)
        and isinstance(line.value.value, str)
    )
