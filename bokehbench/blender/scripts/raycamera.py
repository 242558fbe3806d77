"""A camera that shoots the rays of `bokehbench.blender.rays`: a shader in Open Shading Language.

Cycles runs such cameras on the CPU and, through OptiX, on NVIDIA's GPUs.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import _cycles

from bokehbench.blender.rays import KEPT_BITS, Film, Lens
from bokehbench.optics import PhysicalCamera

SHADER = f"""
int mixed(int a)
{{
  int y = a ^ ((a >> 16) & 65535);
  y = y * 2146121005;
  y = y ^ ((y >> 15) & 131071);
  y = y * (-2073254261);
  return y ^ ((y >> 16) & 65535);
}}

float unit(int a) {{ return float((a >> 8) & 16777215) / 16777216.0; }}

shader rays(float focal = 1.0, float centre_x = 0.0, float centre_y = 0.0, int columns = 1, int rows = 1,
            int margin = 0, int cells = 1, int blades = 0, float rotation = 0.0, float ratio = 1.0,
            float inner = 0.0, float outer = 0.0, float radius = 0.0, float focus = 1.0, float near = 0.0,
            int seed = 0, int film = 0, int version = 2,
            output point position = point(0), output vector direction = vector(0, 0, 1),
            output color throughput = color(1))
{{
  point place = camera_shader_raster_position();
  int column = int(floor(place[0] * columns));
  int row = rows - 1 - int(floor(place[1] * rows));
  int px = column / cells;
  int py = row / cells;
  int number = film * cells * cells + (row - py * cells) * cells + column - px * cells;
  int key = mixed(seed + number % 4);
  int n = number / 4;
  int pixel = mixed(px + mixed(py + key));
  int own = mixed(n + pixel);
  int a = 0;
  int b = 0;
  int top = 1 << 31;
  int basis = 1 << 31;
  int rest = n;
  while (rest != 0) {{
    if (rest & 1) {{
      a = a ^ top;
      b = b ^ basis;
    }}
    rest = rest >> 1;
    top = (top >> 1) & 2147483647;
    basis = basis ^ ((basis >> 1) & 2147483647);
  }}
  int low = (1 << {32 - KEPT_BITS}) - 1;
  a = a ^ ((mixed(own + 101) & low) | (mixed(key + 11) & ~low));
  b = b ^ ((mixed(own + 202) & low) | (mixed(key + 12) & ~low));
  int side = 2;
  int across = (n ^ pixel) & 1;
  int down = ((n ^ pixel) >> 1) & 1;
  if (version > 1) {{
    int order = mixed(pixel ^ mixed((n >> 4) + 303));
    side = 4;
    across = ((n & 2) | ((n >> 2) & 1)) ^ (order & 3);
    down = ((((n ^ (n >> 1)) & 1) << 1) | ((n >> 3) & 1)) ^ ((order >> 2) & 3);
  }}
  // Bump maps and textures ask how far the next pixel's ray is: 0, with a derivative of 1 per place.
  float right = place[0] * columns;
  float up = place[1] * rows;
  right = right - int(right);
  up = up - int(up);
  right = right - int(right * 16777216.0) / 16777216.0;
  up = up - int(up * 16777216.0) / 16777216.0;
  float x = px - margin + (across + unit(mixed(own + 1))) / side + right;
  float y = py - margin + (down + unit(mixed(own + 2))) / side - up;
  float size = sqrt(inner * inner + unit(a) * (outer * outer - inner * inner));
  float turn = unit(b);
  float s = cos(M_2PI * turn);
  float t = sin(M_2PI * turn);
  if (blades > 0) {{
    float corner = floor(turn * blades);
    float share = turn * blades - corner;
    float one = rotation + M_2PI * corner / blades;
    float two = rotation + M_2PI * (corner + 1.0) / blades;
    s = (1.0 - share) * cos(one) + share * cos(two);
    t = (1.0 - share) * sin(one) + share * sin(two);
  }}
  position = point(radius * size * s / ratio, -radius * size * t, 0);
  point sharp = point((x - centre_x) / focal * focus, -(y - centre_y) / focal * focus, focus);
  direction = normalize(sharp - position);
  // Cycles lets these rays start at a distance of `near`; a lens sees what lies behind a plane.
  position = position + direction * (near / direction[2] - near);
}}
"""


class RayCamera:
    """The scene's camera, which can be switched between Cycles' own lens and given rays."""

    def __init__(self, scene: Any, film: Film, lens: Lens, physical: PhysicalCamera, scratch: Path) -> None:
        self.scene, self.film, self.lens = scene, film, lens
        self.camera = scene.camera.data
        # Blender shifts the picture in units of the edge that the sensor's width is counted along.
        self.fixed = {
            "focal": physical.focal_px,
            "centre_x": film.width / 2.0 - self.camera.shift_x * physical.pixels,
            "centre_y": film.height / 2.0 + self.camera.shift_y * physical.pixels,
            "near": self.camera.clip_start,
        }
        self._compile(scratch)

    def _compile(self, scratch: Path) -> None:
        source, target = scratch / "rays.osl", scratch / "rays.oso"
        source.write_text(SHADER)
        if not _cycles.osl_compile(str(source), str(target)):
            raise RuntimeError("the camera's shader did not compile")
        self.code = target.read_text()

    def __enter__(self) -> RayCamera:
        cycles, render = self.scene.cycles, self.scene.render
        self.before = (
            (cycles, "pixel_filter_type", cycles.pixel_filter_type),
            (cycles, "filter_width", cycles.filter_width),
            (render, "resolution_x", render.resolution_x),
            (render, "resolution_y", render.resolution_y),
            (self.camera, "shift_x", self.camera.shift_x),
            (self.camera, "shift_y", self.camera.shift_y),
            (self.camera, "type", self.camera.type),
            (self.camera.dof, "use_dof", self.camera.dof.use_dof),
        )
        cycles.pixel_filter_type, cycles.filter_width = (
            "BOX",
            1.0,
        )  # which ignores its width: places are jittered
        render.resolution_x, render.resolution_y = self.film.size
        self.camera.shift_x = self.camera.shift_y = (
            0.0  # which would move the film: the shader's centre is moved
        )
        self.camera.dof.use_dof = False
        self.camera.type, self.camera.custom_mode = "CUSTOM", "INTERNAL"
        self.camera.custom_bytecode = self.code
        self.camera.custom_bytecode_hash = hashlib.sha256(self.code.encode()).hexdigest()[:32]
        return self

    def __exit__(self, *_: object) -> None:
        for owner, name, value in self.before:
            setattr(owner, name, value)

    def aim(
        self, ring: tuple[float, float], radius: float, focus: float, seed: int, film: int, version: int
    ) -> None:
        """Shoot the rays of `rays.pattern` with the same arguments.

        Args:
            ring: (inner, outer) edge of the ring.
            radius: of the whole aperture, metres.
            focus: distance of the plane on which (x, y) lies, metres.
            seed, film, version: of the pattern.
        """
        columns, rows = self.film.size
        values = {
            **self.fixed,
            "columns": columns,
            "rows": rows,
            "margin": self.film.margin,
            "cells": self.film.cells,
            "blades": self.lens.blades,
            "rotation": self.lens.rotation,
            "ratio": self.lens.ratio,
            "inner": ring[0],
            "outer": ring[1],
            "radius": radius,
            "focus": focus,
            "seed": seed,
            "film": film,
            "version": version,
        }
        for name, value in values.items():
            self.camera.cycles_custom[name] = value
        self.camera.update_tag()
