"""Reading what `run` and `evaluate` wrote: what is not of that form is one line that names the file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bokehbench import records
from bokehbench.errors import InputError

CASE: Mapping[str, type] = {
    "scene": str,
    "level": str,
    "lens": dict,
    "size": list,
    "data": str,
    "notes": dict,
    "pictures": dict,
    "K_search": list,
}
RECORD: Mapping[str, type] = {
    "method": str,
    "data": str,
    "prediction": str,
    "command": str,
    "weights": dict,
    "external": dict,
    "uses_truth": list,
}
OPTIONAL = ("notes", "pictures", "K_search", "weights", "external", "uses_truth")
NUMBER = (int, float)
VALUED = ("ok", "identical")


def read_object(path: Path, keys: Mapping[str, type]) -> dict[str, Any]:
    """A JSON object with these keys, of these types; those of `OPTIONAL` may be missing.

    Raises:
        InputError: it is missing, broken or of another form.
    """
    content = records.read_json(path)
    if not isinstance(content, dict):
        raise InputError(f"{path}: holds no JSON object; delete it, and run or evaluate again")
    missing = [key for key in keys if key not in content and key not in OPTIONAL]
    if missing:
        raise InputError(f"{path}: lacks {', '.join(missing)}; delete it, and run or evaluate again")
    wrong = [key for key, kind in keys.items() if key in content and not isinstance(content[key], kind)]
    if wrong:
        raise InputError(f"{path}: {', '.join(wrong)} is damaged; delete it, and run or evaluate again")
    return content


def read_scores(path: Path) -> dict[str, Any]:
    """What `evaluate` wrote beside a prediction; without scores where there is no file.

    Raises:
        InputError: the file is broken, or a score in it is none.
    """
    if not path.exists():
        return {"scores": {}}
    content = records.read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("scores"), dict):
        raise InputError(f"{path}: not what bokehbench evaluate writes; delete it and evaluate again")
    for name, score in content["scores"].items():
        if why := why_no_score(score):
            raise InputError(f"{path}: {name} {why}; delete the file and evaluate again")
    return content


def why_no_score(score: Any) -> str:
    """What is wrong with a stored score; empty where it is one."""
    if not isinstance(score, dict):
        return "is no score"
    if lacking := [key for key in ("value", "status", "fingerprint") if key not in score]:
        return f"lacks {', '.join(lacking)}"
    value, status = score["value"], score["status"]
    if not isinstance(status, str) or not isinstance(score["fingerprint"], str):
        return "has a damaged status or fingerprint"
    if isinstance(value, bool) or not isinstance(value, (*NUMBER, type(None))):
        return "has a value that is no number"
    if (value is None) == (status in VALUED):
        return f"has the status {status} and {'no' if value is None else 'a'} value"
    return ""


def read_timing(path: Path) -> dict[str, Any]:
    """What was measured on the way; empty where there is no file. InputError where it is broken."""
    if not path.exists():
        return {}
    content = records.read_json(path)
    if not isinstance(content, dict) or not isinstance(content.get("profile", {}), dict):
        raise InputError(f"{path}: not what bokehbench run writes; delete it")
    wrong = [
        key
        for key in ("seconds", "peak_memory_mb")
        if not isinstance(content.get(key), (*NUMBER, type(None)))
    ]
    if wrong:
        raise InputError(f"{path}: {', '.join(wrong)} is no number; delete it")
    return content
