"""Exercise: a lesson as a notebook sees it; the microscope is in another process."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..errors import LessonError
from ..lessons import Question
from ..script import Run, start_run
from .handout import ANSWER, HANDOUT, LAB, AnswerSheet, Handout, checked, listed

START = 120.0  # [s] for the microscope to be made
END = 20.0  # [s] for it to end
_TICK = 0.05  # [s]
LOG = "microscope.log"
_PREFIX = "spm-auto-lesson-"  # of temporary folders

_own: "weakref.WeakValueDictionary[tuple[str, ...], OwnExercise]" = weakref.WeakValueDictionary()


class Exercise:
    """What a student works at: a microscope of their own, questions, and a way to hand in.

    Args:
        handout: What is asked, and of whom.
        lab: The lab file of the microscope.
        folder: Where runs and the answer go.

    Attributes:
        lab: The lab file, for `spm_auto.start_run`.
        folder: Where runs and the answer go.
    """

    def __init__(self, handout: Handout, lab: Path, folder: Path) -> None:
        self._handout = handout
        self.lab, self.folder = lab, folder

    def __str__(self) -> str:
        """Say what is asked."""
        asked = listed(self._handout.questions)
        return "\n".join([f"{self._handout.title}, for {self._handout.student}", *asked])

    __repr__ = __str__

    @property
    def questions(self) -> Mapping[str, Question]:
        """What is asked, by name."""
        return self._handout.questions

    def start_run(self, title: str = "run", **options: Any) -> Run:
        """Begin a run at the microscope, in a folder of its own below that of the exercise.

        The microscope and its sample stay the same from run to run, as does what was done to them.

        Args:
            title: What the run is about; its folder is named by it.
            options: As `spm_auto.start_run` has them.

        Raises:
            SpmError: As `spm_auto.start_run` does.
        """
        name = "".join(c if c.isalnum() else "-" for c in title.lower()).strip("-") or "run"
        number, out = 1, self.folder / name
        while out.exists():
            number += 1
            out = self.folder / f"{name}-{number}"
        return start_run(lab=self.lab, out=out, title=title, **options)

    def hand_in(self, answers: Mapping[str, Any]) -> Path:
        """Check the form of the answers and write them to a file, for `spm-auto grade`.

        Args:
            answers: Numbers in SI units, text with a unit such as "412 nm", words, and sequences
                where several numbers are asked for; by name of the question.

        Returns:
            The file.

        Raises:
            LessonError: One is missing, too many, or of the wrong form or unit; nothing is written.
        """
        given = checked(self._handout.questions, answers)
        path, attempt, about = self.folder / ANSWER, 1, self._handout
        if path.exists():
            before = AnswerSheet.read(path)
            if (before.student, before.tag) == (about.student, about.tag):
                attempt += before.attempt
        sheet = AnswerSheet(about.lesson, about.student, about.course, about.tag, attempt, given)
        return sheet.write(path)

    def close(self) -> None:
        """Let go of the microscope; safe to call twice."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class OwnExercise(Exercise):
    """An exercise whose microscope is a process of this computer, which ends with it.

    Args:
        process: The microscope; it ends when its standard input is closed.
        given: Folder of what it handed out.
        folder: Where runs and the answer go.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", given: Path, folder: Path) -> None:
        super().__init__(Handout.read(given), given / LAB, folder)
        self._end = weakref.finalize(self, _end, process, given)

    def close(self) -> None:
        """End the microscope; safe to call twice."""
        self._end()


def attend(
    lesson: str,
    student: str = "student",
    *,
    folder: Path | str | None = None,
    course: Path | str | None = None,
    at: Path | str | None = None,
) -> Exercise:
    """Sit down at the microscope of a lesson.

    Learning alone, it is made on this computer, in a process of its own, of a course that is made
    on first use. Where an instructor hosts the lesson, ``at`` is the folder that they gave away.
    Attending once more, as a cell of a notebook does that is executed again, ends one's microscope
    of before and makes a new one.

    Args:
        lesson: Name of the lesson; `spm-auto lessons` has them.
        student: Who learns: each gets a sample of their own, the same each time.
        folder: Where runs and the answer go; ``lessons/NAME`` without it.
        course: File of another course than one's own.
        at: What an instructor handed out.

    Raises:
        LessonError: There is no such lesson, or the microscope does not start; its own words say
            why.
    """
    out = Path(folder) if folder is not None else Path("lessons") / lesson
    if at is not None:
        handout = Handout.read(Path(at))
        if handout.lesson != lesson:
            raise LessonError(f"{at} is of the lesson {handout.lesson!r}, not of {lesson!r}")
        return Exercise(handout, Path(at) / LAB, out)
    place = (lesson, student, str(course), str(out.resolve()))
    before = _own.get(place)  # a notebook keeps what its cells have shown
    if before is not None:
        before.close()
    given = Path(tempfile.mkdtemp(prefix=_PREFIX))
    command = [
        *(sys.executable, "-m", "spm_auto", "lesson", "host", lesson),
        *("--student", student, "--out", str(given), "--alone"),
        *(() if course is None else ("--course", str(Path(course).resolve()))),
    ]
    with (given / LOG).open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            **_apart(),
        )
    try:
        _wait(process, given)
        _own[place] = exercise = OwnExercise(process, given, out)
        return exercise
    except BaseException:
        _end(process, given)
        raise


def _apart() -> dict[str, Any]:
    """Return how to start a process that no Ctrl-C of a terminal or a notebook reaches."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _wait(process: "subprocess.Popen[bytes]", given: Path) -> None:
    """Wait until the microscope listens."""
    end = time.monotonic() + START
    while not (given / HANDOUT).exists():
        if process.poll() is not None:
            words = (given / LOG).read_text("utf-8", "replace").strip().splitlines()
            said = "; ".join(line.removeprefix("error: ") for line in words if "error: " in line)
            last = words[-1] if words else "it said nothing"
            raise LessonError(f"the microscope did not start: {said or last}")
        if time.monotonic() > end:
            raise LessonError(f"the microscope was not ready within {START:g} s")
        time.sleep(_TICK)


def clear(given: Path) -> None:
    """Remove what a microscope handed out in the temporary folder of `attend`; no other folder."""
    if given.name.startswith(_PREFIX):
        shutil.rmtree(given, ignore_errors=True)


def _end(process: "subprocess.Popen[bytes]", given: Path) -> None:
    """Let the microscope end, and remove what it handed out."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    clear(given)
