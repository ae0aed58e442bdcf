"""A lesson from the first scan to the marks, with the microscope behind its server."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spm_auto.classroom import (
    AnswerSheet,
    Exercise,
    attend,
    grade,
    hosted,
    load_lesson,
    new_course,
    read_course,
)
from spm_auto.cli import app
from spm_auto.data import open_run
from spm_auto.errors import LessonError, LimitExceeded, PluginError

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
