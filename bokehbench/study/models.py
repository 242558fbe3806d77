"""What the files of a study hold: the page's content, the key that unblinds it, a participant's answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from bokehbench.errors import InputError
from bokehbench.records import read_json, sha256_json

Kind = Literal["rating", "pairwise", "best-of-n"]
KINDS: tuple[Kind, ...] = ("rating", "pairwise", "best-of-n")
CODE = r"[A-Z0-9_-]{1,32}"
TIE = "tie"
DATA = "assets/data.js"
DATA_BEFORE, DATA_AFTER = "window.STUDY=", ";\n"


class Strict(BaseModel):
    """Unknown keys are refused, nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Scale(Strict):
    """Answers to a criterion, as they stand from left to right.

    Attributes:
        labels: what is written on the buttons.
        numeric: the labels are whole numbers, worst first, and have a mean.
    """

    labels: tuple[str, ...] = Field(min_length=2, max_length=9)
    numeric: bool


class Criterion(Strict):
    """What a rating is about, and the sentence that participants read.

    Attributes:
        needs_focus: asked only where the input has a focus cross.
    """

    name: str
    text: str = ""
    needs_focus: bool = False

    @model_serializer(mode="wrap")
    def _plain(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without `needs_focus` where that is not so, as in studies that were built before there was any."""
        content: dict[str, Any] = handler(self)
        if not self.needs_focus:
            del content["needs_focus"]
        return content


class Trial(Strict):
    """One question.

    Attributes:
        id: says nothing about case or method.
        input: name of the all-in-focus picture.
        pictures: names of the pictures to be judged, in the order of their (random) names.
        size: (W, H) of the frame in which all of them are shown, pixels.
        focus: (x, y) of the focus cross as shares of width and height; None without one.
        disparity: name of the disparity map, where it is shown.
    """

    id: str
    input: str
    pictures: tuple[str, ...] = Field(min_length=1)
    size: tuple[int, int]
    focus: tuple[float, float] | None = None
    disparity: str | None = None


class Study(Strict):
    """All that the page knows; nothing in it tells a method.

    Attributes:
        hash: over everything else; answers carry it.
        each: questions a participant gets; None for all.
        repeats: questions asked twice, as a check of attention.
        subjects: `order.hash32` of the codes that may take part; empty for any code.
        assigned: for each subject, the trials by position in `trials`; empty where all get the same.
        files: picture name -> sha256 of its file.
    """

    version: Literal["bokehbench.study/1"] = Field(alias="schema", default="bokehbench.study/1")
    hash: str = ""
    kind: Kind
    title: str
    question: str
    scale: Scale | None = None
    criteria: tuple[Criterion, ...] = ()
    ties: bool = False
    consent: str = ""
    repeats: int = 0
    break_every: int = 0
    each: int | None = None
    subjects: tuple[int, ...] = ()
    assigned: tuple[tuple[int, ...], ...] = ()
    trials: tuple[Trial, ...]
    files: Mapping[str, str]

    def with_hash(self) -> Study:
        """The same with its hash."""
        return self.model_copy(update={"hash": self.digest()})

    def criteria_of(self, trial: str) -> tuple[Criterion, ...]:
        """What is to be rated in a question: without a focus cross nothing that needs one."""
        focus = next(one.focus for one in self.trials if one.id == trial)
        return tuple(one for one in self.criteria if focus is not None or not one.needs_focus)

    def digest(self) -> str:
        """First 16 digits of the hash over everything but `hash`."""
        content = self.model_dump(mode="json", by_alias=True, exclude={"hash"})
        return sha256_json(content)[:16]


class Picture(Strict):
    """What a picture's random name stands for.

    Attributes:
        case: its case, by position in `Key.cases`.
        label: the method as reports print it.
        made_by: `method@version`, or the name of the photograph (`reference`, `target`).
        weights: first digits of the weights' hash, or `none`.
        prediction: sha256 of the file in the results folder.
    """

    case: int
    label: str
    made_by: str
    weights: str
    prediction: str


class StudyCase(Strict):
    """A case that the study shows."""

    benchmark: str
    protocol: str
    case: str
    scene: str
    level: str


class Key(Strict):
    """What stays with the researcher.

    Attributes:
        study: hash of the page it unblinds.
        seed: of every random draw of the design.
        methods: labels in the order of reports.
        cases: what `Picture.case` counts in.
        pictures: random name -> what it is.
        codes: participants' codes, where they were given out.
        notes: what was left out when the study was built.
    """

    version: Literal["bokehbench.study-key/1"] = Field(alias="schema", default="bokehbench.study-key/1")
    study: str
    seed: int
    methods: tuple[str, ...]
    cases: tuple[StudyCase, ...]
    pictures: Mapping[str, Picture]
    codes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Answer(Strict):
    """One answered question.

    Attributes:
        shown: the pictures from left to right.
        choice: the picture chosen, or `tie`; None for ratings.
        ratings: criterion -> label; empty for choices.
        seconds: from the moment the pictures were there, without the time in which the page was hidden.
    """

    trial: str
    repeat: bool
    shown: tuple[str, ...]
    choice: str | None = None
    ratings: Mapping[str, str] = Field(default_factory=dict)
    seconds: Annotated[float, Field(ge=0, le=1e7, allow_inf_nan=False)]


class AnswerFile(Strict):
    """What the page gives a participant to send back; `saved` and `started` are UTC, ISO 8601."""

    version: Literal["bokehbench.answers/1"] = Field(alias="schema")
    study: str
    code: Annotated[str, Field(pattern=rf"^{CODE}$")]
    started: str
    saved: str
    consent: bool
    screen: tuple[int, int]
    answers: tuple[Answer, ...]


Model = TypeVar("Model", bound=Strict)


def read_model(model: type[Model], path: Path, content: Any) -> Model:
    """Check what a file holds; InputError with the first thing that is wrong in it."""
    try:
        return model.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "content"
        raise InputError(f"{path}: {where}: {first['msg']}") from error


def read_study(folder: Path) -> Study:
    """The study of a page's folder; InputError where it is none, or was changed since it was built."""
    import json

    path = folder / DATA
    try:
        text = path.read_text()
        if not (text.startswith(DATA_BEFORE) and text.endswith(DATA_AFTER)):
            raise ValueError("does not begin as the page's data")
        content = json.loads(text[len(DATA_BEFORE) : -len(DATA_AFTER)])
    except (OSError, ValueError) as error:
        raise InputError(f"{folder}: not a study that bokehbench study build made ({error})") from error
    study = read_model(Study, path, content)
    if study.digest() != study.hash:
        raise InputError(f"{path}: was changed since it was built; its hash is no longer {study.hash}")
    return study


def read_key(path: Path, study: Study) -> Key:
    """The key of a study; InputError where it is another's."""
    key = read_model(Key, path, read_json(path))
    if key.study != study.hash:
        raise InputError(f"{path}: the key of study {key.study}, not of {study.hash}; name the right --key")
    return key
