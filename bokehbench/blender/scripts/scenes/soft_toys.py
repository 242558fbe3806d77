"""Soft toys: stuffed ellipsoids with fur, glass eyes, stitched noses, felt soles, bows and scarves.

A toy is made around the origin, sitting on z = 0 and looking along -y; `Toy.place` puts it into the scene.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bokehbench.blender.scripts import materials, meshes
from bokehbench.blender.scripts.meshes import Array, Shape, Vector
from bokehbench.blender.scripts.scenes import pile

Colour = tuple[float, float, float]
MIRROR = np.array((-1.0, 1.0, 1.0))


@dataclass(frozen=True)
class Coat:
    """Colours of a toy, linear: its fur, its muzzle and belly, soles and the inside of ears, and its bow."""

    fur: Colour
    pale: Colour
    felt: Colour
    bow: Colour
    length: float = 0.020
    curl: float = 0.15


@dataclass
class Toy:
    """Parts of a toy by what they are made of."""

    fur: list[pile.Blob] = field(default_factory=list)
    pale: list[pile.Blob] = field(default_factory=list)
    felt: list[Shape] = field(default_factory=list)
    dark: list[Shape] = field(default_factory=list)
    iris: list[Shape] = field(default_factory=list)
    thread: list[Shape] = field(default_factory=list)
    bow: list[Shape] = field(default_factory=list)
    bare: list[tuple[Array, float]] = field(default_factory=list)

    def place(
        self,
        rng: np.random.Generator,
        coat: Coat,
        foot: Vector,
        turn: float,
        size: float = 1.0,
        strands: int = 12000,
        lean: float = 0.0,
    ) -> int:
        """Put the toy into the scene; how many strands it has.

        Args:
            rng: moves strands.
            coat: its colours.
            foot: where it sits.
            turn: about z, radians; 0 looks along -y.
            size: factor on all lengths but the fur's thickness.
            strands: of the whole toy.
            lean: to its side, radians.
        """
        move = meshes.rotation(y=lean, z=turn)

        def put(shapes: Sequence[Shape]) -> Shape:
            return meshes.join(shapes).moved(foot, move, size)

        bare = [(move @ (at * size) + np.asarray(foot), radius * size) for at, radius in self.bare]
        everything = [blob.moved(foot, move, size) for blob in (*self.fur, *self.pale)]
        coats = [(blob, coat.fur) for blob in everything[: len(self.fur)]]
        coats += [(blob, coat.pale) for blob in everything[len(self.fur) :]]
        made = pile.grow(rng, coats, strands, coat.length * math.sqrt(size), coat.curl, bare)
        fabric = _felt("felt", coat.felt)
        black = materials.plain("glass eye", (0.006, 0.005, 0.005), 0.08, Coat_Weight=1.0)
        iris = materials.plain("iris", (0.16, 0.060, 0.014), 0.12, Coat_Weight=1.0)
        thread = materials.plain("thread", (0.016, 0.011, 0.010), 0.7)
        for name, shapes, material in (
            ("felt", self.felt, fabric),
            ("eyes", self.dark, black),
            ("irises", self.iris, iris),
            ("stitches", self.thread, thread),
            ("bow", self.bow, _cloth("bow", coat.bow)),
        ):
            if shapes:
                meshes.add(name, put(shapes), material, smooth=True)
        return made

    def both(self, parts: list[pile.Blob], blob: pile.Blob) -> None:
        """Add a part and its mirror image."""
        parts += [blob, blob.mirrored()]

    def eyes(self, centre: Array, radius: float) -> None:
        """Glass eyes at `centre` and its mirror image, with a brown rim."""
        for flip in (np.ones(3), MIRROR):
            at = centre * flip
            self.dark.append(meshes.sphere(radius, 18).moved(at))
            self.iris.append(meshes.sphere(radius * 1.22, 18).moved(np.add(at, (0.0, radius * 0.42, 0.0))))
            self.bare.append((np.add(at, (0.0, 0.0, 0.4 * radius)), radius * 1.75))

    def nose(self, centre: Array, size: float, mouth: float) -> None:
        """A stitched nose with satin stitches, and a mouth of thread below it."""
        self.thread.append(meshes.sphere(size, 16).moved(centre, scale=(1.25, 0.6, 0.85)))
        self.bare.append((centre, size * 1.3))
        for x in np.linspace(-0.9, 0.9, 9):
            high = 0.8 * math.sqrt(1.0 - (x * 0.9) ** 2) + 0.05
            line = np.array(
                [(1.2 * x, -0.45 * high, 0.85 * high), (1.1 * x, -0.75, 0.0), (0.9 * x, -0.4, -high)]
            )
            self.thread.append(meshes.tube(centre + size * line, 0.16 * size, 5))
        t = np.linspace(0.0, 1.0, 12)
        drop = np.stack([0 * t, -0.25 * size * (1 - t), -size * 0.6 - t * mouth * 0.5], axis=1)
        self.thread.append(meshes.tube(centre + drop, 0.17 * size, 6))
        for sign in (-1.0, 1.0):
            dip = mouth * (0.5 + 0.32 * np.sin(math.pi * t * 0.8))
            smile = np.stack([sign * mouth * 0.75 * t, 0.75 * mouth * t**2, -size * 0.6 - dip], axis=1)
            self.thread.append(meshes.tube(centre + smile, 0.17 * size, 6))

    def tie(self, neck: Array, around: float, width: float) -> None:
        """A ribbon round the neck with a bow in front."""
        ring = [
            (around * 0.98, -0.014),
            (around * 1.07, -0.007),
            (around * 1.07, 0.007),
            (around * 0.98, 0.014),
        ]
        self.bow.append(meshes.lathe(ring, 32).moved(neck))
        knot = np.add(neck, (0.0, -around * 1.13, 0.0))
        self.bow.append(meshes.sphere(0.013, 14).moved(knot, scale=(1.0, 0.8, 1.2)))
        u, v = np.meshgrid(np.linspace(0.0, 2 * math.pi, 25), np.linspace(-1.0, 1.0, 7))
        for sign in (-1.0, 1.0):
            swell = np.sin(u / 2)
            x = sign * width * swell * (1.0 - 0.08 * v**2)
            y = -0.012 * np.sin(u) * (1.0 + 0.5 * np.cos(3 * v))
            z = v * (0.006 + 0.022 * swell) + 0.012 * swell
            self.bow.append(meshes.grid(x, y, z).moved(knot))
            t, w = np.meshgrid(np.linspace(0.0, 1.0, 12), np.linspace(-1.0, 1.0, 4))
            tail_x = sign * (0.008 + width * 0.55 * t) + 0.010 * w
            tail_y = -0.012 - 0.012 * np.sin(5.0 * t) * t - 0.02 * t
            self.bow.append(meshes.grid(tail_x, tail_y, -0.085 * t + 0.003 * w + 0 * t).moved(knot))


def _felt(name: str, colour: Colour) -> object:
    shader = materials.Shader(name)
    fibres = shader.noise(160.0, 4.0)
    tint = shader.mix(fibres, tuple(0.6 * c for c in colour), tuple(min(1.0, 1.35 * c) for c in colour))
    return shader.done(shader.principled(tint, 0.95, Normal=shader.bump(fibres, 0.4, 0.003)))


def _cloth(name: str, colour: Colour) -> object:
    """A ribbon with a fine weave."""
    shader = materials.Shader(name)
    weave = shader.noise(220.0, 2.0)
    tint = shader.mix(weave, tuple(0.7 * c for c in colour), tuple(min(1.0, 1.2 * c) for c in colour))
    return shader.done(
        shader.principled(tint, 0.42, Sheen_Weight=0.25, Normal=shader.bump(weave, 0.2, 0.002))
    )


def _pad(centre: Array, radii: Vector, turn: Array | None = None) -> Shape:
    return meshes.sphere(1.0, 20).moved((0, 0, 0), scale=radii).moved(centre, turn)


def bear() -> Toy:
    """A sitting teddy bear, 0.42 m high."""
    toy = Toy()
    blob, at = pile.Blob, np.array
    toy.fur.append(blob(at((0.0, 0.01, 0.125)), at((0.105, 0.092, 0.130))))
    toy.pale.append(blob(at((0.0, -0.026, 0.118)), at((0.080, 0.070, 0.098)), shave=0.75))
    toy.fur.append(blob(at((0.0, -0.012, 0.315)), at((0.100, 0.088, 0.090))))
    toy.both(toy.fur, blob(at((0.050, -0.065, 0.282)), at((0.040, 0.038, 0.036)), shave=0.7))
    toy.pale.append(blob(at((0.0, -0.088, 0.288)), at((0.052, 0.048, 0.042)), shave=0.42))
    toy.both(
        toy.fur, blob(at((0.088, 0.0, 0.392)), at((0.040, 0.020, 0.040)), meshes.rotation(y=0.4), shave=0.75)
    )
    toy.felt += [
        _pad(at((x * 0.089, -0.0145, 0.389)), (0.026, 0.010, 0.026), meshes.rotation(y=x * 0.4))
        for x in (-1, 1)
    ]
    arm = meshes.rotation(x=0.55, y=-0.42)
    toy.both(toy.fur, blob(at((0.118, -0.035, 0.158)), at((0.042, 0.044, 0.095)), arm))
    leg = meshes.rotation(x=math.pi / 2 - 0.06, z=0.36)
    toy.both(toy.fur, blob(at((0.098, -0.115, 0.052)), at((0.050, 0.050, 0.115)), leg))
    for x in (-1, 1):
        sole = at((x * 0.140, -0.222, 0.062))
        toy.both(
            toy.fur, blob(at((0.137, -0.212, 0.066)), at((0.050, 0.030, 0.064)), meshes.rotation(z=0.36), 0.6)
        )
        toy.felt.append(
            _pad(np.add(sole, (x * 0.006, -0.016, 0.004)), (0.039, 0.012, 0.052), meshes.rotation(z=x * 0.36))
        )
    toy.eyes(at((0.041, -0.096, 0.336)), 0.0135)
    toy.nose(at((0.0, -0.136, 0.303)), 0.0145, 0.034)
    toy.tie(at((0.0, -0.004, 0.232)), 0.073, 0.060)
    return toy


def rabbit() -> Toy:
    """A sitting rabbit with long ears, one of them bent; 0.5 m high."""
    toy = Toy()
    blob, at = pile.Blob, np.array
    toy.fur.append(blob(at((0.0, 0.01, 0.115)), at((0.092, 0.085, 0.120))))
    toy.pale.append(blob(at((0.0, -0.024, 0.108)), at((0.070, 0.062, 0.090)), shave=0.75))
    toy.fur.append(blob(at((0.0, -0.012, 0.285)), at((0.082, 0.080, 0.080))))
    toy.both(toy.pale, blob(at((0.024, -0.078, 0.258)), at((0.034, 0.030, 0.028)), shave=0.5))
    toy.fur.append(
        blob(at((0.040, 0.002, 0.425)), at((0.027, 0.015, 0.095)), meshes.rotation(y=0.12), shave=0.7)
    )
    toy.fur.append(
        blob(at((-0.048, 0.002, 0.385)), at((0.027, 0.015, 0.062)), meshes.rotation(y=-0.30), shave=0.7)
    )
    toy.fur.append(
        blob(at((-0.090, -0.018, 0.412)), at((0.028, 0.015, 0.062)), meshes.rotation(y=-2.1), shave=0.7)
    )
    toy.felt.append(_pad(at((0.040, -0.0105, 0.425)), (0.015, 0.007, 0.075), meshes.rotation(y=0.12)))
    arm = meshes.rotation(x=0.5, y=-0.38)
    toy.both(toy.fur, blob(at((0.098, -0.035, 0.145)), at((0.034, 0.036, 0.085)), arm))
    leg = meshes.rotation(x=math.pi / 2, z=0.25)
    toy.both(toy.fur, blob(at((0.082, -0.125, 0.044)), at((0.042, 0.042, 0.125)), leg))
    for x in (-1, 1):
        toy.felt.append(
            _pad(at((x * 0.114, -0.247, 0.048)), (0.027, 0.010, 0.030), meshes.rotation(z=x * 0.25))
        )
    toy.eyes(at((0.045, -0.084, 0.306)), 0.0125)
    toy.nose(at((0.0, -0.106, 0.272)), 0.0095, 0.024)
    toy.tie(at((0.0, 0.0, 0.215)), 0.062, 0.056)
    return toy


def dog() -> Toy:
    """A lying dog with hanging ears, 0.26 m high, 0.5 m long."""
    toy = Toy()
    blob, at = pile.Blob, np.array
    toy.fur.append(blob(at((0.0, 0.16, 0.100)), at((0.098, 0.170, 0.098))))
    toy.fur.append(blob(at((0.0, -0.045, 0.205)), at((0.088, 0.086, 0.084))))
    toy.pale.append(blob(at((0.0, -0.120, 0.180)), at((0.056, 0.062, 0.044)), shave=0.6))
    toy.pale.append(blob(at((0.0, 0.005, 0.115)), at((0.074, 0.062, 0.085)), shave=1.1))
    toy.both(toy.fur, blob(at((0.092, -0.020, 0.178)), at((0.022, 0.040, 0.082)), meshes.rotation(y=0.22)))
    leg = meshes.rotation(x=math.pi / 2, z=-0.06)
    toy.both(toy.fur, blob(at((0.068, -0.060, 0.040)), at((0.036, 0.037, 0.120)), leg))
    toy.both(toy.pale, blob(at((0.062, -0.170, 0.040)), at((0.040, 0.044, 0.037)), shave=0.6))
    toy.both(toy.fur, blob(at((0.100, 0.235, 0.060)), at((0.052, 0.085, 0.062))))
    toy.fur.append(blob(at((0.02, 0.345, 0.11)), at((0.020, 0.072, 0.022)), meshes.rotation(x=0.6, z=0.3)))
    toy.eyes(at((0.040, -0.128, 0.236)), 0.0135)
    toy.nose(at((0.0, -0.178, 0.198)), 0.017, 0.034)
    toy.tie(at((0.0, 0.005, 0.140)), 0.076, 0.050)
    return toy


KINDS = {"bear": bear, "rabbit": rabbit, "dog": dog}
