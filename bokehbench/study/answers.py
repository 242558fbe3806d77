"""Answers that participants sent back: read, checked against the page's own order, and unblinded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bokehbench.errors import InputError
from bokehbench.records import read_json
from bokehbench.study.models import TIE, Answer, AnswerFile, Key, Study, StudyCase, read_model
from bokehbench.study.order import plan, subject_hash


@dataclass(frozen=True)
class Participant:
    """One person's answers, checked.

    Attributes:
        code: as typed or given out.
        path: the file.
        answers: in the order in which they were given, repeats included.
        asked: number of questions that the page has for this code.
    """

    code: str
    path: Path
    answers: tuple[Answer, ...]
    asked: int

    @property
    def complete(self) -> bool:
        """Whether every question was answered."""
        return len(self.answers) == self.asked

    @property
    def counted(self) -> list[Answer]:
        """The first answer to every question."""
        return [answer for answer in self.answers if not answer.repeat]

    def repeated(self) -> Iterator[tuple[Answer, Answer]]:
        """First and second answer to every question that was asked twice."""
        first = {answer.trial: answer for answer in self.counted}
        yield from ((first[answer.trial], answer) for answer in self.answers if answer.repeat)


@dataclass(frozen=True)
class Verdict:
    """One answer, unblinded; what analyses of one's own start from.

    Attributes:
        among: methods shown, in the order of reports.
        chosen: the method; None for a tie and for ratings.
    """

    participant: str
    trial: str
    repeat: bool
    case: StudyCase
    among: tuple[str, ...]
    chosen: str | None
    ratings: dict[str, str]
    seconds: float


def read_answers(paths: Sequence[Path], study: Study, key: Key) -> tuple[list[Participant], list[str]]:
    """Read answer files, or folders of them, sorted by code, and say what was done about double ones.

    Raises:
        InputError: no file; one that is not of this study, was not written by its page, or contradicts
            another of the same participant.
    """
    found: dict[str, Participant] = {}
    notes: list[str] = []
    for path in _files(paths):
        one = _checked(path, study, key)
        other = found.get(one.code)
        if other is not None:
            shorter, longer = sorted((one, other), key=lambda p: (len(p.answers), p.path.as_posix()))
            if longer.answers[: len(shorter.answers)] != shorter.answers:
                raise InputError(
                    f"{one.path} and {other.path}: two participants with the code {one.code}, or one who "
                    "began again; leave one file out"
                )
            notes.append(f"{one.code}: sent twice, the fuller file counts ({len(longer.answers)} answers)")
            one = longer
        found[one.code] = one
    return [found[code] for code in sorted(found)], sorted(notes)


def _files(paths: Sequence[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not inside:
            raise InputError(f"{path}: no .json file in this folder")
        files += inside
    return sorted(dict.fromkeys(files))


def _checked(path: Path, study: Study, key: Key) -> Participant:
    file = read_model(AnswerFile, path, read_json(path))
    if file.study != study.hash:
        raise InputError(f"{path}: answers to study {file.study}, not to {study.hash}; leave it out")
    if study.subjects and (file.code not in key.codes or subject_hash(file.code) not in study.subjects):
        raise InputError(f"{path}: {file.code} is not a code of this study; leave it out")
    if study.consent and not file.consent:
        raise InputError(f"{path}: {file.code} did not consent; leave it out")
    steps = plan(study, file.code)
    if len(file.answers) > len(steps):
        raise InputError(f"{path}: {len(file.answers)} answers to {len(steps)} questions; not of the page")
    for number, (answer, step) in enumerate(zip(file.answers, steps, strict=False)):
        where = f"{path}: answer {number + 1}"
        if (answer.trial, answer.repeat, answer.shown) != (step.trial, step.repeat, step.shown):
            raise InputError(
                f"{where}: not the question that the page asks {file.code} there; was it edited?"
            )
        _check_answer(where, answer, study)
    return Participant(file.code, path, file.answers, len(steps))


def _check_answer(where: str, answer: Answer, study: Study) -> None:
    if study.scale is not None:
        wanted = {criterion.name for criterion in study.criteria_of(answer.trial)}
        if answer.choice is not None or answer.ratings.keys() != wanted:
            raise InputError(f"{where}: must rate {', '.join(sorted(wanted))} and nothing else")
        for name, label in answer.ratings.items():
            if label not in study.scale.labels:
                raise InputError(f"{where}: {name} is {label!r}, not one of {', '.join(study.scale.labels)}")
        return
    allowed = (*answer.shown, *([TIE] if study.ties else []))
    if answer.ratings or answer.choice not in allowed:
        raise InputError(f"{where}: {answer.choice!r} is not a choice of this question")


def unblind(participant: Participant, key: Key) -> list[Verdict]:
    """A participant's answers with the names of methods and cases."""
    order = {label: index for index, label in enumerate(key.methods)}
    verdicts = []
    for answer in participant.answers:
        pictures = [key.pictures[name] for name in answer.shown]
        chosen = None if answer.choice in (None, TIE) else key.pictures[str(answer.choice)].label
        verdicts.append(
            Verdict(
                participant=participant.code,
                trial=answer.trial,
                repeat=answer.repeat,
                case=key.cases[pictures[0].case],
                among=tuple(sorted((p.label for p in pictures), key=order.__getitem__)),
                chosen=chosen,
                ratings=dict(answer.ratings),
                seconds=answer.seconds,
            )
        )
    return verdicts


def contradicts(first: Answer, again: Answer, study: Study) -> bool:
    """Whether two answers to one question contradict each other.

    Ratings by more than one step of the scale in any criterion; choices by naming two pictures (a tie
    contradicts neither).
    """
    if study.scale is not None:
        steps = study.scale.labels.index
        return any(abs(steps(first.ratings[n]) - steps(again.ratings[n])) > 1 for n in first.ratings)
    return TIE not in (first.choice, again.choice) and first.choice != again.choice
