"""Handout: what a student is given, and what comes back: an answer of the right form."""

import difflib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from numbers import Real
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from ..data import write_whole
from ..errors import LessonError, UnitError
from ..lessons import Answer, Question
from ..plugins import suggest
from ..units import quantity

HANDOUT, LAB, ANSWER = "exercise.json", "lab.toml", "answer.json"  # names of files
_LARGEST = 2**20  # [byte] of one of these


@dataclass(frozen=True, slots=True)
class Handout:
    """What a student may know of a lesson.

    Attributes:
        lesson: Its name.
        title: For people.
        student: Whose sample it is.
        course: Name of the course.
        tag: What tells that an answer belongs to this sample.
        questions: What is asked, by name.
    """

    lesson: str
    title: str
    student: str
    course: str
    tag: str
    questions: Mapping[str, Question]

    def write(self, folder: Path) -> Path:
        """Write it to its file in a folder; returns the file."""
        return write_whole(folder / HANDOUT, json.dumps(asdict(self), indent=1).encode())

    @classmethod
    def read(cls, folder: Path) -> "Handout":
        """Read it from a folder.

        Raises:
            LessonError: There is none, or it cannot be used.
        """
        handout: Handout = _read(folder / HANDOUT, TypeAdapter(cls), "handout of a lesson")
        return handout


@dataclass(frozen=True, slots=True)
class AnswerSheet:
    """What a student hands in.

    Attributes:
        lesson: Name of the lesson.
        student: Who answers.
        course: Name of the course.
        tag: Of the sample.
        attempt: The how-manieth it is, from 1.
        answers: By name of the question; numbers in SI units.
    """

    lesson: str
    student: str
    course: str
    tag: str
    attempt: int
    answers: Mapping[str, Answer]

    def write(self, path: Path) -> Path:
        """Write it to a file; returns the file."""
        return write_whole(path, json.dumps(asdict(self), indent=1).encode())

    @classmethod
    def read(cls, path: Path) -> "AnswerSheet":
        """Read one from a file.

        Raises:
            LessonError: There is none, or it cannot be used.
        """
        sheet: AnswerSheet = _read(path, TypeAdapter(cls), "answer sheet")
        return sheet


def checked(questions: Mapping[str, Question], answers: Mapping[str, Any]) -> dict[str, Answer]:
    """Turn what a student has written into answers of the form that is asked for.

    Args:
        questions: What is asked, by name.
        answers: Numbers in SI units, text with a unit such as "412 nm", words, and sequences where
            several numbers are asked for; by name of the question.

    Raises:
        LessonError: An answer is missing, too many, or of the wrong form or unit.
    """
    for name in answers:
        if name not in questions:
            raise LessonError(
                f"there is no question {name!r}{suggest(name, questions)} "
                f"(questions: {', '.join(questions)})"
            )
    missing = [name for name in questions if name not in answers]
    if missing:
        raise LessonError(f"no answer to {', '.join(missing)}")
    return {name: _checked(name, each, answers[name]) for name, each in questions.items()}


def _checked(name: str, question: Question, value: Any) -> Answer:
    if question.options:
        if value not in question.options:
            close = difflib.get_close_matches(str(value), question.options, n=1)
            meant = f"; did you mean {close[0]!r}?" if close else ""
            raise LessonError(f"{name}: {value!r} is none of {', '.join(question.options)}{meant}")
        return str(value)
    if question.size == 1:
        return _number(name, question.unit, value)
    if isinstance(value, str) or not hasattr(value, "__len__") or len(value) != question.size:
        raise LessonError(f"{name}: {question.size} numbers are asked for, got {value!r}")
    return tuple(_number(name, question.unit, each) for each in value)


def _number(name: str, unit: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, str | Real):
        raise LessonError(f"{name}: a number in {unit} or text with a unit, got {value!r}")
    try:
        number = quantity(value if isinstance(value, str) else float(value), unit)
    except UnitError as error:
        raise LessonError(f"{name}: {error}") from error
    if not math.isfinite(number):
        raise LessonError(f"{name}: a finite number is asked for, got {value!r}")
    return number


def _read(path: Path, form: TypeAdapter[Any], what: str) -> Any:
    try:
        with path.open("rb") as stream:
            text = stream.read(_LARGEST + 1)
    except FileNotFoundError as error:
        raise LessonError(f"{path}: there is no {what}") from error
    except OSError as error:
        raise LessonError(f"{path}: the {what} cannot be read: {error.strerror}") from error
    if len(text) > _LARGEST:
        raise LessonError(f"{path}: larger than any {what}")
    try:
        return form.validate_json(text)
    except (ValidationError, ValueError) as error:
        said = error.errors()[0] if isinstance(error, ValidationError) else {"msg": str(error)}
        place = ".".join(str(each) for each in said.get("loc", ()))
        raise LessonError(f"{path}: no {what}: {place or 'all of it'}: {said['msg']}") from error


def listed(questions: Mapping[str, Question]) -> Sequence[str]:
    """Say what is asked, a line for each question."""
    lines = []
    for name, each in questions.items():
        numbers = f"{each.size} numbers in {each.unit}" if each.size > 1 else f"in {each.unit}"
        form = " | ".join(each.options) if each.options else numbers
        lines.append(f"{name}: {each.text} [{form}] ({each.points:g} points)")
    return lines
