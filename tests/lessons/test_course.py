"""The course file: seeds that nobody guesses, and a secret that nobody is told."""

import os
from pathlib import Path

import pytest

from spm_auto.classroom import Course, new_course, own_course, own_course_path, read_course
from spm_auto.errors import LessonError, RecipeError

SECRET = "5e" * 32


def course(**changed: object) -> Course:
    table: dict[str, object] = {"schema_version": 1, "name": "SPM 1", "secret": SECRET, **changed}
    return Course.model_validate(table)


def written(folder: Path, text: str) -> Path:
    path = folder / "course.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    return path


def test_each_student_and_lesson_has_a_seed_that_follows_from_the_secret() -> None:
    seeds = {
        course().seed("first_scan", "ada"),
        course().seed("first_scan", "bob"),
        course().seed("feedback", "ada"),
        course(secret="5f" * 32).seed("first_scan", "ada"),
    }
    assert len(seeds) == 4
    assert min(seeds) >= 0
    assert course(name="renamed").seed("first_scan", "ada") in seeds
    # so that old answers can be graded with a later version
    assert course().seed("first_scan", "ada") == 68651451077544129


def test_names_that_run_into_one_another_are_still_two() -> None:
    assert course().seed("a", "bc") != course().seed("ab", "c")


def test_a_course_can_give_all_students_the_same_sample() -> None:
    shared = course(same_for_all=True)
    assert shared.seed("first_scan", "ada") == shared.seed("first_scan", "bob")
    assert shared.seed("first_scan", "ada") != shared.seed("feedback", "ada")


def test_the_tag_of_a_sample_is_not_a_part_of_its_seed() -> None:
    seed, tag = course().seed("first_scan", "ada"), course().tag("first_scan", "ada")
    assert tag not in f"{seed:014x}"
    assert f"{seed:014x}" not in tag
    assert tag != course().tag("first_scan", "bob")


def test_a_new_course_is_read_back_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "course.toml"
    made = new_course(path, 'SPM "1"', same_for_all=True)
    assert read_course(path) == made
    assert made.same_for_all
    assert list(path.parent.iterdir()) == [path]
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0
        path.chmod(0o644)
        with pytest.raises(LessonError, match="others may read it; run: chmod"):
            read_course(path)


def test_a_course_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "course.toml"
    before = new_course(path, "one")
    with pytest.raises(LessonError, match="never overwritten"):
        new_course(path, "two")
    assert read_course(path) == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'schema_version = 1\nname = "a"\nsecret = "{SECRET[:-1]}"', "64 hexadecimal digits"),
        (f'schema_version = 1\nname = "a"\nsecret = ["{SECRET}"]', "64 hexadecimal digits"),
        (f'schema_version = 2\nname = "a"\nsecret = "{SECRET}"', "schema_version"),
        (f'schema_version = 1\nname = 7\nsecret = "{SECRET}"', "name"),
        (f'schema_version = 1\nname = "a"\nsecrets = 1\nsecret = "{SECRET}"', "secrets"),
    ],
)
def test_a_course_with_a_fault_is_refused_without_its_secret_being_quoted(
    tmp_path: Path, text: str, said: str
) -> None:
    with pytest.raises((LessonError, RecipeError), match=said) as told:
        read_course(written(tmp_path, text))
    assert SECRET[:20] not in str(told.value)
    assert SECRET[:20] not in repr(told.value.__cause__)


def test_a_course_does_not_show_its_secret() -> None:
    assert SECRET not in repr(course())
    assert SECRET not in str(course())


def test_who_learns_alone_gets_a_course_on_first_use_and_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPM_AUTO_HOME", str(tmp_path / "home"))
    made = own_course()
    assert own_course() == made
    assert own_course_path() == tmp_path / "home" / "course.toml"
