"""Rendering batches in the main process: scenes become images, on the CPU or on a device."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bokehbench.errors import ConfigError, Unavailable
from bokehbench.optics import encode
from bokehbench.synth.degrade import DegradePlan
from bokehbench.synth.degrade import apply as degrade
from bokehbench.synth.degrade.batch import EXACT, Speed, degrade_batch
from bokehbench.synth.highlights import regamma, srgb_encode
from bokehbench.synth.render import render_all_in_focus, render_bokeh
from bokehbench.synth.training.items import ALWAYS, PER_LAYER, Batch, Item, checked_keys, stack, to_tensor
from bokehbench.synth.training.packs import ScenePack


class RenderCollate:
    """Turns a list of scene packs (and of stored items, in a mixture) into one batch on a device.

    Args:
        keys: what the batch holds; the packs have to be made for the same keys.
        quality: of the lens sampling, None for the recipe's own ("final" for ground truth that is stored;
            "standard" is several times as fast).
        backend: of `render_bokeh`: "numba" (CPU), "torch:DEVICE", ...; None is numba, and on a CUDA device
            the tracer of that device.
        device: where the batch ends up.
        speed: what degradations on a device may give up, see `degrade.batch.Speed`.

    Raises:
        Unavailable: no such device here.
    """

    def __init__(
        self,
        keys: Sequence[str] = ("aif", "bokeh", "disp"),
        *,
        quality: str | None = None,
        backend: str | None = None,
        device: str | torch.device = "cpu",
        speed: Speed = EXACT,
    ) -> None:
        self.keys = checked_keys(keys)
        self.quality, self.device, self.speed = quality, torch.device(device), speed
        if self.device.type == "cuda" and not torch.cuda.is_available():
            raise Unavailable(f"device {device}: no CUDA device here; train with device='cpu'")
        self.backend = backend or (f"torch:{self.device}" if self.device.type == "cuda" else "numba")

    def __call__(self, packs: Sequence[ScenePack | Item]) -> Batch:
        """One batch; see `items` for its keys."""
        items = [self._render(pack) if isinstance(pack, ScenePack) else pack for pack in packs]
        if "lq" in self.keys:
            self._degrade(packs, items)
        batch = stack(items)
        missing = [key for key in self.keys if key not in batch and key != "boundary"]
        if missing:
            raise ConfigError(
                f"a batch without {', '.join(missing)}: its source has to be made for these keys"
            )
        kept = {*self.keys, *ALWAYS, *(PER_LAYER["boundary"] if "boundary" in self.keys else ())}
        return {key: self._moved(value) for key, value in batch.items() if key in kept}

    def _moved(self, value: Any) -> Any:
        return value.to(self.device, non_blocking=True) if isinstance(value, Tensor) else value

    def _render(self, pack: ScenePack) -> Item:
        """The item of a pack, its light on the device; with `aif` where it is to be degraded."""
        layers = pack.scene()
        images: dict[str, Tensor] = {}
        if "bokeh" in self.keys:
            seen = layers
            if pack.lens.gamma != pack.gamma:
                seen = tuple(regamma(layer, pack.gamma, pack.lens.gamma) for layer in layers)
            linear = render_bokeh(
                seen,
                pack.lens,
                pack.size,
                quality=self.quality or pack.quality,
                backend=self.backend,
            )
            images["bokeh"] = self._shown(linear, pack, pack.lens.gamma)
        if "aif" in self.keys or "lq" in self.keys:
            images["aif"] = self._shown(render_all_in_focus(layers, pack.size), pack, pack.gamma)
        return images | pack.item()

    def _shown(self, linear: npt.NDArray[np.float32], pack: ScenePack, gamma: float) -> Tensor:
        """[3, H, W] encoded and clipped, as stored sets are (but for their rounding to 8 bit)."""
        # The background reaches as far as the recipe's quality needs; coarser cells look a little farther.
        light = linear[..., :3] / np.clip(linear[..., 3:], 0.5, 1.0)
        curve = (
            srgb_encode(light) if pack.transfer == "srgb" and gamma == pack.gamma else encode(light, gamma)
        )
        shown = np.clip(curve, 0.0, 1.0).astype(np.float32)
        return to_tensor(pack.window.cut(shown)).to(self.device)

    def _degrade(self, packs: Sequence[ScenePack | Item], items: Sequence[Item]) -> None:
        """Give every item of a scene its `lq`."""
        fresh = [(pack, item) for pack, item in zip(packs, items, strict=True) if isinstance(pack, ScenePack)]
        if any(pack.degrade is None for pack, _ in fresh):
            raise ConfigError("a batch without lq: its source has to be made for these keys")
        plans = [DegradePlan.from_json(pack.degrade) for pack, _ in fresh]
        if self.device.type == "cpu":
            made = [
                to_tensor(degrade(plan, _pixels(item["aif"])))
                for plan, (_, item) in zip(plans, fresh, strict=True)
            ]
        else:
            made = degrade_batch(plans, [item["aif"] for _, item in fresh], self.speed).lq
        for (_, item), lq in zip(fresh, made, strict=True):
            item["lq"] = lq


def _pixels(image: Tensor) -> npt.NDArray[np.float32]:
    return np.ascontiguousarray(image.numpy().transpose(1, 2, 0))


class PrefetchRender:
    """Renders ahead of the training step, in a thread of this process; on CUDA in a stream of its own.

    Args:
        source: of what `render` takes.
        render: a `RenderCollate`.
        ahead: batches that may wait.

    Iterate once; `close` (or the end of a `with` block) stops the thread.
    """

    def __init__(self, source: Iterable[Any], render: Callable[[Any], Batch], ahead: int = 2) -> None:
        if ahead < 1:
            raise ConfigError(f"ahead must be at least 1, not {ahead}")
        self._source, self._render = source, render
        self._waiting: queue.Queue[tuple[str, Any]] = queue.Queue(maxsize=ahead)
        self._stop = threading.Event()
        device = getattr(render, "device", torch.device("cpu"))
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._thread = threading.Thread(target=self._work, name="render-ahead", daemon=True)

    def __enter__(self) -> PrefetchRender:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Batch]:
        if not self._thread.is_alive():
            self._thread.start()
        try:
            while True:
                what, value = self._waiting.get()
                if what == "error":
                    raise value
                if what == "end":
                    return
                yield self._handed_over(*value)
        finally:
            self.close()

    def close(self) -> None:
        """Stop rendering; batches that wait are dropped."""
        self._stop.set()
        while self._thread.is_alive():
            try:
                self._waiting.get(timeout=0.05)
            except queue.Empty:
                self._thread.join(timeout=0.05)

    def _work(self) -> None:
        try:
            for packs in self._source:
                if self._stop.is_set() or not self._put("batch", self._rendered(packs)):
                    return
            self._put("end", None)
        except BaseException as error:
            self._put("error", error)

    def _put(self, what: str, value: Any) -> bool:
        while not self._stop.is_set():
            try:
                self._waiting.put((what, value), timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def _rendered(self, packs: Any) -> tuple[Batch, Any]:
        if self._stream is None:
            return self._render(packs), None
        with torch.cuda.stream(self._stream):
            batch = self._render(packs)
            done = torch.cuda.Event()
            done.record(self._stream)
        return batch, done

    def _handed_over(self, batch: Batch, done: Any) -> Batch:
        """The batch, once the device has finished it; its memory is this stream's from now on."""
        if done is not None:
            current = torch.cuda.current_stream(self._stream.device)  # type: ignore[union-attr]
            current.wait_event(done)
            for value in batch.values():
                if isinstance(value, Tensor):
                    value.record_stream(current)
        return batch
