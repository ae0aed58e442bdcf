"""Lesson: a question that a student answers with a microscope whose truth only the grader sees.

A lesson says which simulated microscope the student gets for a seed, what is asked, and how an
answer is marked against the truth. Lessons are plugins of the kind `lessons`.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from . import units

Answer = float | str | tuple[float, ...]

NEAR = 2.5  # times the tolerance: up to there an answer is worth half its points


@dataclass(frozen=True, slots=True)
class Question:
    """What a student hands in.

    Attributes:
        text: What is asked, in one sentence.
        unit: Unit of a number, or of each of several, "1" for one without; "" for a word.
        options: The words that there are; empty for numbers.
        size: How many numbers; 1 for one.
        points: Most points that it is worth.
    """

    text: str
    unit: str = ""
    options: tuple[str, ...] = ()
    size: int = 1
    points: float = 1.0

    def __post_init__(self) -> None:
        if bool(self.unit) is bool(self.options):
            raise ValueError("a question has a unit, or words to choose from")


@dataclass(frozen=True, slots=True)
class Mark:
    """What an answer is worth.

    Attributes:
        question: Name of the question.
        points: Points given.
        most: Most points that it was worth.
        said: Why, in one line for the student; it does not give the truth away.
    """

    question: str
    points: float
    most: float
    said: str


@dataclass(frozen=True, slots=True)
class Tolerance:
    """By how much an answer may be off; the same for all students, so it says nothing of the truth.

    Attributes:
        amount: The most, in the unit of the question, or as a share of the truth.
        is_share: Whether it is a share.
    """

    amount: float
    is_share: bool = False

    def allowed(self, truth: Sequence[float]) -> float:
        """Return the most that an answer may be off, in the unit of the question."""
        return self.amount * (math.hypot(*truth) if self.is_share else 1.0)

    def words(self, unit: str) -> str:
        """Say it for the student."""
        return f"{100 * self.amount:.3g}%" if self.is_share else units.format(self.amount, unit, 3)


class Lesson(ABC):
    """A lesson, the same for all students but for the seed of the sample.

    Attributes:
        number: Its place in the course.
        name: As the command line knows it.
        title: For people.
        questions: What is asked, by name.
        tolerances: By how much answers may be off, by name of the question; none for words.
    """

    number: ClassVar[int]
    name: ClassVar[str]
    title: ClassVar[str]
    questions: ClassVar[Mapping[str, Question]]
    tolerances: ClassVar[Mapping[str, Tolerance]] = {}

    @abstractmethod
    def lab(self, seed: int) -> str:
        """Return the lab file of the microscope that a student with this seed gets, as text.

        It never leaves the process of the microscope: it says how to make the truth.
        """

    @abstractmethod
    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return the perfect answer to each question, for whoever grades."""

    def grade(self, seed: int, answers: Mapping[str, Answer]) -> Sequence[Mark]:
        """Mark answers against the truth of this seed, a mark for each question.

        Args:
            seed: Of the student's sample.
            answers: By name of the question, each of the form that its question asks for.
        """
        truth = self.truth(seed)
        return [
            mark(name, question, answers[name], truth[name], self.tolerances.get(name))
            for name, question in self.questions.items()
        ]


def mark(
    name: str,
    question: Question,
    answer: Answer,
    truth: Answer,
    tolerance: Tolerance | None = None,
) -> Mark:
    """Mark one answer: all points within the tolerance, half of them within `NEAR` times that.

    Several numbers are the coordinates of a point: what counts is the distance.

    Args:
        name: Of the question.
        question: It.
        answer: Of the student.
        truth: The perfect answer.
        tolerance: By how much it may be off; a word must be the right one.
    """
    if tolerance is None:
        is_right = answer == truth
        points = question.points if is_right else 0.0
        return Mark(name, points, question.points, "right" if is_right else "not right")
    given, right = _numbers(answer), _numbers(truth)
    off = math.hypot(*(a - b for a, b in zip(given, right, strict=True)))
    allowed, words = tolerance.allowed(right), tolerance.words(question.unit)
    if off <= allowed:
        return Mark(name, question.points, question.points, f"right, within {words}")
    if off <= NEAR * allowed:
        said = f"near: off by more than {words}, but by less than {NEAR:g} times that"
        return Mark(name, question.points / 2, question.points, said)
    return Mark(name, 0.0, question.points, f"not right: off by more than {NEAR:g} times {words}")


def _numbers(answer: Answer) -> tuple[float, ...]:
    if isinstance(answer, str):
        raise TypeError(f"a word, {answer!r}, has no tolerance")
    return answer if isinstance(answer, tuple) else (answer,)
