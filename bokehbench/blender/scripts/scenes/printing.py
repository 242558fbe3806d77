"""Type and printed matter: sentences of neutral words, set in columns, as flat geometry on sheets.

A sheet lies in the xy plane around its middle, read from -y, its face towards +z; metres.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy
import numpy as np

from bokehbench.blender.scripts import meshes
from bokehbench.blender.scripts.meshes import Array, Shape

INK_HEIGHT = 0.0002
"""Metres that print lies above its paper."""
Bend = Callable[[Array], Array]

_NOUNS = """
tide bridge orchard lantern harbour garden river window market kettle valley meadow tower clock letter path
hill cloud sail library train ferry winter spring lamp square fountain bakery island museum lighthouse wall
roof station street morning evening wind rain map atlas stone willow heron ladder
"""
_ADJECTIVES = """
quiet early northern narrow bright wooden distant old small copper gentle late busy clear long new painted
southern slow steady tall warm wide
"""
_VERBS = """
crosses follows opens meets keeps finds leaves joins reaches passes holds moves turns lights covers shows
carries measures
"""
NOUNS, ADJECTIVES, VERBS = _NOUNS.split(), _ADJECTIVES.split(), _VERBS.split()
JOINTS = ("beside", "under", "above", "near", "behind", "beyond", "along", "before", "after", "across")
TITLES = (
    "The Morning Sheet",
    "Harbour Courier",
    "The Evening Plane",
    "Daily Lantern",
    "The River Post",
    "Northern Observer",
)
MAGAZINES = ("FIELD", "ORBIT", "HARBOUR", "GARDEN", "PAPER", "ATLAS", "LUMEN", "TIMBER", "VOYAGE", "CLOUD")


def sentence(rng: np.random.Generator) -> str:
    """One sentence about things."""

    def some(words: Sequence[str]) -> str:
        return words[int(rng.integers(len(words)))]

    parts = ["the", some(ADJECTIVES), some(NOUNS), some(VERBS), "the", some(NOUNS)]
    if rng.random() < 0.7:
        parts += [some(JOINTS), "the", some(ADJECTIVES), some(NOUNS)]
    if rng.random() < 0.35:
        parts[-1] += ","
        parts += ["and", "the", some(NOUNS), some(VERBS), "a", some(NOUNS)]
    if rng.random() < 0.15:
        parts += ["at", f"{int(rng.integers(1, 12))}", "o'clock"]
    return " ".join(parts).capitalize() + "."


def headline(rng: np.random.Generator) -> str:
    """A few words."""
    words = [str(rng.choice(ADJECTIVES)), str(rng.choice(NOUNS)), str(rng.choice(VERBS)), "the"]
    return " ".join([*words, str(rng.choice(NOUNS))]).capitalize()


def prose(rng: np.random.Generator, length: int) -> str:
    """Sentences of about `length` characters in paragraphs."""
    text = ""
    while len(text) < length:
        text += sentence(rng) + ("\n   " if rng.random() < 0.2 else " ")
    return text


def set_type(
    body: str,
    size: float,
    *,
    box: tuple[float, float] | None = None,
    weight: float = 0.0,
    slant: float = 0.0,
    align: str = "JUSTIFY",
) -> Shape:
    """Text as triangles, its upper left corner at the origin.

    Args:
        body: what it says.
        size: height of a line's type, metres.
        box: width and height of the column, filled and cut; None sets one line as long as it gets.
        weight: strokes are thicker by this share of the size on both sides.
        slant: shear of italics.
        align: of a column: JUSTIFY, LEFT or CENTER.
    """
    curve = bpy.data.curves.new("type", "FONT")
    # Set large and scaled down: Blender's fill of tiny curves loses their counters.
    curve.body, curve.size, curve.resolution_u = body, 1.0, 1 if size < 0.009 else 3
    curve.offset, curve.shear, curve.space_line = weight, slant, 0.97
    if box:
        curve.align_x, curve.overflow = align, "TRUNCATE"
        curve.text_boxes[0].width, curve.text_boxes[0].height = box[0] / size, box[1] / size
    thing = bpy.data.objects.new("type", curve)
    mesh = bpy.data.meshes.new_from_object(thing)
    mesh.calc_loop_triangles()
    vertices = np.zeros(3 * len(mesh.vertices), np.float32)
    faces = np.zeros(3 * len(mesh.loop_triangles), np.int32)
    mesh.vertices.foreach_get("co", vertices)
    mesh.loop_triangles.foreach_get("vertices", faces)
    bpy.data.objects.remove(thing)
    bpy.data.curves.remove(curve)
    bpy.data.meshes.remove(mesh)
    points = vertices.reshape(-1, 3).astype(np.float64) * size
    if len(points):
        points -= (0.0 if box else points[:, 0].min(), points[:, 1].max(), 0.0)
    return Shape(points, faces.reshape(-1, 3).astype(np.int64))


def extent(shape: Shape) -> tuple[float, float]:
    """Width and height of flat type."""
    if not len(shape.vertices):
        return 0.0, 0.0
    wide, high, _ = np.ptp(shape.vertices, axis=0)
    return float(wide), float(high)


def patch(low: tuple[float, float], high: tuple[float, float], steps: tuple[int, int] = (12, 12)) -> Shape:
    """A flat rectangle with enough vertices to be bent."""
    x, y = np.meshgrid(np.linspace(low[0], high[0], steps[0] + 1), np.linspace(low[1], high[1], steps[1] + 1))
    return meshes.grid(x, y, np.zeros_like(x))


@dataclass
class Sheet:
    """Printed matter before it is put anywhere: flat shapes and their materials.

    Attributes:
        width, height: metres.
        stock: material of the paper.
        marks: (shape, material) from below to above.
    """

    width: float
    height: float
    stock: Any
    marks: list[tuple[Shape, Any]] = field(default_factory=list)

    def mark(self, shape: Shape, material: Any, place: tuple[float, float] = (0.0, 0.0)) -> None:
        """Print a flat shape at a place that counts from the sheet's upper left corner, y downwards < 0."""
        inks = list(dict.fromkeys([*(other for _, other in self.marks), material]))
        level = INK_HEIGHT * (1 + inks.index(material))
        corner = (place[0] - self.width / 2, place[1] + self.height / 2, level)
        self.marks.append((shape.moved(corner), material))

    def enlarged(self, factor: float) -> Sheet:
        """The same sheet in another size."""
        marks = [(shape.moved((0, 0, 0), scale=(factor, factor, 1.0)), ink) for shape, ink in self.marks]
        return Sheet(self.width * factor, self.height * factor, self.stock, marks)

    def make(self, name: str, bend: Bend | None = None, steps: tuple[int, int] = (24, 24)) -> list[Any]:
        """The sheet's objects (one per material), bent by a function of its points [N, 3]."""
        half = (self.width / 2, self.height / 2)
        layers: dict[Any, list[Shape]] = {self.stock: [patch((-half[0], -half[1]), half, steps)]}
        for shape, material in self.marks:
            layers.setdefault(material, []).append(shape)
        things = []
        for material, shapes in layers.items():
            flat = meshes.join(shapes)
            bent = Shape(bend(flat.vertices), flat.faces) if bend else flat
            things.append(meshes.add(f"{name} {material.name}", bent, material, smooth=bend is not None))
        return things


def front_page(rng: np.random.Generator, title: str, look: dict[str, Any], picture: Any) -> Sheet:
    """The upper half of a newspaper: title, lines, headline, picture, columns.

    Args:
        rng: writes it.
        title: of the newspaper.
        look: materials `newsprint`, `ink`, `red`.
        picture: material of its photograph.
    """
    sheet = Sheet(0.42, 0.31, look["newsprint"])
    ink, margin, gap = look["ink"], 0.014, 0.007
    inner = sheet.width - 2 * margin
    y = _masthead(rng, sheet, title, ink, margin)
    columns = 4
    pitch = (inner + gap) / columns
    lefts = [margin + pitch * index for index in range(columns)]
    tops = [y - 0.006] * columns
    first = int(rng.integers(0, 2))  # where the main story begins
    story = range(first, first + 3)
    span = 3 * pitch - gap
    lead = set_type(headline(rng), 0.034, weight=0.014)
    lead = lead.moved((0, 0, 0), scale=(span / extent(lead)[0], min(1.0, 1.3 * span / extent(lead)[0]), 1))
    sheet.mark(lead, ink, (lefts[first], tops[first]))
    for index in story:
        tops[index] -= extent(lead)[1] + 0.008
    shown = first + int(rng.integers(0, 2))  # the picture is two columns wide
    tall = float(rng.uniform(0.085, 0.10))
    x, top = lefts[shown], tops[shown]
    sheet.mark(patch((x, top - tall), (x + 2 * pitch - gap, top)), picture)
    sheet.mark(set_type(sentence(rng)[:48] + ".", 0.0068, slant=0.2), ink, (x, top - tall - 0.003))
    for index in (shown, shown + 1):
        tops[index] -= tall + 0.014
    for index in range(columns):
        if index not in story:
            kicker = set_type(headline(rng), 0.013, box=(pitch - gap, 0.05), weight=0.012, align="LEFT")
            sheet.mark(kicker, ink, (lefts[index], tops[index]))
            tops[index] -= extent(kicker)[1] + 0.005
        _column(rng, sheet, ink, lefts[index], tops[index], pitch - gap, -sheet.height + 0.008)
        if index:
            line = lefts[index] - gap / 2
            low, high_ = -sheet.height + 0.01, tops[index]
            sheet.mark(patch((line - 0.00025, low), (line + 0.00025, high_), (1, 24)), ink)
    return sheet


def _masthead(rng: np.random.Generator, sheet: Sheet, title: str, ink: Any, margin: float) -> float:
    """Title, number, price and date between rules; y below them."""
    inner, right = sheet.width - 2 * margin, sheet.width - margin
    name = set_type(title, 0.044, weight=0.018)
    name = name.moved((0, 0, 0), scale=min(1.0, 0.74 * inner / extent(name)[0]))
    wide, high = extent(name)
    sheet.mark(name, ink, ((sheet.width - wide) / 2, -0.012))
    for note, x in ((f"No {int(rng.integers(1000, 9999))}", margin), ("Price 40", right - 0.034)):
        sheet.mark(set_type(note, 0.0085), ink, (x, -0.014))
    y = -0.018 - high
    sheet.mark(patch((margin, y - 0.0012), (right, y), (24, 1)), ink)
    day = f"{rng.choice(['Monday', 'Tuesday', 'Thursday', 'Saturday'])}   -   two parts   -   "
    sheet.mark(set_type(day + headline(rng), 0.0078, slant=0.2), ink, (margin, y - 0.0035))
    y -= 0.0128
    sheet.mark(patch((margin, y - 0.0005), (right, y), (24, 1)), ink)
    return y


def _column(
    rng: np.random.Generator, sheet: Sheet, ink: Any, x: float, top: float, width: float, bottom: float
) -> None:
    """Text from `top` down to `bottom`, with a small headline in between where there is room."""
    size = 0.0066
    while top - bottom > 2.5 * size:
        stop = bottom
        if top - bottom > 0.12:
            stop = top - float(rng.uniform(0.4, 0.6)) * (top - bottom)
        height = top - stop
        body = set_type(prose(rng, int(3.2 * width * height / size**2)), size, box=(width, height))
        sheet.mark(body, ink, (x, top))
        top = stop - 0.004
        if stop > bottom:
            small = set_type(headline(rng), 0.0115, box=(width, 0.04), weight=0.012, align="LEFT")
            sheet.mark(patch((x, top), (x + width, top + 0.0006), (8, 1)), ink)
            sheet.mark(small, ink, (x, top - 0.003))
            top -= extent(small)[1] + 0.007


def cover(rng: np.random.Generator, title: str, look: dict[str, Any], picture: Any) -> Sheet:
    """A magazine's cover: a picture to the edges, title, lines, a price and a bar code.

    Args:
        rng: writes it.
        title: of the magazine.
        look: materials `gloss`, `white`, `ink`, `red`, `yellow`.
        picture: material of the cover's picture.
    """
    sheet = Sheet(0.21, 0.28, look["gloss"])
    wide, high = sheet.width, sheet.height
    inset = float(rng.choice((0.0, 0.008)))
    sheet.mark(patch((inset, -high + inset), (wide - inset, -inset), (16, 16)), picture)
    colour = look[str(rng.choice(("white", "red", "yellow", "ink")))]
    name = set_type(title, 0.05, weight=0.012)
    width = extent(name)[0]
    sheet.mark(
        name.moved((0, 0, 0), scale=(0.182 / width, min(1.35, 0.182 / width), 1)), colour, (0.014, -0.015)
    )
    lines = look["white"]
    for y in (-0.17, -0.205, -0.24)[: int(rng.integers(2, 4))]:
        sheet.mark(set_type(headline(rng).split(" the ")[0], 0.0145, weight=0.008), lines, (0.016, y))
        sheet.mark(set_type(sentence(rng)[:30], 0.0082), lines, (0.016, y - 0.015))
    _bar_code(rng, sheet, look, (wide - 0.052, -high + 0.034))
    if rng.random() < 0.6:
        turn = np.linspace(0.0, 2 * np.pi, 37)
        ring = np.array([0.0, 1.0])[:, None]
        disc = meshes.grid(0.021 * ring * np.cos(turn), 0.021 * ring * np.sin(turn), 0.0 * ring * turn)
        sheet.mark(disc, look["red"], (wide - 0.035, -0.10))
        label = set_type(f"{int(rng.integers(2, 9))}.50", 0.016, weight=0.01)
        sheet.mark(label, look["white"], (wide - 0.035 - extent(label)[0] / 2, -0.0945))
    return sheet


def _bar_code(
    rng: np.random.Generator, sheet: Sheet, look: dict[str, Any], place: tuple[float, float]
) -> None:
    x, y = place
    sheet.mark(patch((x, y - 0.026), (x + 0.044, y), (6, 4)), look["white"])
    bars, at = [], 0.003
    while at < 0.040:
        thick = 0.0006 * int(rng.integers(1, 4))
        bars.append(patch((at, -0.020), (at + thick, -0.002), (1, 1)))
        at += thick + 0.0006 * int(rng.integers(1, 3))
    sheet.mark(meshes.join(bars), look["ink"], (x, y))
    sheet.mark(set_type("4 0718 2954", 0.005), look["ink"], (x + 0.006, y - 0.0215))


def book_page(rng: np.random.Generator, look: dict[str, Any], number: int) -> Sheet:
    """A page of a book: running title, text, page number."""
    sheet = Sheet(0.15, 0.21, look["cream"])
    ink, margin = look["ink"], 0.016
    title = set_type(headline(rng).upper(), 0.0062)
    sheet.mark(title, ink, ((sheet.width - extent(title)[0]) / 2, -0.010))
    width, top = sheet.width - 2 * margin, -0.022
    if number % 2:
        chapter = set_type(str(rng.choice(NOUNS)).capitalize(), 0.018, weight=0.006)
        sheet.mark(chapter, ink, ((sheet.width - extent(chapter)[0]) / 2, -0.032))
        top = -0.062
    height = sheet.height - 0.02 + top
    body = set_type(prose(rng, int(3.0 * width * height / 0.0070**2)), 0.0070, box=(width, height))
    sheet.mark(body, ink, (margin, top))
    sheet.mark(set_type(str(number), 0.0065), ink, (sheet.width / 2 - 0.004, -sheet.height + 0.014))
    return sheet
