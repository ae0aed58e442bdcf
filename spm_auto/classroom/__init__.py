"""The classroom: lessons at a microscope whose truth stays with whoever grades."""

from .course import Course, new_course, own_course, own_course_path, read_course
from .exercise import Exercise, attend, clear
from .handout import ANSWER, AnswerSheet, Handout, checked
from .hosting import KEPT, host, hosted, load_lesson
from .marking import Marks, grade, reveal

__all__ = [
    "ANSWER",
    "KEPT",
    "AnswerSheet",
    "Course",
    "Exercise",
    "Handout",
    "Marks",
    "attend",
    "checked",
    "clear",
    "grade",
    "host",
    "hosted",
    "load_lesson",
    "new_course",
    "own_course",
    "own_course_path",
    "read_course",
    "reveal",
]
