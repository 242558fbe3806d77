"""What a researcher decides about a study, checked before any picture is read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from bokehbench.errors import ConfigError
from bokehbench.study.models import KINDS, Criterion, Kind, Scale
from bokehbench.study.stimuli import PHOTOGRAPHS

QUESTIONS: dict[Kind, str] = {
    "rating": "How good is the lens blur of this picture?",
    "pairwise": "Which picture has the better lens blur?",
    "best-of-n": "Which picture has the best lens blur?",
}
CRITERIA = {
    "quality": "",
    "accuracy": "Is the blur where it should be, and as strong as the distance from the focus asks for?",
    "realism": "Does it look like a photograph that was taken with a real lens?",
    "preference": "How much do you like the picture?",
}
"""Criteria that come with a sentence of their own; quality is what the question asks."""
NEED_FOCUS = ("accuracy",)
"""Of these, what nobody can judge who does not see where the focus is."""
DEFAULT_SCALE = "good/normal/bad"
MAX_PICTURES = 9
"""Pictures side by side in one question: each has a digit on the keyboard."""


@dataclass(frozen=True)
class Design:
    """Options of a study; `bokehbench study build --help` says what each is for.

    Raises:
        ConfigError: an option out of range, or one that its kind does not have.
    """

    kind: Kind
    methods: tuple[str, ...] = ()
    benchmarks: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    cases: int | None = None
    seed: int = 0
    subjects: int = 0
    each: int | None = None
    repeats: int = 0
    title: str = "Lens blur study"
    question: str = ""
    scale: str = ""
    criteria: tuple[str, ...] = ()
    ties: bool = True
    focus: Literal["image", "disparity", "none"] = "image"
    max_width: int | None = None
    consent: str = ""
    break_every: int = 30

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ConfigError(f"--kind {self.kind}: must be {', '.join(KINDS)}")
        if self.kind != "rating" and (self.scale or self.criteria):
            raise ConfigError(f"--scale and --criteria belong to --kind rating, not {self.kind}")
        smallest = {
            "cases": 1,
            "each": 1,
            "max_width": 64,
            "subjects": 0,
            "repeats": 0,
            "break_every": 0,
            "seed": 0,
        }
        for name, least in smallest.items():
            value = getattr(self, name)
            if value is not None and value < least:
                option = {"each": "trials"}.get(name, name).replace("_", "-")
                raise ConfigError(f"--{option} {value}: must be {least} or more")
        for name in self.also:
            if name not in PHOTOGRAPHS:
                raise ConfigError(f"--also {name}: must be {' or '.join(PHOTOGRAPHS)}")

    def asked(self) -> str:
        """The question that stands above the pictures."""
        return self.question or QUESTIONS[self.kind]

    def rating_scale(self) -> Scale | None:
        """The scale of a rating, None for the other kinds."""
        return parse_scale(self.scale or DEFAULT_SCALE) if self.kind == "rating" else None

    def rated(self) -> tuple[Criterion, ...]:
        """What is rated: as given; else quality on words, accuracy, realism and preference on numbers.

        Without focus crosses accuracy is not asked for, and refused where it is named.
        """
        scale = self.rating_scale()
        if scale is None:
            return ()
        unseen = NEED_FOCUS if self.focus == "none" else ()
        if named := [name for name in self.criteria if name in unseen]:
            raise ConfigError(
                f"--criteria {named[0]}: with --focus none nobody sees what the blur is to be judged by; "
                "choose --focus image, or leave it out"
            )
        usual = ("accuracy", "realism", "preference") if scale.numeric else ("quality",)
        names = self.criteria or tuple(name for name in usual if name not in unseen)
        for name in names:
            if not re.fullmatch(r"[^\s,|=][^,|=]{0,39}", name) or names.count(name) > 1:
                raise ConfigError(f"--criteria {','.join(names)}: names of 1 to 40 characters, each once")
        return tuple(
            Criterion(name=name, text=CRITERIA.get(name, ""), needs_focus=name in NEED_FOCUS)
            for name in names
        )


def parse_scale(text: str) -> Scale:
    """`1-5` (whole numbers, worst first) or labels from best to worst, `good/normal/bad`.

    Raises:
        ConfigError: fewer than 2 or more than 9 answers, or one twice.
    """
    numbers = re.fullmatch(r"([0-9]{1,3})-([0-9]{1,3})", text)
    if numbers:
        low, high = int(numbers[1]), int(numbers[2])
        labels = [str(value) for value in range(low, min(high, low + 9) + 1)]
    else:
        labels = [label.strip() for label in text.split("/")]
    if not 2 <= len(labels) <= 9 or len(set(labels)) < len(labels) or not all(labels):
        raise ConfigError(f"--scale {text!r}: 2 to 9 different answers, as in 1-5 or {DEFAULT_SCALE}")
    return Scale(labels=tuple(labels), numeric=numbers is not None)
