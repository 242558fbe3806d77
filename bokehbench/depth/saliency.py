"""What the subject of a picture is: networks, and two rules that need no weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bokehbench.depth.checkpoint import Checkpoint
from bokehbench.depth.loading import load_network, load_processor
from bokehbench.errors import ConfigError, JobFailed

FloatImage = npt.NDArray[np.float32]
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
FOREGROUND_SIDE = 1024
SPECTRUM_SIDE = 64
LUMA = (0.299, 0.587, 0.114)


class Foreground:
    """Networks whose last output is the logit of the foreground, at 1024x1024 (BiRefNet and kin)."""

    def __init__(self, checkpoint: Checkpoint, device: str) -> None:
        self.id = checkpoint.id
        self.device = device
        self._network = load_network("AutoModelForImageSegmentation", checkpoint, device)

    def infer(self, image: FloatImage) -> FloatImage:
        """Mask [H, W] in [0, 1] of [H, W, 3]; JobFailed where the network returns something else."""
        import torch

        picture = torch.from_numpy(np.clip(image, 0.0, 1.0)).permute(2, 0, 1)[None]
        side = (FOREGROUND_SIDE, FOREGROUND_SIDE)
        mean, deviation = (torch.tensor(values).view(1, 3, 1, 1) for values in IMAGENET)
        with torch.inference_mode():
            small = torch.nn.functional.interpolate(picture, side, mode="bilinear", antialias=True)
            output = self._network(((small - mean) / deviation).to(self.device))
            last = output[-1] if isinstance(output, (list, tuple)) else getattr(output, "logits", output)
            if not torch.is_tensor(last) or last.ndim != 4 or last.shape[1] != 1:
                raise JobFailed(f"{self.id}: its last output is no [1, 1, H, W] of logits")
            return _resized(last[0, 0].sigmoid().float().cpu().numpy(), image)


class Prompted:
    """CLIPSeg: the mask of what a prompt names."""

    def __init__(self, checkpoint: Checkpoint, device: str, prompt: str) -> None:
        self.device, self.prompt = device, prompt
        self._processor = load_processor("AutoProcessor", checkpoint)
        self._network = load_network("CLIPSegForImageSegmentation", checkpoint, device)

    def infer(self, image: FloatImage) -> FloatImage:
        """Mask [H, W] in [0, 1] of [H, W, 3]."""
        import torch

        clipped = np.clip(image, 0.0, 1.0).astype(np.float32)
        batch = self._processor(
            text=[self.prompt],
            images=[clipped],
            do_rescale=False,
            input_data_format="channels_last",
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = self._network(**batch.to(self.device)).logits
        return _resized(logits.reshape(logits.shape[-2:]).sigmoid().float().cpu().numpy(), image)


class TwoClasses:
    """Semantic segmentation of foreground and background: one logit, or background before foreground."""

    def __init__(self, checkpoint: Checkpoint, device: str) -> None:
        self.device = device
        self._processor = load_processor("AutoImageProcessor", checkpoint)
        self._network = load_network("AutoModelForSemanticSegmentation", checkpoint, device)
        classes = int(self._network.config.num_labels)
        if classes not in (1, 2):
            raise ConfigError(
                f"{checkpoint.id} tells {classes} classes apart; saliency wants foreground and background"
            )

    def infer(self, image: FloatImage) -> FloatImage:
        """Mask [H, W] in [0, 1] of [H, W, 3]."""
        import torch

        batch = self._processor(
            images=np.clip(image, 0.0, 1.0).astype(np.float32),
            do_rescale=False,
            input_data_format="channels_last",
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits = self._network(**batch.to(self.device)).logits[0].float()
        share = logits.sigmoid()[0] if len(logits) == 1 else logits.softmax(0)[1]
        return _resized(share.cpu().numpy(), image)


class SpectralResidual:
    """Hou and Zhang 2007: the part of the log spectrum that differs from its local mean, back in the image.

    The map is divided by its maximum, so that 0.5 is half of what stands out most.
    """

    def __init__(self, checkpoint: None, device: str) -> None:
        pass

    def infer(self, image: FloatImage) -> FloatImage:
        """Map [H, W] in [0, 1] of [H, W, 3]."""
        import cv2

        height, width = image.shape[:2]
        scale = SPECTRUM_SIDE / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        grey = np.clip(image, 0.0, 1.0).astype(np.float32) @ np.array(LUMA, np.float32)
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA).astype(np.float64)
        # Mirrored: else the jump from the right rim to the left one would stand out.
        wide = np.hstack([small, small[:, ::-1]])
        spectrum = np.fft.fft2(np.vstack([wide, wide[::-1]]))
        amplitude = np.abs(spectrum)
        # Frequencies that the picture has not (a flat one has none) say nothing and are left out.
        heard = (
            amplitude > 1e-9 * amplitude.max() if amplitude.max() > 0.0 else np.zeros_like(amplitude, bool)
        )
        logs = np.log(np.where(heard, amplitude, 1.0))
        # The spectrum of samples is periodic: the mean goes around.
        around = cv2.copyMakeBorder(logs, 1, 1, 1, 1, cv2.BORDER_WRAP)
        residual = logs - cv2.blur(around, (3, 3))[1:-1, 1:-1]
        phase = np.where(heard, spectrum / np.where(heard, amplitude, 1.0), 0.0)
        energy = np.abs(np.fft.ifft2(np.exp(residual) * phase)) ** 2
        smooth = cv2.GaussianBlur(energy[: size[1], : size[0]], (0, 0), 2.5, borderType=cv2.BORDER_REFLECT)
        top = float(smooth.max())
        return _resized((smooth / top if top > 0.0 else smooth).astype(np.float32), image)


class CentreSquare:
    """A fifth of the sides, in the middle."""

    def __init__(self, checkpoint: None, device: str) -> None:
        pass

    def infer(self, image: FloatImage) -> FloatImage:
        """Mask [H, W], 0 or 1, of [H, W, 3]."""
        inside = []
        for length in image.shape[:2]:
            place = np.abs(np.arange(length) - (length - 1) / 2.0)
            inside.append(place <= max(0.1 * length, 0.5))
        return (inside[0][:, None] & inside[1][None, :]).astype(np.float32)


def by_configuration(checkpoint: Checkpoint, device: str, **options: Any) -> Any:
    """The class for a hub id or folder that no spec names."""
    config = checkpoint.config()
    if config.get("model_type") == "clipseg":
        return Prompted(checkpoint, device, options.get("prompt", "the main subject of the photograph"))
    if options:
        raise ConfigError(f"{checkpoint.id} takes no --prompt; clipseg does")
    if "AutoModelForImageSegmentation" in (config.get("auto_map") or {}):
        return Foreground(checkpoint, device)
    return TwoClasses(checkpoint, device)


def _resized(mask: npt.NDArray[Any], image: FloatImage) -> FloatImage:
    """At the picture's size, bilinear, clipped to [0, 1]."""
    import cv2

    height, width = image.shape[:2]
    fitted = cv2.resize(np.asarray(mask, np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    return np.clip(fitted, 0.0, 1.0)
