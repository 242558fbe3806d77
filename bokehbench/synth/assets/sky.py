"""The sky over drawn views: clouds lit by a sun of any hour; linear RGB [h, w, 3]."""

from __future__ import annotations

import cv2
import numpy as np

from bokehbench.synth.assets.brushes import colour, mix, smoothstep
from bokehbench.synth.assets.noise import fbm
from bokehbench.synth.assets.textures import Picture

SKIES = (
    # zenith, middle, horizon, sun, its height over the horizon (over the view), its radiance
    ("#20355f", "#a8607a", "#ffb060", "#ffe0a0", 0.06, 120.0),
    ("#3a5a86", "#d9a58c", "#ffd9a0", "#fff0c8", 0.16, 200.0),
    ("#14203f", "#4a4a7a", "#e88a6a", "#ff9a5a", 0.02, 60.0),
    ("#3f74b0", "#93b8d8", "#e6ecec", "#fff8e8", 0.42, 400.0),
    ("#41506a", "#9aa0a8", "#e8dcc4", "#fff2d8", 0.10, 90.0),
)


def draw_sky(
    rng: np.random.Generator, x: Picture, y: Picture, horizon: float, unit: int
) -> tuple[Picture, tuple[float, float], Picture]:
    """A sky with clouds lit by the sun: radiance [h, w, 3], the sun's place (x, y), its colour."""
    zenith, middle, low, sun, level, radiance = SKIES[int(rng.integers(len(SKIES)))]
    up = np.clip((horizon - y) / horizon, 0.0, 1.0)
    rgb = mix(colour(low), colour(middle), smoothstep(0.0, 0.42, up)[..., None])
    rgb = mix(rgb, colour(zenith), smoothstep(0.25, 1.05, up)[..., None])
    place = (x.shape[1] * rng.uniform(0.15, 0.85), horizon - level * unit * rng.uniform(0.8, 1.2))
    away = np.hypot(x - place[0], y - place[1]) / unit
    tone = colour(sun)
    rgb = rgb + (0.9 * np.exp(-away / 0.10) + 0.35 * np.exp(-away / 0.35))[..., None] * tone
    # Clouds lie in flat sheets: they are squeezed towards the horizon.
    squeeze = 1.0 / (up + 0.12)
    source = fbm(rng, (1024, 1024), 340.0, 7)
    columns = 512.0 + (x - x.shape[1] / 2) / unit * 240.0 * squeeze**0.7
    rows = np.clip(squeeze * 118.0 + rng.uniform(0, 30), 0, 1020)
    density = cv2.remap(
        source,
        columns.astype(np.float32),
        rows.astype(np.float32),
        cv2.INTER_CUBIC,
        borderMode=cv2.BORDER_REFLECT,
    )
    thick = smoothstep(rng.uniform(-0.5, 0.5), 1.9, density) * smoothstep(0.0, 0.10, up)
    # Thin parts let the sun through and glow, thick ones are grey beneath.
    near = np.exp(-away / 0.3)[..., None]
    thin = mix(colour(low) * 1.05, tone * 1.35, near)
    dark = mix(colour(middle), colour(zenith), 0.5) * np.float32(0.75)
    cloud = mix(thin, dark, smoothstep(0.2, 0.95, thick)[..., None])
    rgb = mix(rgb, cloud, (0.9 * smoothstep(0.0, 0.6, thick))[..., None])
    disc = np.clip((0.016 - away) * unit + 0.5, 0.0, 1.0) * (1.0 - 0.9 * thick)
    return np.asarray(rgb + (radiance * disc)[..., None] * tone, np.float32), place, tone
