"""Lesson: a question that a student answers with a microscope whose truth only the grader sees.

A lesson says which simulated microscope the student gets for a seed, what is asked, and how an
answer is marked against the truth. Lessons are plugins of the kind `lessons`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

Answer = float | str | tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What a student hands in.

    Attributes:
        text: What is asked, in one sentence.
        unit: Unit of a number, or of each of several; "" for a word.
        options: The words that there are; empty for numbers.
        size: How many numbers; 1 for one.
        points: Most points that it is worth.
    """

    text: str
    unit: str = ""
    options: tuple[str, ...] = ()
    size: int = 1
    points: float = 1.0


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


class Lesson(ABC):
    """A lesson, the same for all students but for the seed of the sample.

    Attributes:
        number: Its place in the course.
        name: As the command line knows it.
        title: For people.
        questions: What is asked, by name.
    """

    number: ClassVar[int]
    name: ClassVar[str]
    title: ClassVar[str]
    questions: ClassVar[Mapping[str, Question]]

    @abstractmethod
    def lab(self, seed: int) -> str:
        """Return the lab file of the microscope that a student with this seed gets, as text.

        It never leaves the process of the microscope: it says how to make the truth.
        """

    @abstractmethod
    def grade(self, seed: int, answers: Mapping[str, Answer]) -> Sequence[Mark]:
        """Mark answers against the truth of this seed, a mark for each question.

        Args:
            seed: Of the student's sample.
            answers: By name of the question, each of the form that its question asks for.
        """
