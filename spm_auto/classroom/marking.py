"""Marking: an answer sheet against the truth of the student's sample."""

from collections.abc import Mapping
from dataclasses import dataclass

from ..errors import LessonError
from ..lessons import Answer, Lesson, Mark
from .course import Course
from .handout import AnswerSheet, checked


@dataclass(frozen=True, slots=True)
class Marks:
    """What an answer sheet is worth.

    Attributes:
        sheet: It.
        marks: For each question.
    """

    sheet: AnswerSheet
    marks: tuple[Mark, ...]

    @property
    def points(self) -> float:
        """Points in all."""
        return sum(mark.points for mark in self.marks)

    @property
    def most(self) -> float:
        """Most points that there were."""
        return sum(mark.most for mark in self.marks)


def grade(course: Course, lesson: Lesson, sheet: AnswerSheet) -> Marks:
    """Mark an answer sheet.

    Raises:
        LessonError: It is of another lesson or course, or not of the form that is asked for.
    """
    if sheet.lesson != lesson.name:
        raise LessonError(f"these are answers to {sheet.lesson!r}, not to {lesson.name!r}")
    if sheet.tag != course.tag(lesson.name, sheet.student):
        raise LessonError(
            f"these answers belong to another sample: that of {sheet.student!r} in the course "
            f"{sheet.course!r}; graded would be by the course {course.name!r}"
        )
    answers = checked(lesson.questions, sheet.answers)
    return Marks(sheet, tuple(lesson.grade(course.seed(lesson.name, sheet.student), answers)))


def reveal(course: Course, lesson: Lesson, student: str) -> Mapping[str, Answer]:
    """Return the perfect answers of a student, for an instructor."""
    return lesson.truth(course.seed(lesson.name, student))
