"""Behind: the microscope of a lesson together with the truth about it, for whoever grades."""

import numpy as np

from spm_auto.errors import LessonError
from spm_auto.lessons import Lesson
from spm_auto.settings import parse_toml, validate

from ..randomness import RandomStreams
from ..settings import SimulatorSettings
from ..tasks.stage import Stage, mount


def behind(lesson: Lesson, seed: int) -> Stage:
    """Make the microscope that a student with this seed gets, loaded, with its truth.

    Raises:
        LessonError: The lesson's microscope is not a simulated one.
    """
    table = parse_toml(lesson.lab(seed), lesson.name).get("instrument", {})
    if table.get("kind") != "simulator":
        raise LessonError(f"the microscope of the lesson {lesson.name!r} is no simulated one")
    return mount(validate(SimulatorSettings, table, lesson.name), seed)


def chance(lesson: Lesson, seed: int) -> np.random.Generator:
    """Return where what a lesson leaves to chance comes from, besides what the simulator does."""
    return RandomStreams(seed).stream(f"lesson {lesson.name}")
