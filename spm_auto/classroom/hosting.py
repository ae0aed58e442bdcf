"""Hosting a lesson: a student's microscope, and what the student needs to reach it."""

import contextlib
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from .. import plugins
from ..data import Journal, write_whole
from ..errors import AccessError, LessonError
from ..instrument import Level, Permit
from ..lab import Lab, parse_lab
from ..lessons import Lesson
from ..server import (
    About,
    Identity,
    InstrumentServer,
    Listening,
    Member,
    Role,
    Terms,
    new_identity,
    next_place,
    read_identity,
    server_identity,
    write_identity,
)
from ..settings import parse_toml
from .course import Course
from .handout import LAB, Handout

TERMS = Terms(hold_after=600.0, withdraw_after=600.0)  # a student may think, or close the lid
LOOPBACK = "127.0.0.1"
_ANY = ("0.0.0.0", "*", "::")
DOORS = 3  # ports of one microscope
KEPT = "kept"  # folder, beside those that are given away
_TICK = 0.2  # [s]
_PERIOD = 0.1  # [s] of the watchdog; nothing real is at stake


class OneStudent:
    """An allow-list of one, that is on no disk.

    Args:
        student: Who may come in.
    """

    def __init__(self, student: Member) -> None:
        self._student = student

    def member(self, public: str) -> Member | None:
        """Return who has this public key; None for nobody."""
        return self._student if public == self._student.public else None

    def members(self) -> tuple[Member, ...]:
        """Return the student."""
        return (self._student,)


def load_lesson(name: str) -> Lesson:
    """Return the lesson of this name.

    Raises:
        PluginError: There is none.
    """
    lesson: Lesson = plugins.load("lessons", name)()
    return lesson


@contextlib.contextmanager
def hosted(
    course: Course,
    lesson: Lesson,
    student: str,
    folder: Path,
    own: Path,
    host: str = LOOPBACK,
    port: int = 0,
) -> Iterator[Handout]:
    """Serve a student's microscope within the block.

    What the student needs is written into a folder that can be given away: a lab file, two keys and
    the questions. Neither the sample nor its seed is in it, nor do they leave this process. A key
    that an earlier hosting left there is kept: who was given a copy of the folder still comes in.

    Args:
        course: The course.
        lesson: The lesson.
        student: Whose sample it shall be.
        folder: For the student.
        own: For this process: its key, and its journal of who did what.
        host: Address of this computer, as the student's computer reaches it.
        port: First of three ports; free ones if it is 0.

    Raises:
        LessonError: The student's name cannot be that of a key, or the lesson is wrong.
        SpmError: A file cannot be written, or a port is not free.
    """
    try:
        fresh = new_identity(student)
    except AccessError as error:
        raise LessonError(f"the student's name: {error}") from error
    seed = course.seed(lesson.name, student)
    lab = _lab(lesson, seed)
    clock = lab.clock.clock()
    keys = server_identity(own)
    identity, key = _key(fresh, folder)
    server_key = write_whole(folder / "microscope.key", (own / "server.key").read_bytes())
    member = Member(student, Role.OPERATOR, Level.EVERYTHING, identity.public)
    ports = (port, port + 1, port + 2) if port else (0, 0, 0)
    with InstrumentServer(
        lab.open(seed, clock, Permit()),
        clock,
        OneStudent(member),
        keys,
        Journal(next_place(own), clock.now),
        About(str(uuid.uuid4()), lab.laboratory),
        Listening(f"tcp://{host}", *ports, _PERIOD),
        TERMS,
    ) as server:
        address = server.addresses["command"]
        write_whole(folder / LAB, _student_lab(lesson, address, key, server_key).encode())
        handout = Handout(
            lesson.name,
            lesson.title,
            student,
            course.name,
            course.tag(lesson.name, student),
            dict(lesson.questions),
        )
        handout.write(folder)  # the last one: that it is there says that all is ready
        yield handout


def host(
    course: Course,
    lesson: Lesson,
    students: tuple[str, ...],
    folder: Path,
    ending: threading.Event,
    told: Callable[[str, Path], None],
    address: tuple[str, int] = (LOOPBACK, 0),
) -> None:
    """Serve a lesson to students, each with a sample of their own, until somebody ends it.

    Args:
        course: The course.
        lesson: The lesson.
        students: Their names.
        folder: With a folder for each student, to be given away, and one to be kept.
        ending: Ends it when set.
        told: Called with each student and the folder to give away, once the microscope listens.
        address: Of this computer, and the first port; free ones if it is 0.

    Raises:
        SpmError: As `hosted` does.
    """
    name, port = address
    if name in _ANY:
        raise LessonError(f"students reach no {name}: name the address of this computer for them")
    if len({student.lower() for student in students}) != len(students):
        raise LessonError("a student is named twice, or two differ in capital letters only")
    if KEPT in {student.lower() for student in students}:
        raise LessonError(f"no student can be called {KEPT!r}: that folder is not given away")
    with contextlib.ExitStack() as stack:
        for number, student in enumerate(students):
            first = port + DOORS * number if port else 0
            own, given = folder / KEPT / student, folder / student
            stack.enter_context(hosted(course, lesson, student, given, own, name, first))
            told(student, given)
        while not ending.wait(_TICK):  # so that Ctrl-C is noticed on Windows, too
            pass


def _key(fresh: Identity, folder: Path) -> tuple[Identity, Path]:
    """Return the key of a student with its file: the one that is there, or else a fresh one."""
    path = folder / f"{fresh.name}.key_secret"
    with contextlib.suppress(AccessError):
        return read_identity(path), path
    for old in folder.glob(f"{fresh.name}.key*"):
        old.unlink()
    return fresh, write_identity(fresh, folder)


def _lab(lesson: Lesson, seed: int) -> Lab:
    return parse_lab(parse_toml(lesson.lab(seed), lesson.name), lesson.name, Path())


def _student_lab(lesson: Lesson, address: str, key: Path, server_key: Path) -> str:
    return "\n".join(
        (
            "# The microscope of this exercise, behind its server; see docs/lessons.md",
            "schema_version = 1",
            f'laboratory = "lesson {lesson.name}"',
            "",
            "[instrument]",
            'kind = "remote"',
            f'address = "{address}"',
            f'key = "{key.name}"',
            f'server_key = "{server_key.name}"',
            "",
            "[clock]",
            'kind = "instant" # it follows the server\'s, which is a virtual one',
            "",
        )
    )
