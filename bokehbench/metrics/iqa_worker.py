"""Scores pictures without reference by pyiqa. A script that `noreference.py` runs in a Python that has it.

Nothing of bokehbench is imported here, and nothing is downloaded: weights are the files of the request, and
a connection is refused.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any, NoReturn

MISSING = 3


def main(request_file: str, reply_file: str) -> int:
    """Read the request, score its pictures, write the reply."""
    request = json.loads(Path(request_file).read_text())
    try:
        import pyiqa  # noqa: F401
        import torch
    except ImportError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return MISSING
    _refuse_connections()
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = _model(request["metric"], {name: Path(path) for name, path in request["weights"].items()})
    values = []
    with torch.inference_mode():
        for image in request["images"]:
            values.append(float(model(image)))
            print(len(values), flush=True)
    _write_reply(Path(reply_file), values)
    return 0


def _write_reply(path: Path, values: list[float]) -> None:
    from importlib import metadata

    reply = {
        "schema": "bokehbench.iqa-reply/1",
        "made_by": f"pyiqa=={metadata.version('pyiqa')}",
        "values": values,
    }
    part = path.with_suffix(".part")
    part.write_text(json.dumps(reply, allow_nan=False))
    part.replace(path)


def _refuse_connections() -> None:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise OSError("no network here: a file of weights is missing from the request")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.create_connection = refuse


def _model(metric: str, weights: dict[str, Path]) -> Any:
    import pyiqa
    import torch

    (file,) = weights.values()
    options: dict[str, Any] = {}
    if metric == "niqe":
        options["pretrained_model_path"] = str(_niqe_parameters(file))
    elif metric == "musiq":
        # Loaded with tensors alone allowed, and handed on: pyiqa itself would run what a pickle holds.
        options["pretrained_model_path"] = str(_plain(file))
    elif metric == "maniqa-pipal":
        options["pretrained_model_path"] = str(_plain(file, key="params"))
        _trunk_without_weights()
    elif metric == "clipiqa":
        options["backbone"] = str(file)
    else:
        raise SystemExit(f"{metric}: not a metric of this worker")
    return pyiqa.create_metric(metric, device=torch.device("cpu"), **options)


def _home() -> Path:
    home = Path(os.environ["TORCH_HOME"])
    home.mkdir(parents=True, exist_ok=True)
    return home


def _niqe_parameters(file: Path) -> Path:
    """pyiqa reads MATLAB's form of the two arrays."""
    import numpy as np
    import scipy.io

    with np.load(file) as arrays:
        content = {"mu_prisparam": arrays["mu_pris_param"], "cov_prisparam": arrays["cov_pris_param"]}
    target = _home() / "niqe.mat"
    scipy.io.savemat(target, content)
    return target


def _plain(file: Path, key: str = "") -> Path:
    """The same tensors in a file that holds nothing else, below `key` if there is one."""
    import torch

    state = torch.load(file, map_location="cpu", weights_only=True)
    state = state.get("params", state)
    target = _home() / file.name
    torch.save({key: state} if key else state, target)
    return target


def _trunk_without_weights() -> None:
    """MANIQA's constructor asks timm for pretrained weights that its checkpoint replaces, all of them."""
    import timm

    create = timm.create_model

    def without(*arguments: Any, **options: Any) -> Any:
        return create(*arguments, **{**options, "pretrained": False})

    timm.create_model = without


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
