"""A lesson from the first scan to the marks, with the microscope behind its server."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from spm_auto.classroom import (
    AnswerSheet,
    Exercise,
    attend,
    grade,
    host,
    hosted,
    load_lesson,
    new_course,
    read_course,
)
from spm_auto.classroom.exercise import OwnExercise
from spm_auto.cli import app
from spm_auto.data import open_run
from spm_auto.errors import ConnectionLost, LessonError, LimitExceeded, PluginError, SpmError

ANSWERS = {
    "tilt": (0.0, 0.0),
    "roughness": "1 nm",
    "highest": ("0 nm", "0 nm"),
    "height": "50 nm",
    "width": 3e-7,
}


@pytest.fixture
def course(tmp_path: Path) -> Path:
    path = tmp_path / "teacher" / "course.toml"
    new_course(path, "SPM 1")
    return path


@pytest.fixture
def exercise(tmp_path: Path, course: Path) -> Iterator[Exercise]:
    given, own = tmp_path / "given", tmp_path / "teacher" / "kept"
    with hosted(read_course(course), load_lesson("first_scan"), "ada", given, own):
        yield attend("first_scan", at=given, folder=tmp_path / "student")


def test_runs_are_recorded_and_answers_handed_in_and_marked(
    exercise: Exercise, course: Path, tmp_path: Path
) -> None:
    for _ in range(2):  # the microscope is the same one, as it was left
        with exercise.start_run("A look") as run:
            image = run.scan((0.0, 0.0), ("1 um", "1 um"), (16, 4), line_rate="8 Hz")
            with pytest.raises(LimitExceeded, match="x"):
                run.position_probe("1 mm", 0.0)
    assert image.is_complete
    assert sorted(path.name for path in exercise.folder.iterdir()) == ["a-look", "a-look-2"]
    first, second = (open_run(exercise.folder / name) for name in ("a-look", "a-look-2"))
    assert first.scans[0].is_complete
    assert second.started.title == "A look"
    assert "tilt: By how much" in str(exercise)

    with pytest.raises(LessonError, match="no answer to width"):
        exercise.hand_in({name: value for name, value in ANSWERS.items() if name != "width"})
    assert not (exercise.folder / "answer.json").exists()
    exercise.hand_in(ANSWERS)
    sheet = AnswerSheet.read(exercise.hand_in(ANSWERS))
    assert (sheet.student, sheet.attempt, sheet.answers["height"]) == ("ada", 2, 50e-9)
    replace(sheet, student="practice", attempt=7).write(exercise.folder / "answer.json")
    assert AnswerSheet.read(exercise.hand_in(ANSWERS)).attempt == 1  # ada's first

    marks = grade(read_course(course), load_lesson("first_scan"), sheet)
    assert (marks.most, marks.points) == (5.0, sum(mark.points for mark in marks.marks))

    answer = str(exercise.folder / "answer.json")
    asked = ["grade", "first_scan", answer, "--course", str(course)]
    printed = CliRunner().invoke(app, [*asked, "--json"], catch_exceptions=False)
    said = json.loads(printed.stdout)
    assert (said["student"], said["points"], said["most"]) == ("ada", marks.points, 5.0)
    assert "truth" not in printed.stdout
    told = CliRunner().invoke(app, [*asked, "--reveal"], catch_exceptions=False).stdout
    lesson, seed = load_lesson("first_scan"), read_course(course).seed("first_scan", "ada")
    assert f"truth {lesson.truth(seed)['height']}" in told


def test_answers_are_only_marked_for_their_own_lesson_student_and_course(
    course: Path, tmp_path: Path
) -> None:
    kept, lesson = read_course(course), load_lesson("first_scan")
    other = new_course(tmp_path / "other.toml", "SPM 2")
    sheet = AnswerSheet(
        "first_scan", "ada", kept.name, kept.tag("first_scan", "ada"), 1, {"tilt": 0.0}
    )
    with pytest.raises(LessonError, match="another sample: that of 'ada' in the course 'SPM 1'"):
        grade(other, lesson, sheet)
    copied = AnswerSheet(sheet.lesson, "bob", sheet.course, sheet.tag, sheet.attempt, sheet.answers)
    with pytest.raises(LessonError, match="another sample: that of 'bob'"):
        grade(kept, lesson, copied)
    with pytest.raises(LessonError, match="answers to 'first_scan', not to 'feedback'"):
        grade(kept, load_lesson("feedback"), sheet)
    with pytest.raises(LessonError, match="no answer to roughness"):
        grade(kept, lesson, sheet)


def test_a_lesson_that_does_not_exist_and_a_name_that_is_none_are_refused(
    course: Path, tmp_path: Path
) -> None:
    with pytest.raises(PluginError, match="there is no lesson 'first_scam'; did you mean"):
        load_lesson("first_scam")
    with (
        pytest.raises(LessonError, match=r"the student's name: '\.\./ada' is no name"),
        hosted(
            read_course(course),
            load_lesson("first_scan"),
            "../ada",
            tmp_path / "given",
            tmp_path / "own",
        ),
    ):
        pytest.fail("it was hosted")
    assert not (tmp_path / "given").exists()


@pytest.mark.lessons
def test_who_was_given_a_folder_still_comes_in_after_the_microscope_is_hosted_again(
    course: Path, tmp_path: Path
) -> None:
    kept, lesson = read_course(course), load_lesson("first_scan")
    given, own, copy = tmp_path / "given", tmp_path / "own", tmp_path / "copy"
    with hosted(kept, lesson, "ada", given, own):
        shutil.copytree(given, copy)
    with hosted(kept, lesson, "ada", given, own):
        shutil.copy(given / "lab.toml", copy)  # only its ports are others
        with attend("first_scan", at=copy, folder=tmp_path / "work").start_run() as run:
            assert run.recorded.started.title == "run"


@pytest.mark.parametrize(
    ("names", "address", "said"),
    [
        (("ada", "Kept"), "127.0.0.1", "no student can be called 'kept'"),
        (("ada", "Ada"), "127.0.0.1", "differ in capital letters"),
        (("ada",), "0.0.0.0", r"students reach no 0\.0\.0\.0"),
        (("ada",), "192.0.2.1", r"192\.0\.2\.1:\d+ is no address of this computer"),
    ],
)
def test_hosting_is_refused_where_folders_would_mix_or_nobody_could_come(
    names: tuple[str, ...], address: str, said: str, course: Path, tmp_path: Path
) -> None:
    ending = threading.Event()
    ending.set()
    with pytest.raises(SpmError, match=said):
        host(
            read_course(course), load_lesson("first_scan"), names, tmp_path / "out", ending,
            lambda student, folder: pytest.fail(f"{student} got {folder}"), (address, 45871),
        )  # fmt: skip
    assert not (tmp_path / "out" / "ada" / "exercise.json").exists()


@pytest.mark.lessons
def test_a_class_gets_a_sample_each_until_the_lesson_is_over(course: Path, tmp_path: Path) -> None:
    given: dict[str, Path] = {}
    ready, ending = threading.Barrier(2, timeout=60), threading.Event()

    def told(student: str, folder: Path) -> None:
        given[student] = folder
        if len(given) == 2:
            ready.wait()

    lesson, students = load_lesson("first_scan"), ("ada", "bob")
    teacher = threading.Thread(
        target=host, args=(read_course(course), lesson, students, tmp_path / "out", ending, told)
    )
    teacher.start()
    ready.wait()
    heights = []
    for student in students:
        exercise = attend("first_scan", at=given[student], folder=tmp_path / student)
        with exercise.start_run() as run:
            image = run.scan((0.0, 0.0), ("2 um", "2 um"), (16, 4), line_rate="8 Hz")
            heights.append(image.channel("height"))
    assert np.abs(heights[0] - heights[1]).max() > 1e-9
    with pytest.raises(LessonError, match="is of the lesson 'first_scan', not of 'feedback'"):
        attend("feedback", at=given["ada"])
    ending.set()
    teacher.join(60)
    with pytest.raises(ConnectionLost):
        attend("first_scan", at=given["ada"], folder=tmp_path / "late").start_run()
    assert not (tmp_path / "out" / "ada" / "server.key_secret").exists()


@pytest.mark.lessons
@pytest.mark.skipif(os.name != "posix", reason="kills by signals")
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_the_microscope_ends_with_the_notebook_however_that_ends(
    how: signal.Signals, tmp_path: Path
) -> None:
    code = (
        "from spm_auto.classroom import attend\n"
        "import sys\n"
        "exercise = attend('first_scan', folder='work')\n"
        "print(exercise._end.peek()[2][0].pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    (tmp_path / "tmp").mkdir()
    notebook = subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "SPM_AUTO_HOME": str(tmp_path), "TMPDIR": str(tmp_path / "tmp")},
        text=True,
    )
    assert notebook.stdin is not None
    assert notebook.stdout is not None
    microscope = int(notebook.stdout.readline())
    os.kill(microscope, 0)  # it is there
    notebook.send_signal(how)
    notebook.communicate(timeout=60)
    end = time.monotonic() + 30
    while _is_there(microscope) and time.monotonic() < end:
        threading.Event().wait(0.05)
    assert not _is_there(microscope)
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.lessons
def test_a_microscope_that_dies_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPM_AUTO_HOME", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    (tmp_path / "tmp").mkdir()
    exercise = attend("first_scan", folder=tmp_path / "work")
    assert isinstance(exercise, OwnExercise)
    end = exercise._end.peek()
    assert end is not None
    process, _ = end[2]
    process.kill()
    process.wait(20)
    with pytest.raises(ConnectionLost):
        exercise.start_run()
    exercise.close()
    assert list((tmp_path / "tmp").iterdir()) == []


@pytest.mark.lessons
def test_a_cell_that_is_executed_again_leaves_one_microscope(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPM_AUTO_HOME", str(tmp_path))
    first = attend("first_scan", "ada", folder=tmp_path / "work")
    again = attend("first_scan", "ada", folder=tmp_path / "work")  # as IPython, which keeps Out[1]
    assert not first.lab.exists()
    with pytest.raises(SpmError):
        first.start_run("late")
    with again.start_run("look") as run:
        assert run.recorded.started.title == "look"
    again.close()


def _is_there(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"  # ended, and nobody has asked what became of it


@pytest.mark.lessons
def test_a_lesson_that_cannot_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPM_AUTO_HOME", str(tmp_path))
    broken = tmp_path / "course.toml"
    broken.write_text('schema_version = 1\nname = "a"\nsecret = "short"\n')
    broken.chmod(0o600)
    with pytest.raises(LessonError, match=r"did not start: .*course\.toml: the secret must be 64"):
        attend("first_scan", folder=tmp_path / "work")
    assert not (tmp_path / "work").exists()
