"""The command line of lessons: what there is, a new course, and what is refused."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from spm_auto.classroom import read_course
from spm_auto.cli import app
from spm_auto.errors import LessonError


def printed(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def test_lessons_are_listed_in_the_order_of_the_course() -> None:
    found = json.loads(printed("lessons", "--json"))
    assert [each["number"] for each in found] == list(range(1, len(found) + 1))
    assert found[0] == {"number": 1, "name": "first_scan", "title": "A first scan"}
    assert "2. feedback: What the feedback does\n" in printed("lessons")


def test_a_course_is_made_and_said_to_be_a_secret(tmp_path: Path) -> None:
    path = tmp_path / "spm.toml"
    said = printed("course", "new", str(path), "--name", "SPM 2026", "--same-for-all")
    course = read_course(path)
    assert (course.name, course.same_for_all) == ("SPM 2026", True)
    assert "whoever reads it can work out every answer" in said
    assert course.secret not in said


def test_without_a_course_of_ones_own_grading_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPM_AUTO_HOME", str(tmp_path))
    result = CliRunner().invoke(app, ["grade", "first_scan", str(tmp_path / "answer.json")])
    assert isinstance(result.exception, LessonError)
    assert "name one with --course" in str(result.exception)
    assert list(tmp_path.iterdir()) == []  # grading makes no course
    result = CliRunner().invoke(
        app, ["grade", "first_scan", "answer.json", "--course", str(tmp_path / "none.toml")]
    )
    assert "there is no course; `spm-auto course new` makes one" in str(result.exception)
